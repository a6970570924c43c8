"""K language models of one config in one module, with parameters stacked along the first axis.

The stacked tensors are the only copy of the weights: one optimiser steps all members, ``vmap``
maps over them, and ``as_member`` temporarily gives the module the weights of one member, as views.

Legend: K members, B sequences of a batch, T tokens of a sequence, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.autograd import grad
from torch.func import functional_call, vmap

from lit_research.lm import next_token_loss, run_lm
from lit_research.seeds import numbered_seed

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Batch = dict[str, Tensor]

# Widths up to which one vmapped step is reliably faster than K steps in turn, by device. CPU: 1.8
# times as fast at width 32, 1.7 at 64, 1.1 at 128 (benchmarks/ensemble.py, 512 tokens per member).
# CUDA: not measured; there too the cost of a small step is dominated by its kernel launches.
VECTORISED_UP_TO = {"cpu": 64, "cuda": 256}


def build_stacked(build: Callable[[], PreTrainedModel], seeds: Sequence[int]) -> PreTrainedModel:
    """Build one language model per seed and return them as one, each parameter ``[K, ...]``.

    Member k is ``build()`` after ``torch.manual_seed(seeds[k])``, whatever the other members are.
    Torch's global random state is not changed. Peak memory is one member more than the result.

    Args:
        build: builds a randomly initialised language model.
        seeds: one per member.
    """
    stacked: dict[str, Tensor] = {}
    for member, seed in enumerate(seeds):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            lm = build()
        for name, parameter in lm.named_parameters():
            if member == 0:
                stacked[name] = parameter.new_empty(len(seeds), *parameter.shape)
            stacked[name][member].copy_(parameter.detach())
    return with_parameters(lm, {name: nn.Parameter(value) for name, value in stacked.items()})


def with_parameters(lm: PreTrainedModel, parameters: Mapping[str, nn.Parameter]) -> PreTrainedModel:
    """Replace the module's parameters by ``parameters``, by name; tied ones stay tied."""
    new_of = {id(old): parameters[name] for name, old in lm.named_parameters()}
    for module in lm.modules():
        for name, old in module._parameters.items():
            if old is not None:
                module._parameters[name] = new_of[id(old)]
    return lm


def count_members(lm: nn.Module) -> int:
    """Return K of a stacked language model."""
    return len(next(lm.parameters()))


@contextmanager
def as_member(lm: PreTrainedModel, member: int) -> Iterator[PreTrainedModel]:
    """Give the module the weights of one member, as leaves that share the stack's memory."""
    stacked = {
        (module, name): parameter
        for module in lm.modules()
        for name, parameter in module._parameters.items()
        if parameter is not None
    }
    views: dict[int, nn.Parameter] = {}
    try:
        for (module, name), parameter in stacked.items():
            if id(parameter) not in views:  # tied parameters are one view
                view = nn.Parameter(parameter.detach()[member], parameter.requires_grad)
                views[id(parameter)] = view
            module._parameters[name] = views[id(parameter)]
        yield lm
    finally:
        for (module, name), parameter in stacked.items():
            module._parameters[name] = parameter


def member_state(lm: nn.Module, member: int) -> dict[str, Tensor]:
    """Return the weights of one member by name, as in an unstacked language model."""
    return {name: p.detach()[member] for name, p in lm.named_parameters()}


def losses_vectorised(lm: PreTrainedModel, batch: Batch, *, z_loss: float = 0.0) -> Tensor:
    """Return the loss ``[K]`` of every member on its own batch, all members in one pass.

    Args:
        lm: the stacked members, with ``math`` attention (a fused kernel cannot be mapped over).
        batch: ``input_ids`` and ``labels``, ``[K, B, T]``; other keys are passed on.
        z_loss: see ``next_token_loss``.
    """

    def loss(parameters: dict[str, Tensor], batch: Batch) -> Tensor:
        inputs = {"input_ids": batch["input_ids"], "use_cache": False}
        logits = functional_call(lm, parameters, (), inputs).logits
        return next_token_loss(logits, batch["labels"], z_loss=z_loss)

    mapped = {name: batch[name] for name in ("input_ids", "labels")}
    return vmap(loss)(dict(lm.named_parameters()), mapped)


def losses_in_turn(
    lm: PreTrainedModel, batch: Batch, *, step: int, seeds: Sequence[int], z_loss: float = 0.0
) -> Tensor:
    """Return the loss ``[K]`` of every member, with one member's graph in memory at a time.

    Each member's gradient is computed here; the backward pass of the returned losses passes it on
    to the stacked parameters. Random numbers (dropout) depend on the member's seed and the step
    alone, so that a member does not depend on which others it is trained with.

    Args:
        lm: the stacked members.
        batch: as for ``losses_vectorised``; ``position_ids`` keep documents apart.
        step: number of the batch in the run, for dropout.
        seeds: one per member.
        z_loss: see ``next_token_loss``.
    """
    stacked = [p for p in lm.parameters() if p.requires_grad]
    gradients = [torch.empty_like(p) for p in stacked]
    losses = []
    for member, seed in enumerate(seeds):
        member_batch = {name: value[member] for name, value in batch.items()}
        with as_member(lm, member), _member_randomness(lm, seed, step):
            leaves = [p for p in lm.parameters() if p.requires_grad]
            loss = next_token_loss(run_lm(lm, member_batch), member_batch["labels"], z_loss=z_loss)
            for stacked_gradient, gradient in zip(gradients, grad(loss, leaves), strict=True):
                stacked_gradient[member].copy_(gradient)
        losses.append(loss.detach())
    return cast(Tensor, _Deposit.apply(torch.stack(losses), gradients, *stacked))


class _Deposit(torch.autograd.Function):
    """Passes losses ``[K]`` through; backward returns gradients that are computed already."""

    @staticmethod
    def forward(ctx: Any, losses: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return losses.clone()

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        scale_K = outputs[0]
        gradients = ctx.gradients
        ctx.gradients = None
        for gradient in gradients:
            gradient.mul_(scale_K.view(-1, *[1] * (gradient.ndim - 1)))
        return None, None, *gradients


@contextmanager
def _member_randomness(lm: PreTrainedModel, seed: int, step: int) -> Iterator[None]:
    """Seed torch from (seed, step) if the model draws random numbers; restore it after."""
    if not has_dropout(lm):
        yield
        return
    devices = [lm.device] if lm.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(numbered_seed(seed, step))
        yield


def has_dropout(lm: PreTrainedModel) -> bool:
    """Whether training draws random numbers: a dropout rate of a module is not 0."""
    # Attention keeps its rate as an attribute, for the kernel.
    return any(
        (isinstance(module, nn.Dropout) and module.p > 0)
        or getattr(module, "attention_dropout", None) not in (None, 0, 0.0)
        for module in lm.modules()
    )


def clip_members(parameters: Sequence[nn.Parameter], largest: float) -> Tensor:
    """Scale each member's gradient to a norm of at most ``largest``; return the norms ``[K]``.

    With a joint norm, one member's spike would slow down all others.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms_PK = [torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients]
    norm_K = torch.linalg.vector_norm(torch.stack(norms_PK), dim=0)
    factor_K = (largest / (norm_K + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor_K.view(-1, *[1] * (gradient.ndim - 1)))
    return norm_K
