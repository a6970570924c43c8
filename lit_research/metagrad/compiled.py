"""The step and its reverse as compiled pure functions.

PyTorch cannot compile the inside of a double backward pass, but it can compile a whole function
that takes derivatives. Then forward over reverse is the cheapest: the tangent of (losses, gradient)
in direction ``g_bar`` is (tau, Hessian product), and needs no graph of the backward pass. It wants
``g_bar`` first, and so the gradient, which is therefore kept with every state.

Legend: P numbers in all trained parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import grad, jvp, vjp

from lit_research.metagrad.layout import Call, Layout
from lit_research.metagrad.optimizers import Optimizer, State
from lit_research.metagrad.parts import Part
from lit_research.metagrad.steps import Adjoint, Reversed, Steps, UpdateAdjoints
from lit_research.metagrad.training import Losses, Training


class CompiledSteps(Steps):
    """``Steps``, compiled: four functions, each compiled once for a shape of micro-batch.

    Args:
        training: what is trained.
        layout: of its parameters.
        weights: w of each step; None is 1.
    """

    def __init__(
        self, training: Training, layout: Layout, weights: Sequence[Tensor] | None
    ) -> None:
        super().__init__(training, layout, weights)
        self._functions = compiled_functions(
            training.model,
            training.losses,
            training.optimizer,
            layout,
        )
        self._shapes: dict[int, torch.Size] = {}

    def gradient(self, theta: Tensor, step: int) -> Tensor:
        """Return g_t ``[P]``."""
        total: Tensor | None = None
        for part in self.micro_batches(step):
            found = self._functions["gradient"](theta, part.batch, *self._numbers(theta, part))
            total = found if total is None else total + found
        assert total is not None
        return total

    def pack(self, theta: Tensor, state: State, gradient: Tensor) -> tuple[Tensor, ...]:
        """Return what to keep so that a step can be reversed."""
        return theta, *state, gradient

    def unpack(self, kept: tuple[Tensor, ...]) -> tuple[Tensor, State, Tensor | None]:
        """Return parameters, state and gradient."""
        return kept[0], kept[1:-1], kept[-1]

    def forward(self, theta: Tensor, state: State, step: int) -> tuple[Tensor, State, Tensor]:
        """Return parameters and state after a step, and its gradient."""
        gradient = self.gradient(theta, step)
        rates = (self.lr[step], self.weight_decay[step])
        theta, *state_after = self._functions["update"](
            theta, gradient, *state, *rates, self._number(step)
        )
        return theta, tuple(state_after), gradient

    def backward(
        self, theta: Tensor, state: State, step: int, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse a step; see ``Steps.backward``."""
        gradient = self.gradient(theta, step) if gradient is None else gradient
        rates = (self.lr[step], self.weight_decay[step])
        given = (theta, gradient, *state, *rates)
        d_theta, g_bar, *d_state, d_lr, d_decay = self._functions["update_back"](
            given, (lam.theta, *lam.state), self._number(step)
        )
        update = UpdateAdjoints(d_theta, g_bar, tuple(d_state), d_lr, d_decay)
        weights = []
        for part in self.micro_batches(step):
            product, tau = self._functions["back"](
                theta, g_bar, part.batch, *self._numbers(theta, part)
            )
            d_theta = d_theta + product
            weights.append(tau)
        return update.reversed(d_theta, weights)

    def backward_first(
        self, theta: Tensor, state: State, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse step 0, as any other: a graph of its own would have to be compiled."""
        return self.backward(theta, state, 0, lam, gradient)

    def _number(self, step: int) -> Tensor:
        # As a tensor: each Python number would be a graph of its own.
        return torch.tensor(float(step), dtype=self.lr.dtype, device=self.lr.device)

    def _numbers(self, theta: Tensor, part: Part) -> tuple[Tensor, Tensor]:
        """Return a micro-batch's weights and divisor; see that its losses fit, at first sight."""
        if part.weights is None:
            shape = self._shapes.get(part.size)
            if shape is None:
                losses = self.part_losses(theta, part)
                self.check(losses, part)
                shape = self._shapes[part.size] = losses.shape
            weights = theta.new_ones(shape)
        else:
            weights = part.weights
        return weights, theta.new_tensor(part.divisor)


@lru_cache(maxsize=2)  # a run on the same parts compiles nothing anew
def compiled_functions(
    model: nn.Module, losses: Losses, optimizer: Optimizer, layout: Layout
) -> dict[str, Any]:
    """Return the compiled functions: ``gradient``, ``update``, ``update_back`` and ``back``."""
    call = Call(model)

    def weighted(theta: Tensor, batch: Any, weights: Tensor, divisor: Tensor) -> Any:
        found = call.at(layout.names, layout.parts(theta), losses, batch)
        return (weights * found).sum() / divisor, found

    def gradient(theta: Tensor, batch: Any, weights: Tensor, divisor: Tensor) -> Tensor:
        found: Any = grad(weighted, has_aux=True)(theta, batch, weights, divisor)
        return found[0]

    def update(theta: Tensor, gradient: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        *state, lr, decay, step = rest
        after, state_after = optimizer.update(
            theta,
            gradient,
            tuple(state),
            step=step,  # type: ignore[arg-type]
            lr=lr,
            weight_decay=decay,
            layout=layout,
        )
        return after, *state_after

    def update_back(
        given: tuple[Tensor, ...], lam: tuple[Tensor, ...], step: Tensor
    ) -> tuple[Tensor, ...]:
        pull: Any = vjp(lambda *x: update(*x, step), *given)[1]
        found: tuple[Tensor, ...] = pull(lam)
        return found

    def back(
        theta: Tensor, g_bar: Tensor, batch: Any, weights: Tensor, divisor: Tensor
    ) -> tuple[Tensor, Tensor]:
        def both(theta: Tensor) -> Any:
            return grad(weighted, has_aux=True)(theta, batch, weights, divisor)

        tangents: Any = jvp(both, (theta,), (g_bar,))[1]
        product, tangent = tangents
        return product, tangent / divisor

    functions: list[Callable[..., Any]] = [gradient, update, update_back, back]
    return {f.__name__: torch.compile(f, fullgraph=True, dynamic=False) for f in functions}
