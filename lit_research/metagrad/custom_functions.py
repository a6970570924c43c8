"""Custom autograd Functions of a training step, and whether their second derivative is right.

A Function that computes its gradient in forward (as the fused losses of Liger do) returns it as a
constant: autograd sees no dependence on the parameters, raises no error, and a term of the second
derivative is missing. Only finite differences of the gradient show it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.metagrad.micro_batches import MicroBatch
from lit_research.metagrad.steps import Steps

STEP_SIZES = (1e-2, 3e-3, 1e-3, 3e-4)  # of finite differences, relative to the norm of theta
# Its norms are constants in torch's second derivative.
WRONG_IN_TORCH = {"WeightNormInterfaceBackward0": "weight_norm"}
TOLERANCE = 0.1  # relative, between two differences, or a difference and the derivative


def find_custom_functions(losses: Tensor) -> tuple[str, ...]:
    """Return the names of the custom autograd Functions in the graph of the losses, sorted.

    Raises:
        UserError: the graph has a function of torch whose second derivative is wrong or missing.
    """
    names, seen = set(), set()
    waiting: list[Any] = [losses.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() in WRONG_IN_TORCH:
            raise UserError(
                f"the model uses {WRONG_IN_TORCH[node.name()]}, in Training, whose second "
                "derivative is wrong in torch (its gradgradcheck fails); remove it from the model, "
                "or write it as g * v / v.norm()"
            )
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            name = getattr(type(node), "_forward_cls", type(node)).__name__
            if name == "CheckpointFunction":
                raise UserError(
                    "activation checkpointing with use_reentrant=True cannot be differentiated "
                    "twice, in the model to train; give use_reentrant=False"
                )
            names.add(name)
        elif "CppNode" in node.name():
            names.add(node.name())
        waiting += [parent for parent, _ in node.next_functions]
    return tuple(sorted(names))


def check_second_derivative(
    steps: Steps, theta: Tensor, micro_batch: MicroBatch, names: tuple[str, ...]
) -> bool:
    """Compare the second derivative with finite differences of the gradient, in two directions.

    Returns whether the differences confirmed it: where those of two step sizes disagree (kinks,
    rounding), they are inconclusive.

    Args:
        steps: the steps whose gradient is used.
        theta: ``[P]``.
        micro_batch: the examples.
        names: of the custom Functions, for the message.

    Raises:
        UserError: the differences agree with each other, but not with the derivative.
    """
    gradient = steps.micro_batch_gradient(theta, micro_batch)
    draw = torch.Generator().manual_seed(0)
    random = torch.randn(theta.shape, generator=draw, dtype=torch.float64).to(theta)
    confirmed = True
    for direction in (gradient, random):
        if float(direction.norm()) == 0:
            continue
        unit = direction / direction.norm()
        error = _error_along(steps, theta, micro_batch, unit, float(gradient.norm()))
        if error is not None and error > TOLERANCE:
            raise UserError(
                "the second derivative of the training step differs from differences of its "
                f"gradient by {error:.0%}, with {', '.join(names)} in it; use a loss or layer "
                "written in differentiable torch operations: a Function that computes its gradient "
                "in forward, or outside autograd, has no second derivative"
            )
        confirmed &= error is not None
    return confirmed


def _error_along(
    steps: Steps, theta: Tensor, micro_batch: MicroBatch, unit: Tensor, norm: float
) -> float | None:
    """Return the relative error of the derivative along a direction; None if inconclusive."""
    before: Tensor | None = None
    for relative in STEP_SIZES:
        size = relative * max(float(theta.norm()), 1e-3)
        ahead, behind = (
            steps.micro_batch_gradient(theta + s * size * unit, micro_batch) for s in (1, -1)
        )
        change = (ahead - behind) / (2 * size)
        rounding = 100 * torch.finfo(theta.dtype).eps * norm / size
        length = float(change.norm())
        if before is not None and float((change - before).norm()) <= TOLERANCE * length + rounding:
            if length <= rounding:
                return None
            # A missing term shows most along the direction of the change.
            unit_change = change / length

            def along(gradient: Tensor, unit_change: Tensor = unit_change) -> Tensor:
                return unit_change

            product, _ = steps.micro_batch_product(theta, micro_batch, along)
            return abs(float(product @ unit) - length) / length
        before = change
    return None
