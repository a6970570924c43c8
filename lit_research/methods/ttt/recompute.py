"""``recomputed``: activation checkpointing of a function that itself takes gradients.

Torch's ``checkpoint`` discards saved tensors immediately, so a gradient taken inside the function
runs the function once more: twice the work, and twice again for each level of nesting. Here the
function runs, its graph is dropped, and it runs again when backward reaches it. Nested n times, it
runs n more times, and no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Run = Callable[..., tuple[Tensor, ...]]


def recomputed(
    run: Run, tensors: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """Return ``run(*tensors)``, differentiable once, without keeping its graph.

    Args:
        run: a function that draws no random numbers.
        tensors: its arguments.
        parameters: leaves that it uses in addition to its arguments.
    """
    outputs: tuple[Tensor, ...] = _Recomputed.apply(run, len(tensors), *tensors, *parameters)
    return outputs


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Run, count: int, *given: Tensor) -> tuple[Tensor, ...]:
        device_type = given[0].device.type
        ctx.run, ctx.count = run, count
        # Backward runs outside of the caller's autocast.
        ctx.autocast = {
            "device_type": device_type,
            "dtype": torch.get_autocast_dtype(device_type),
            "enabled": torch.is_autocast_enabled(device_type),
        }
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*given)
        # With a graph that is dropped at once: the results are then equal to the last bit.
        with torch.enable_grad():
            outputs = run(*_leaves(given[:count], ctx.needs_input_grad[2:]))
        return tuple(x.detach() for x in outputs)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[2:]
        tensors = _leaves(ctx.saved_tensors[: ctx.count], needed)
        with torch.enable_grad(), torch.autocast(**ctx.autocast):
            outputs = ctx.run(*tensors)
        pairs = zip(outputs, cotangents, strict=True)
        used = [(x, c) for x, c in pairs if c is not None and x.requires_grad]
        inputs = [*tensors, *ctx.saved_tensors[ctx.count :]]
        wanted = [x for x, need in zip(inputs, needed, strict=True) if need]
        gradients = iter(
            torch.autograd.grad(
                [x for x, _ in used], wanted, [c for _, c in used], allow_unused=True
            )
        )
        return (None, None, *(next(gradients) if need else None for need in needed))


def _leaves(tensors: Sequence[Tensor], needed: Sequence[bool]) -> list[Tensor]:
    pairs = zip(tensors, needed, strict=False)
    return [x.detach().requires_grad_(need) for x, need in pairs]
