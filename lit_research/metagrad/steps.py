"""One training step, forward and reversed (Dataset Policy Gradient, section 3).

Reversed, with the adjoints ``lam`` of what the step returned:

a. the update's vector-Jacobian product gives ``g_bar``, the adjoint of the gradient g_t;
b. ``tau_i = <grad L_i, g_bar> / divisor``, the adjoint of every weight w_i;
c. ``d<g_t, g_bar>/dtheta``, a Hessian product, is added to the adjoint of theta_t.

(b) and (c) come out of one backward pass through the gradient's graph. At step 0, (c) is not
needed, and (b) alone is one forward-mode pass over the losses, where all operations support it.

All derivatives are taken while the given parameters are in the model, since recomputed activations
must see them.

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
from lit_research.metagrad.micro_batches import MicroBatch, split_batch
from lit_research.metagrad.optimizers import State
from lit_research.metagrad.randomness import fixed_random
from lit_research.metagrad.training import Training

T = TypeVar("T")


@dataclass(frozen=True)
class Adjoint:
    """Derivative of the metric with respect to parameters and optimiser state at one step.

    Args:
        theta: of the parameters, ``[P]``.
        state: of the optimiser's vectors, ``[P]`` each.
    """

    theta: Tensor
    state: State


@dataclass(frozen=True)
class Reversed:
    """Derivatives of the metric with respect to all inputs of a step.

    Args:
        before: of parameters and state before the step.
        weights: of the step's w, in their shape.
        lr: of its learning rate, 0-dim.
        weight_decay: of its weight decay, 0-dim.
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
        self.forward_mode = True  # until an operation turns out not to support it

    def forward(self, theta: Tensor, state: State, step: int) -> tuple[Tensor, State, Tensor]:
        """Return parameters and state after a step, and its gradient."""
        gradient = self.gradient(theta, step)
        with torch.no_grad():
            return *self._update(theta, gradient, state, step), gradient

    def pack(self, theta: Tensor, state: State, gradient: Tensor) -> tuple[Tensor, ...]:
        """Return what to keep so that a step can be reversed."""
        return theta, *state  # the gradient is recomputed with its graph anyway

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
        for micro_batch in self.micro_batches(step):
            gradient = self.micro_batch_gradient(theta, micro_batch)
            total = gradient if total is None else total + gradient
        assert total is not None
        return total

    def micro_batch_gradient(self, theta: Tensor, micro_batch: MicroBatch) -> Tensor:
        """Return the gradient of a micro-batch ``[P]``, without its graph."""
        leaves = self._leaves(theta)

        def work(model: Any) -> Tensor:
            loss, _, _ = self._loss(model, micro_batch)
            return self.layout.flatten(_grads(loss, leaves, graph=False))

        return self._at(leaves, micro_batch, work)

    def losses(self, theta: Tensor, step: int) -> Tensor:
        """Return the losses of a step's examples or tokens, without weights."""
        return torch.cat(
            [
                self.micro_batch_losses(theta, micro_batch)
                for micro_batch in self.micro_batches(step)
            ]
        )

    @torch.no_grad()
    def micro_batch_losses(self, theta: Tensor, micro_batch: MicroBatch) -> Tensor:
        """Return the losses of a micro-batch, without weights."""
        losses = self.training.losses
        values: Tensor = self._at(self.layout.split(theta), micro_batch, losses, micro_batch.batch)
        return values

    def backward(
        self, theta: Tensor, state: State, step: int, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse a step.

        Args:
            theta: before the step, ``[P]``.
            state: before the step.
            step: its index.
            lam: adjoints of theta and state after the step.
            gradient: of the step, if it was kept; not used here.
        """
        micro_batches = list(self.micro_batches(step))
        update: UpdateAdjoints | None = None

        def g_bar(gradient: Tensor) -> Tensor:
            nonlocal update
            update = self._backward_update(theta, gradient, state, step, lam)
            return update.gradient

        # With one micro-batch, its gradient is computed with the graph of the product anyway.
        whole_g_bar = g_bar(self.gradient(theta, step)) if len(micro_batches) > 1 else None

        def along(gradient: Tensor) -> Tensor:
            return g_bar(gradient) if whole_g_bar is None else whole_g_bar

        weights, total = [], torch.zeros_like(theta)
        for micro_batch in micro_batches:
            product, tau = self.micro_batch_product(theta, micro_batch, along)
            total += product
            weights.append(tau)
        assert update is not None
        return update.reversed(update.theta + total, weights)

    def micro_batch_product(
        self, theta: Tensor, micro_batch: MicroBatch, direction: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return (b) and (c) of a micro-batch: the Hessian product ``[P]`` and the tau.

        Args:
            theta: ``[P]``.
            micro_batch: its examples.
            direction: maps its gradient ``[P]`` to the vector to multiply with, ``[P]``.
        """
        leaves = self._leaves(theta)

        def work(model: Any) -> tuple[Tensor, Tensor]:
            loss, _, weights = self._loss(model, micro_batch)
            gradients = _grads(loss, leaves, graph=True)
            along = direction(self.layout.flatten([g.detach() for g in gradients]))
            *products, tau = torch.autograd.grad(
                gradients,
                [*leaves, weights],
                self.layout.split(along),
                allow_unused=True,
                materialize_grads=True,
            )
            return self.layout.flatten(products), tau

        product_and_tau: tuple[Tensor, Tensor] = self._at(leaves, micro_batch, work)
        return product_and_tau

    def backward_first(
        self, theta: Tensor, state: State, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse step 0 without the adjoint of theta_0: no Hessian product, no second graph."""
        update = self._backward_update(theta, self.gradient(theta, 0), state, 0, lam)
        weights = [
            self.micro_batch_tau(theta, micro_batch, update.gradient)
            for micro_batch in self.micro_batches(0)
        ]
        return update.reversed(update.theta, weights)

    def graph_of_losses(
        self, theta: Tensor, micro_batch: MicroBatch, read: Callable[[Tensor], T]
    ) -> T:
        """Return what ``read`` returns for the losses of a micro-batch, with their graph."""

        def work(model: Any) -> T:
            return read(self._loss(model, micro_batch)[1])

        result: T = self._at(self._leaves(theta), micro_batch, work)
        return result

    def micro_batch_tau(self, theta: Tensor, micro_batch: MicroBatch, direction: Tensor) -> Tensor:
        """Return (b) of a micro-batch, in forward mode where it is supported."""
        if self.forward_mode:
            try:
                return self._tangent(theta, micro_batch, direction)
            except NotImplementedError:  # from an operation of the model or the losses
                self.forward_mode = False
        return self.micro_batch_product(theta, micro_batch, lambda _: direction)[1]

    def _tangent(self, theta: Tensor, micro_batch: MicroBatch, direction: Tensor) -> Tensor:
        pairs = zip(self.layout.split(theta), self.layout.split(direction), strict=True)
        with forward_ad.dual_level(), torch.no_grad():
            duals = [forward_ad.make_dual(p, along) for p, along in pairs]
            losses = self._at(duals, micro_batch, self.training.losses, micro_batch.batch)
            tangent = forward_ad.unpack_dual(losses).tangent
        return torch.zeros_like(losses) if tangent is None else tangent / micro_batch.divisor

    def _backward_update(
        self, theta: Tensor, gradient: Tensor, state: State, step: int, lam: Adjoint
    ) -> UpdateAdjoints:
        """(a): return the adjoints of the inputs of the update."""
        inputs = [theta, gradient, *state, self.lr[step], self.weight_decay[step]]
        inputs = [x.detach().requires_grad_() for x in inputs]
        with torch.enable_grad():
            after, new_state = self._update(
                inputs[0], inputs[1], tuple(inputs[2:-2]), step, inputs[-2], inputs[-1]
            )
        d_theta, g_bar, *d_state, d_lr, d_decay = torch.autograd.grad(
            [after, *new_state],
            inputs,
            [lam.theta, *lam.state],
            allow_unused=True,
            materialize_grads=True,
        )
        return UpdateAdjoints(d_theta, g_bar, tuple(d_state), d_lr, d_decay)

    def _leaves(self, theta: Tensor) -> list[Tensor]:
        return [parameter.detach().requires_grad_() for parameter in self.layout.split(theta)]

    def _at(
        self,
        parameters: list[Tensor],
        micro_batch: MicroBatch,
        function: Callable[..., Any],
        *inputs: Any,
    ) -> Any:
        """Call ``function(model, *inputs)`` as a step does: parameters, random numbers, kernels."""
        with (
            fixed_random(self.training.seed, micro_batch.index, self.device),
            differentiable_kernels(),
        ):
            return self.call.at(self.layout.names, parameters, function, *inputs)

    def after(self, parameters: list[Tensor], function: Callable[[Any], Any]) -> Any:
        """Call ``function(model)`` with theta_T; its random numbers follow from the seed too."""
        with fixed_random(self.training.seed, (len(self.lr), 0), self.device):
            return self.call.at(self.layout.names, parameters, function)

    def _loss(self, model: Any, micro_batch: MicroBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weighted loss of a micro-batch, its losses and its weights."""
        with torch.enable_grad():
            losses = self.training.losses(model, micro_batch.batch)
            self.check(losses, micro_batch)
            weights = (
                torch.ones_like(losses) if micro_batch.weights is None else micro_batch.weights
            )
            weights = weights.detach().requires_grad_()
            return (weights * losses).sum() / micro_batch.divisor, losses, weights

    def check(self, losses: Tensor, micro_batch: MicroBatch) -> None:
        """Refuse losses of a wrong dtype or shape.

        Raises:
            UserError: the dtype or the shape does not fit; the message says which.
        """
        if losses.dtype != self.lr.dtype:
            raise UserError(
                f"the losses are {losses.dtype}, of a model in {self.lr.dtype}; must be computed "
                "in the dtype of the parameters, or the metagradient loses precision in the cast"
            )
        if losses.dim() == 0 or len(losses) != micro_batch.size:
            raise UserError(
                f"losses returned the shape {tuple(losses.shape)} for {micro_batch.size} examples, "
                "in Training; must be one number for each example, [B], or each of its tokens, [B, "
                "T]"
            )
        if micro_batch.weights is not None and micro_batch.weights.shape != losses.shape:
            raise UserError(
                f"the weights of a step have the shape {tuple(micro_batch.weights.shape)}, in "
                f"train, and its losses {tuple(losses.shape)}; must be one weight for each loss"
            )

    def micro_batches(self, step: int) -> Iterator[MicroBatch]:
        """Yield the micro-batches of a step."""
        training = self.training
        weights = None if self.weights is None else self.weights[step].to(self.lr)
        yield from split_batch(
            training.batches[step],
            weights,
            step,
            width=training.micro_batch,
            divisor=training.divisor,
        )


@contextlib.contextmanager
def differentiable_kernels() -> Iterator[None]:
    """Restrict torch to kernels that can be differentiated twice."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@dataclass
class UpdateAdjoints:
    """Adjoints of the inputs of a step's update."""

    theta: Tensor
    gradient: Tensor
    state: State
    lr: Tensor
    weight_decay: Tensor

    def reversed(self, theta: Tensor, weights: list[Tensor]) -> Reversed:
        """Return the derivatives of the step, given its adjoint of theta and of the weights."""
        before = Adjoint(theta, self.state)
        return Reversed(before, torch.cat(weights), self.lr, self.weight_decay)


def _grads(loss: Tensor, leaves: list[Tensor], *, graph: bool) -> tuple[Tensor, ...]:
    return torch.autograd.grad(
        loss, leaves, create_graph=graph, allow_unused=True, materialize_grads=True
    )
