"""One training step, and the same step backwards (Dataset Policy Gradient, section 3).

Backwards, with the adjoints ``lam`` of what the step returned:

a. the update's vector-Jacobian product gives ``g_bar``, the adjoint of the gradient g_t;
b. ``tau_i = <grad L_i, g_bar> / divisor``, the adjoint of every weight w_i;
c. ``d<g_t, g_bar>/dtheta``, a Hessian product, joins the adjoint of theta_t.

(b) and (c) come out of one backward pass through the gradient's graph. At step 0 nobody asks for
(c), and (b) alone is one forward-mode pass over the losses, where all that the model does has one.

All derivatives are taken while the parameters given are in the model: what computes activations
again on the way back must see them.

Legend: B examples of a batch, P numbers in all trained parameters.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel

from lit_research.errors import UserError
from lit_research.metagrad.layout import Call, Layout
from lit_research.metagrad.optimizers import State
from lit_research.metagrad.parts import Part, split_batch
from lit_research.metagrad.randomness import fixed_random
from lit_research.metagrad.training import Training

T = TypeVar("T")


@dataclass(frozen=True)
class Adjoint:
    """Derivative of the metric with respect to where training stands.

    Args:
        theta: ``[P]``.
        state: of the optimiser's vectors.
    """

    theta: Tensor
    state: State


@dataclass(frozen=True)
class Reversed:
    """Derivatives of the metric with respect to all that a step was given.

    Args:
        before: of parameters and state.
        weights: of the step's w, in their shape.
        lr: 0-dim.
        weight_decay: 0-dim.
    """

    before: Adjoint
    weights: Tensor
    lr: Tensor
    weight_decay: Tensor


class Steps:
    """The steps of one run.

    Args:
        training: what is trained.
        layout: of its parameters.
        weights: w of each step; None is 1.
    """

    def __init__(
        self, training: Training, layout: Layout, weights: Sequence[Tensor] | None
    ) -> None:
        self.training, self.layout, self.weights = training, layout, weights
        self.call = Call(training.model)
        like = next(p for p in training.model.parameters() if p.requires_grad)
        optimizer, total = training.optimizer, len(training.batches)
        lr, decay = training.lr, training.weight_decay
        lr = [optimizer.lr] * total if lr is None else lr
        decay = [optimizer.weight_decay] * total if decay is None else decay
        self.lr, self.weight_decay = (
            torch.tensor([float(x) for x in values], dtype=like.dtype, device=like.device)
            for values in (lr, decay)
        )
        self.device = like.device
        self.forward_mode = True  # until a function turns out to have none

    def forward(self, theta: Tensor, state: State, step: int) -> tuple[Tensor, State, Tensor]:
        """Return parameters and state after a step, and its gradient."""
        gradient = self.gradient(theta, step)
        with torch.no_grad():
            return *self._update(theta, gradient, state, step), gradient

    def pack(self, theta: Tensor, state: State, gradient: Tensor) -> tuple[Tensor, ...]:
        """Return what to keep so that a step can be reversed."""
        return theta, *state  # the gradient comes with its graph, at no cost

    def unpack(self, kept: tuple[Tensor, ...]) -> tuple[Tensor, State, Tensor | None]:
        """Return parameters, state and, if it was kept, the gradient."""
        return kept[0], kept[1:], None

    def _update(
        self,
        theta: Tensor,
        gradient: Tensor,
        state: State,
        step: int,
        lr: Tensor | None = None,
        weight_decay: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        return self.training.optimizer.update(
            theta,
            gradient,
            state,
            step=step,
            lr=self.lr[step] if lr is None else lr,
            weight_decay=self.weight_decay[step] if weight_decay is None else weight_decay,
            layout=self.layout,
        )

    def gradient(self, theta: Tensor, step: int) -> Tensor:
        """Return g_t ``[P]``, without its graph."""
        total: Tensor | None = None
        for part in self.micro_batches(step):
            found = self.part_gradient(theta, part)
            total = found if total is None else total + found
        assert total is not None
        return total

    def part_gradient(self, theta: Tensor, part: Part) -> Tensor:
        """Return the gradient of a micro-batch ``[P]``, without its graph."""
        leaves = self._leaves(theta)

        def work(model: Any) -> Tensor:
            loss, _, _ = self._loss(model, part)
            return self.layout.flatten(_grads(loss, leaves, graph=False))

        return self._at(leaves, part, work)

    def losses(self, theta: Tensor, step: int) -> Tensor:
        """Return the losses of a step's examples or tokens, without weights."""
        return torch.cat([self.part_losses(theta, part) for part in self.micro_batches(step)])

    @torch.no_grad()
    def part_losses(self, theta: Tensor, part: Part) -> Tensor:
        """Return the losses of a micro-batch, without weights."""
        losses = self.training.losses
        found: Tensor = self._at(self.layout.parts(theta), part, losses, part.batch)
        return found

    def backward(
        self, theta: Tensor, state: State, step: int, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse a step.

        Args:
            theta: before the step, ``[P]``.
            state: before the step.
            step: its number.
            lam: adjoints of theta and state after the step.
            gradient: of the step, if it was kept; here it is not.
        """
        parts = list(self.micro_batches(step))
        update: UpdateAdjoints | None = None

        def g_bar(gradient: Tensor) -> Tensor:
            nonlocal update
            update = self._backward_update(theta, gradient, state, step, lam)
            return update.gradient

        # Of one micro-batch, the gradient comes with the graph of its product.
        whole = g_bar(self.gradient(theta, step)) if len(parts) > 1 else None

        def along(gradient: Tensor) -> Tensor:
            return g_bar(gradient) if whole is None else whole

        weights, total = [], torch.zeros_like(theta)
        for part in parts:
            product, tau = self.part_product(theta, part, along)
            total += product
            weights.append(tau)
        assert update is not None
        return update.reversed(update.theta + total, weights)

    def part_product(
        self, theta: Tensor, part: Part, direction: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return (b) and (c) of a micro-batch: the Hessian product ``[P]`` and the tau.

        Args:
            theta: ``[P]``.
            part: the micro-batch.
            direction: gets its gradient ``[P]``, returns what to multiply with, ``[P]``.
        """
        leaves = self._leaves(theta)

        def work(model: Any) -> tuple[Tensor, Tensor]:
            loss, _, weights = self._loss(model, part)
            gradients = _grads(loss, leaves, graph=True)
            along = direction(self.layout.flatten([g.detach() for g in gradients]))
            *products, tau = torch.autograd.grad(
                gradients,
                [*leaves, weights],
                self.layout.parts(along),
                allow_unused=True,
                materialize_grads=True,
            )
            return self.layout.flatten(products), tau

        found: tuple[Tensor, Tensor] = self._at(leaves, part, work)
        return found

    def backward_first(
        self, theta: Tensor, state: State, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse step 0 without the adjoint of theta_0: no Hessian product, no second graph."""
        update = self._backward_update(theta, self.gradient(theta, 0), state, 0, lam)
        weights = [self.part_tau(theta, part, update.gradient) for part in self.micro_batches(0)]
        return update.reversed(update.theta, weights)

    def graph_of_losses(self, theta: Tensor, part: Part, look: Callable[[Tensor], T]) -> T:
        """Return what ``look`` sees in the losses of a micro-batch, with their graph."""

        def work(model: Any) -> T:
            return look(self._loss(model, part)[1])

        found: T = self._at(self._leaves(theta), part, work)
        return found

    def part_tau(self, theta: Tensor, part: Part, direction: Tensor) -> Tensor:
        """Return (b) of a micro-batch alone, in forward mode where there is one."""
        if self.forward_mode:
            try:
                return self._tangent(theta, part, direction)
            except NotImplementedError:  # of a function in the model or the losses
                self.forward_mode = False
        return self.part_product(theta, part, lambda _: direction)[1]

    def _tangent(self, theta: Tensor, part: Part, direction: Tensor) -> Tensor:
        pairs = zip(self.layout.parts(theta), self.layout.parts(direction), strict=True)
        with forward_ad.dual_level(), torch.no_grad():
            duals = [forward_ad.make_dual(p, along) for p, along in pairs]
            losses = self._at(duals, part, self.training.losses, part.batch)
            tangent = forward_ad.unpack_dual(losses).tangent
        return torch.zeros_like(losses) if tangent is None else tangent / part.divisor

    def _backward_update(
        self, theta: Tensor, gradient: Tensor, state: State, step: int, lam: Adjoint
    ) -> UpdateAdjoints:
        """(a): return the adjoints of what the update was given."""
        given = [theta, gradient, *state, self.lr[step], self.weight_decay[step]]
        given = [x.detach().requires_grad_() for x in given]
        with torch.enable_grad():
            after, new_state = self._update(
                given[0], given[1], tuple(given[2:-2]), step, given[-2], given[-1]
            )
        d_theta, g_bar, *d_state, d_lr, d_decay = torch.autograd.grad(
            [after, *new_state],
            given,
            [lam.theta, *lam.state],
            allow_unused=True,
            materialize_grads=True,
        )
        return UpdateAdjoints(d_theta, g_bar, tuple(d_state), d_lr, d_decay)

    def _leaves(self, theta: Tensor) -> list[Tensor]:
        return [part.detach().requires_grad_() for part in self.layout.parts(theta)]

    def _at(
        self, parts: list[Tensor], part: Part, function: Callable[..., Any], *inputs: Any
    ) -> Any:
        """Call ``function(model, *inputs)`` as a step does: parameters, random numbers, kernels."""
        with fixed_random(self.training.seed, part.place, self.device), kernels():
            return self.call.at(self.layout.names, parts, function, *inputs)

    def after(self, parts: list[Tensor], function: Callable[[Any], Any]) -> Any:
        """Call ``function(model)`` with theta_T; its random numbers follow from the seed too."""
        with fixed_random(self.training.seed, (len(self.lr), 0), self.device):
            return self.call.at(self.layout.names, parts, function)

    def _loss(self, model: Any, part: Part) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weighted loss of a micro-batch, its losses and its weights."""
        with torch.enable_grad():
            losses = self.training.losses(model, part.batch)
            self.check(losses, part)
            weights = torch.ones_like(losses) if part.weights is None else part.weights
            weights = weights.detach().requires_grad_()
            return (weights * losses).sum() / part.divisor, losses, weights

    def check(self, losses: Tensor, part: Part) -> None:
        """Refuse losses of another dtype or shape.

        Raises:
            UserError: with what they are.
        """
        if losses.dtype != self.lr.dtype:
            raise UserError(
                f"the losses are {losses.dtype}, of a model in {self.lr.dtype}: compute them in "
                "the dtype of the parameters, or the metagradient loses what the cast drops"
            )
        if losses.dim() == 0 or len(losses) != part.size:
            raise UserError(
                f"losses returned the shape {tuple(losses.shape)} for {part.size} examples: return "
                "one number for each example, [B], or for each of its tokens, [B, T]"
            )
        if part.weights is not None and part.weights.shape != losses.shape:
            raise UserError(
                f"the weights of a step have the shape {tuple(part.weights.shape)}, given to train,"
                f" and its losses {tuple(losses.shape)}: give one for each loss"
            )

    def micro_batches(self, step: int) -> Iterator[Part]:
        """Yield the micro-batches of a step."""
        given = self.training
        weights = None if self.weights is None else self.weights[step].to(self.lr)
        yield from split_batch(
            given.batches[step], weights, step, width=given.micro_batch, divisor=given.divisor
        )


@contextlib.contextmanager
def kernels() -> Iterator[None]:
    """Choose kernels that can be differentiated twice, of those that torch chooses among."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@dataclass
class UpdateAdjoints:
    """Adjoints of what the update of a step was given."""

    theta: Tensor
    gradient: Tensor
    state: State
    lr: Tensor
    weight_decay: Tensor

    def reversed(self, theta: Tensor, weights: list[Tensor]) -> Reversed:
        """Return these with the whole adjoint of theta, and those of the weights, in parts."""
        before = Adjoint(theta, self.state)
        return Reversed(before, torch.cat(weights), self.lr, self.weight_decay)


def _grads(loss: Tensor, leaves: list[Tensor], *, graph: bool) -> tuple[Tensor, ...]:
    return torch.autograd.grad(
        loss, leaves, create_graph=graph, allow_unused=True, materialize_grads=True
    )
