"""One training step, and the same step backwards (Dataset Policy Gradient, section 3).

Backwards, with the adjoints ``lam`` of what the step returned:

a. the update's vector-Jacobian product gives ``g_bar``, the adjoint of the gradient g_t;
b. ``tau_i = <grad L_i, g_bar> / divisor``, the adjoint of every weight w_i;
c. ``d<g_t, g_bar>/dtheta``, a Hessian product, joins the adjoint of theta_t.

(b) and (c) come out of one backward pass through the gradient's graph. At step 0 nobody asks for
(c), and (b) alone is one forward-mode pass over the losses.

Legend: B examples of a batch, P numbers in all trained parameters.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from lit_research.errors import UserError
from lit_research.metagrad.layout import Call, Layout
from lit_research.metagrad.optimizers import State

if TYPE_CHECKING:
    from lit_research.metagrad.training import Batch, Training


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
        self.call = Call(training.model, training.losses)
        like = next(p for p in training.model.parameters() if p.requires_grad)
        optimizer, total = training.optimizer, len(training.batches)
        lr, decay = training.lr, training.weight_decay
        lr = [optimizer.lr] * total if lr is None else lr
        decay = [optimizer.weight_decay] * total if decay is None else decay
        self.lr, self.weight_decay = (
            torch.tensor([float(x) for x in values], dtype=like.dtype, device=like.device)
            for values in (lr, decay)
        )
        self._device = like.device

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
            leaves = self._leaves(theta)
            loss, _, _ = self._loss(leaves, part)
            found = self.layout.flatten(_grads(loss, leaves, graph=False))
            total = found if total is None else total + found
        assert total is not None
        return total

    @torch.no_grad()
    def losses(self, theta: Tensor, step: int) -> Tensor:
        """Return the losses of a step's examples or tokens, without weights."""
        found = []
        for part in self.micro_batches(step):
            with self._dropout(part):
                found.append(self.call.at(self.layout.names, self.layout.parts(theta), part.batch))
        return torch.cat(found)

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
        with_graph: _Graph | None = None
        if len(parts) == 1:
            with_graph = self._graph(theta, parts[0])
            gradient = self.layout.flatten([g.detach() for g in with_graph.gradients])
        else:
            gradient = self.gradient(theta, step)
        update = self._backward_update(theta, gradient, state, step, lam)
        directions = self.layout.parts(update.gradient)
        d_theta, weights = update.theta, []
        for part in parts:
            graph = with_graph or self._graph(theta, part)
            # (b) and (c): one pass gives both.
            *products, tau = torch.autograd.grad(
                graph.gradients,
                [*graph.leaves, graph.weights],
                directions,
                allow_unused=True,
                materialize_grads=True,
            )
            weights.append(tau)
            d_theta = d_theta + self.layout.flatten(products)
            with_graph = None
        return update.reversed(d_theta, weights)

    def backward_first(
        self, theta: Tensor, state: State, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse step 0 without the adjoint of theta_0: no Hessian product, no second graph."""
        gradient = self.gradient(theta, 0)
        update = self._backward_update(theta, gradient, state, 0, lam)
        weights = []
        for part in self.micro_batches(0):
            with forward_ad.dual_level():
                pairs = zip(
                    self.layout.parts(theta), self.layout.parts(update.gradient), strict=True
                )
                duals = [forward_ad.make_dual(p, direction) for p, direction in pairs]
                with torch.no_grad(), self._dropout(part):
                    losses = self.call.at(self.layout.names, duals, part.batch)
                tangent = forward_ad.unpack_dual(losses).tangent
                weights.append(torch.zeros_like(losses) if tangent is None else tangent)
            weights[-1] = weights[-1] / part.divisor
        return update.reversed(update.theta, weights)

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

    def _loss(self, leaves: list[Tensor], part: Part) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weighted loss of a micro-batch, its losses and its weights."""
        with torch.enable_grad(), self._dropout(part):
            losses = self.call.at(self.layout.names, leaves, part.batch)
        self.check(losses, part)
        weights = torch.ones_like(losses) if part.weights is None else part.weights
        weights = weights.detach().requires_grad_()
        with torch.enable_grad():
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

    def _graph(self, theta: Tensor, part: Part) -> _Graph:
        leaves = self._leaves(theta)
        loss, _, weights = self._loss(leaves, part)
        return _Graph(leaves, weights, _grads(loss, leaves, graph=True))

    def micro_batches(self, step: int) -> Iterator[Part]:
        """Yield the micro-batches of a step."""
        batch = self.training.batches[step]
        size = _size(batch)
        weights = None if self.weights is None else self.weights[step].to(self.lr)
        divisor = float(self.training.divisor or size)
        width = self.training.micro_batch or size
        for number, start in enumerate(range(0, size, width)):
            rows = slice(start, start + width)
            own = None if weights is None else weights[rows]
            part = batch if width >= size else _rows(batch, rows)
            yield Part(part, own, divisor, min(width, size - start), (step, number))

    @contextlib.contextmanager
    def _dropout(self, part: Part) -> Iterator[None]:
        """Draw dropout from (seed, step, micro-batch): a step computed again is the same."""
        if self.training.seed is None:
            yield
            return
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            step, number = part.place
            torch.manual_seed(hash((self.training.seed, step, number)) % 2**63)
            yield


@dataclass
class Part:
    """A micro-batch: its weights, what the whole batch is divided by, and (step, number)."""

    batch: Any
    weights: Tensor | None
    divisor: float
    size: int
    place: tuple[int, int]


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


@dataclass
class _Graph:
    leaves: list[Tensor]
    weights: Tensor
    gradients: tuple[Tensor, ...]


def _grads(loss: Tensor, leaves: list[Tensor], *, graph: bool) -> tuple[Tensor, ...]:
    return torch.autograd.grad(
        loss, leaves, create_graph=graph, allow_unused=True, materialize_grads=True
    )


def _size(batch: Batch) -> int:
    if isinstance(batch, Tensor):
        return len(batch)
    values = batch.values() if isinstance(batch, Mapping) else batch
    return len(next(iter(values)))


def _rows(batch: Batch, rows: slice) -> Any:
    if isinstance(batch, Tensor):
        return batch[rows]
    if isinstance(batch, Mapping):
        return {name: value[rows] for name, value in batch.items()}
    return tuple(value[rows] for value in batch)
