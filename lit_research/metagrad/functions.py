"""Custom autograd Functions of a training step, and whether their second derivative is there.

A Function that makes its gradient in forward (fused losses of the Liger kind) returns it as a
constant: autograd sees no dependence on the parameters, raises no error, and the second derivative
lacks a part. Only differences of the gradient show it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.metagrad.parts import Part
from lit_research.metagrad.steps import Steps

SIZES = (1e-2, 3e-3, 1e-3, 3e-4)  # of a difference, of theta's norm
# Its norms are constants in torch's second derivative.
WRONG = {"WeightNormInterfaceBackward0": "weight_norm"}
AGREE = 0.1  # two differences, or a difference and the derivative


def custom_functions(losses: Tensor) -> tuple[str, ...]:
    """Return the names of the custom autograd Functions in the graph of the losses, sorted.

    Raises:
        UserError: a function of torch is there whose own second derivative is wrong or missing.
    """
    found, seen = set(), set()
    waiting: list[Any] = [losses.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() in WRONG:
            raise UserError(
                f"the model uses {WRONG[node.name()]}, in Training: the second derivative that "
                "torch has for it is wrong (its gradgradcheck fails); remove it from the model, or "
                "write it as g * v / v.norm()"
            )
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            name = getattr(type(node), "_forward_cls", type(node)).__name__
            if name == "CheckpointFunction":
                raise UserError(
                    "activation checkpointing with use_reentrant=True cannot be differentiated "
                    "twice, in the model to train; give use_reentrant=False"
                )
            found.add(name)
        elif "CppNode" in node.name():
            found.add(node.name())
        waiting += [parent for parent, _ in node.next_functions]
    return tuple(sorted(found))


def check_second_derivative(
    steps: Steps, theta: Tensor, part: Part, names: tuple[str, ...]
) -> bool:
    """Compare the second derivative with differences of the gradient, in two directions.

    Returns whether differences could confirm it: where those of two sizes disagree (kinks,
    rounding), they say nothing.

    Args:
        steps: whose gradient.
        theta: ``[P]``.
        part: examples.
        names: of the custom Functions, for the message.

    Raises:
        UserError: differences agree with each other, and not with the derivative.
    """
    gradient = steps.part_gradient(theta, part)
    draw = torch.Generator().manual_seed(0)
    random = torch.randn(theta.shape, generator=draw, dtype=torch.float64).to(theta)
    confirmed = True
    for along in (gradient, random):
        if float(along.norm()) == 0:
            continue
        unit = along / along.norm()
        error = _error_along(steps, theta, part, unit, float(gradient.norm()))
        if error is not None and error > AGREE:
            raise UserError(
                "the second derivative of the training step differs from differences of its "
                f"gradient by {error:.0%}, with {', '.join(names)} in it: a Function that makes "
                "its gradient in forward, or outside of autograd, has no second derivative; use "
                "the loss or layer written in differentiable torch operations"
            )
        confirmed &= error is not None
    return confirmed


def _error_along(
    steps: Steps, theta: Tensor, part: Part, unit: Tensor, norm: float
) -> float | None:
    """Return the derivative's error along a direction, relative; None where it cannot be said."""
    before: Tensor | None = None
    for relative in SIZES:
        size = relative * max(float(theta.norm()), 1e-3)
        ahead, behind = (steps.part_gradient(theta + s * size * unit, part) for s in (1, -1))
        change = (ahead - behind) / (2 * size)
        rounding = 100 * torch.finfo(theta.dtype).eps * norm / size
        length = float(change.norm())
        if before is not None and float((change - before).norm()) <= AGREE * length + rounding:
            if length <= rounding:
                return None
            # The direction of the change is where a missing part shows most.
            back = change / length

            def along(gradient: Tensor, back: Tensor = back) -> Tensor:
                return back

            product, _ = steps.part_product(theta, part, along)
            return abs(float(product @ unit) - length) / length
        before = change
    return None
