"""The training step and its reverse as compiled pure functions.

PyTorch cannot compile the inside of a double backward pass, but it can compile a whole function
that takes derivatives. Then forward over reverse is the cheapest: the tangent of (losses, gradient)
in direction ``g_bar`` is (tau, Hessian product), and needs no graph of the backward pass. It needs
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
from lit_research.metagrad.micro_batches import MicroBatch
from lit_research.metagrad.optimizers import Optimizer, State
from lit_research.metagrad.steps import Adjoint, Reversed, Steps, UpdateAdjoints
from lit_research.metagrad.training import Losses, Training


class CompiledSteps(Steps):
    """``Steps``, compiled: four functions, each compiled once for each shape of micro-batch.

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
        for micro_batch in self.micro_batches(step):
            gradient = self._functions["gradient"](
                theta, micro_batch.batch, *self._weights_and_divisor(theta, micro_batch)
            )
            total = gradient if total is None else total + gradient
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
            theta, gradient, *state, *rates, self._step_tensor(step)
        )
        return theta, tuple(state_after), gradient

    def backward(
        self, theta: Tensor, state: State, step: int, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse a step; see ``Steps.backward``."""
        gradient = self.gradient(theta, step) if gradient is None else gradient
        rates = (self.lr[step], self.weight_decay[step])
        inputs = (theta, gradient, *state, *rates)
        d_theta, g_bar, *d_state, d_lr, d_decay = self._functions["update_back"](
            inputs, (lam.theta, *lam.state), self._step_tensor(step)
        )
        update = UpdateAdjoints(d_theta, g_bar, tuple(d_state), d_lr, d_decay)
        weights = []
        for micro_batch in self.micro_batches(step):
            product, tau = self._functions["back"](
                theta, g_bar, micro_batch.batch, *self._weights_and_divisor(theta, micro_batch)
            )
            d_theta = d_theta + product
            weights.append(tau)
        return update.reversed(d_theta, weights)

    def backward_first(
        self, theta: Tensor, state: State, lam: Adjoint, gradient: Tensor | None = None
    ) -> Reversed:
        """Reverse step 0 like any other: a special case would be one more graph to compile."""
        return self.backward(theta, state, 0, lam, gradient)

    def _step_tensor(self, step: int) -> Tensor:
        # As a tensor: a Python number would be compiled into a separate graph for each step.
        return torch.tensor(float(step), dtype=self.lr.dtype, device=self.lr.device)

    def _weights_and_divisor(self, theta: Tensor, micro_batch: MicroBatch) -> tuple[Tensor, Tensor]:
        """Return a micro-batch's weights and divisor; check its losses when its size is new."""
        if micro_batch.weights is None:
            shape = self._shapes.get(micro_batch.size)
            if shape is None:
                losses = self.micro_batch_losses(theta, micro_batch)
                self.check(losses, micro_batch)
                shape = self._shapes[micro_batch.size] = losses.shape
            weights = theta.new_ones(shape)
        else:
            weights = micro_batch.weights
        return weights, theta.new_tensor(micro_batch.divisor)


@lru_cache(maxsize=2)  # a run with the same model, losses and optimiser compiles nothing again
def compiled_functions(
    model: nn.Module, losses: Losses, optimizer: Optimizer, layout: Layout
) -> dict[str, Any]:
    """Return the compiled functions: ``gradient``, ``update``, ``update_back`` and ``back``."""
    call = Call(model)

    def weighted(theta: Tensor, batch: Any, weights: Tensor, divisor: Tensor) -> Any:
        unweighted = call.at(layout.names, layout.split(theta), losses, batch)
        return (weights * unweighted).sum() / divisor, unweighted

    def gradient(theta: Tensor, batch: Any, weights: Tensor, divisor: Tensor) -> Tensor:
        result: Any = grad(weighted, has_aux=True)(theta, batch, weights, divisor)
        return result[0]

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
        inputs: tuple[Tensor, ...], lam: tuple[Tensor, ...], step: Tensor
    ) -> tuple[Tensor, ...]:
        pull: Any = vjp(lambda *x: update(*x, step), *inputs)[1]
        adjoints: tuple[Tensor, ...] = pull(lam)
        return adjoints

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
