"""The inner loop: score a chunk, step the fast weights, continue with the next chunk.

Pure functions of a model and tensors (Tandon et al. 2025, arXiv 2512.23675, section 2; details as
in the official code). The forward pass that gives a chunk's loss also gives the gradient of the
inner step, so every chunk is scored before it is learned from, and the outer loss is the mean of
these losses. Nothing is detached: the outer gradient goes through every step and through the
cache. The inner gradient treats cached keys and values as constants, since those were computed
with earlier fast weights.

Legend: B sequences, T tokens, C tokens of a chunk, n chunks, K tokens of the window, D width,
H heads, d width of a head, V vocabulary.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Concatenate, Literal, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lit_research.lm import IGNORE
from lit_research.methods.ttt.attention import KeyValues
from lit_research.methods.ttt.learning_model import FastWeights, LearningModel
from lit_research.methods.ttt.recompute import recomputed

# Hidden states [B, C, D] of the model's run_prefix, and labels [B, C].
Chunk = tuple[Tensor, Tensor]
Recompute = Literal["none", "chunk", "sqrt", "log"]

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


def without_outer_gradient(
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Run a method without a graph; not in inference mode, which forbids inner gradients too."""

    @functools.wraps(method)
    def run(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        with torch.inference_mode(False), torch.no_grad():
            return method(self, *args, **kwargs)

    return run


@dataclass(frozen=True)
class InnerLoop:
    """Settings of the inner loop.

    Args:
        lr: learning rate eta; 0 leaves the fast weights unchanged (sliding-window model).
        clip: maximum norm of a step's gradient, over all fast weights of one sequence.
        first_order: treat the inner gradient as a constant in the outer one (an ablation).
        recompute: what backward recomputes: ``none``; each ``chunk``; or also the states between
            chunks, in groups of about ``sqrt(n)`` chunks, or by halves (``log``).
    """

    lr: float = 1.0
    clip: float = 1.0
    first_order: bool = False
    recompute: Recompute = "chunk"


@dataclass(frozen=True)
class State:
    """State of the suffix between two chunks.

    Attributes:
        fast: the fast weights, ``[B, in, out]`` each.
        cache: keys and values of the window of each suffix block except the first, whose attention
            runs with the prefix, ``[B, H, K, d]``.
        filled: rows of the cache that belong to real tokens.
    """

    fast: FastWeights
    cache: tuple[KeyValues, ...]
    filled: int

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all tensors as one tuple, for activation checkpointing."""
        return (*self.fast, *(x for pair in self.cache for x in pair))

    def detach(self) -> State:
        """Return the state without its graph."""
        return self.with_tensors(tuple(x.detach() for x in self.tensors()), self.filled)

    def with_tensors(self, tensors: tuple[Tensor, ...], filled: int) -> State:
        """Return a state with other tensors, in the order of ``tensors()``."""
        count = len(self.fast)
        rest = tensors[count:]
        pairs = tuple(KeyValues(*rest[i : i + 2]) for i in range(0, len(rest), 2))
        return State(tensors[:count], pairs, filled)


def first_state(model: LearningModel, hidden: Tensor) -> State:
    """Return the state before the first chunk: W_0 for every sequence, an empty window.

    Args:
        model: gives W_0.
        hidden: output of ``run_prefix``; gives batch size, dtype and device.
    """
    config, B = model.config, len(hidden)
    # A step of norm 1 is below the resolution of half precision: fast weights are fp32 at least.
    wide = [w if w.dtype == torch.float64 else w.float() for w in model.fast_parameters()]
    fast = tuple(w.expand(B, *w.shape) for w in wide)
    shape = (B, config.num_key_value_heads, config.window, config.head_dim)
    empty = KeyValues(hidden.new_zeros(shape), hidden.new_zeros(shape))
    return State(fast, (empty,) * (config.num_suffix_layers - 1), 0)


def learnable(labels: Tensor, ignored_ids: Sequence[int] | None) -> Tensor:
    """Return ``labels`` ``[B, T]`` with ``IGNORE`` in place of ``ignored_ids``."""
    if not ignored_ids:
        return labels
    return labels.masked_fill(torch.isin(labels, labels.new_tensor(ignored_ids)), IGNORE)


def chunk_losses(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of each token ``[B, C]``, 0 at ``IGNORE``, and each sequence's mean ``[B]``.

    The mean is over the tokens that have a label, and 0 where none has.
    """
    wide = logits if logits.dtype == torch.float64 else logits.float()
    loss_BC = F.cross_entropy(
        wide.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="none"
    ).view_as(labels)
    count_B = (labels != IGNORE).sum(dim=1).clamp(min=1)
    return loss_BC, loss_BC.sum(dim=1) / count_B


def clipped(gradients: tuple[Tensor, ...], clip: float) -> tuple[Tensor, ...]:
    """Scale each sequence's gradients to a joint norm of at most ``clip``, inside the graph.

    The norm of a zero gradient has no derivative; it is not used where nothing is clipped.
    """
    square_B = torch.stack([g.flatten(1).square().sum(dim=1) for g in gradients]).sum(dim=0)
    limit_B = torch.full_like(square_B, clip * clip)
    scale_B = clip * torch.where(square_B > limit_B, square_B, limit_B).rsqrt()
    return tuple(g * scale_B[:, None, None] for g in gradients)


def step(
    model: LearningModel,
    chunk: Chunk,
    state: State,
    inner: InnerLoop,
    *,
    update: bool = True,
) -> tuple[Tensor, Tensor, State]:
    """Score one chunk, then step the fast weights.

    Args:
        model: the model with the suffix.
        chunk: hidden states and labels.
        state: state before the chunk.
        inner: settings of the step.
        update: whether to step at all; nothing uses the last step of a training sequence.

    Returns:
        Token losses ``[B, C]`` and mean losses ``[B]`` in nats, and the state after the chunk.
    """
    _, losses, means, after = step_logits(model, chunk, state, inner, update=update)
    return losses, means, after


def step_logits(
    model: LearningModel, chunk: Chunk, state: State, inner: InnerLoop, *, update: bool = True
) -> tuple[Tensor, Tensor, Tensor, State]:
    """Do what ``step`` does, and also return the logits ``[B, C, V]``, first."""
    hidden, labels = chunk
    outer, update = torch.is_grad_enabled(), update and inner.lr != 0.0
    second_order = update and outer and not inner.first_order
    fast = state.fast
    with torch.set_grad_enabled(outer or update):
        if update and not outer:  # evaluation: each step is a graph of its own
            fast = tuple(w.detach().requires_grad_() for w in fast)
        logits, cache = model.suffix_chunk(
            hidden, fast, state.cache, state.filled, twice=second_order
        )
        loss_BC, loss_B = chunk_losses(logits, labels)
        if update:
            gradients = torch.autograd.grad(
                loss_B.sum(), fast, create_graph=second_order, retain_graph=outer
            )
            pairs = zip(fast, clipped(gradients, inner.clip), strict=True)
            fast = tuple(w - inner.lr * g for w, g in pairs)
    filled = min(state.filled + hidden.shape[1], model.config.window)
    after = State(fast, cache, filled)
    if not outer:
        logits, loss_BC, loss_B = logits.detach(), loss_BC.detach(), loss_B.detach()
        after = after.detach()
    return logits, loss_BC, loss_B, after


def scan(
    model: LearningModel, input_ids: Tensor, labels: Tensor, inner: InnerLoop
) -> tuple[Tensor, Tensor]:
    """Run whole sequences through prefix and inner loop; the fast weights start at W_0.

    Args:
        model: run with gradients in training, under ``no_grad`` in evaluation.
        input_ids: ``[B, T]``, T a multiple of the chunk.
        labels: next tokens, ``[B, T]``, ``IGNORE`` where there is nothing to learn; the config's
            ``ignored_label_ids`` are not learned either.
        inner: settings of the steps, and what backward recomputes.

    Returns:
        The outer loss ``[]`` (the mean over sequences and chunks of the chunks' mean losses) and
        the token losses ``[B, T]``, in nats.
    """
    hidden = model.run_prefix(input_ids)
    labels = learnable(labels, model.config.ignored_label_ids)
    if not model.suffix:  # no fast weights, as with full attention
        loss_BT, loss_B = chunk_losses(model.head(hidden), labels)
        return loss_B.mean(), loss_BT
    C = model.config.chunk
    chunks = list(zip(hidden.split(C, dim=1), labels.split(C, dim=1), strict=True))
    state = first_state(model, hidden)
    losses, means, _ = _run_chunks(model, chunks, state, inner, ends=True)
    return torch.stack(means).mean(), torch.cat(losses, dim=1)


def next_labels(labels: Tensor) -> Tensor:
    """Shift labels ``[B, T]`` that are aligned with their tokens to the tokens before them.

    The label after the last token is unknown, and not needed: nothing is learned from the last
    chunk.
    """
    return F.pad(labels[:, 1:], (0, 1), value=IGNORE)


def scan_logits(
    model: LearningModel, input_ids: Tensor, inner: InnerLoop, labels: Tensor | None = None
) -> Tensor:
    """Return the logits ``[B, T, V]`` of whole sequences while the model learns from them.

    Under ``no_grad`` or with a graph, as ``scan``; backward recomputes nothing.

    Args:
        model: the model, with W_0.
        input_ids: ``[B, T]`` of any length; the last chunk may be shorter.
        inner: settings of the steps; ``recompute`` is not used.
        labels: next tokens, ``[B, T]``, ``IGNORE`` where there is nothing to learn; None takes them
            from ``input_ids``, except the config's ``ignored_label_ids``.
    """
    hidden = model.run_prefix(input_ids)
    if not model.suffix:
        return model.head(hidden)
    if labels is None:
        labels = next_labels(learnable(input_ids, model.config.ignored_label_ids))
    C = model.config.chunk
    chunks = list(zip(hidden.split(C, dim=1), labels.split(C, dim=1), strict=True))
    state, chunk_logits = first_state(model, hidden), []
    for number, chunk in enumerate(chunks):
        update = number < len(chunks) - 1
        logits, _, _, state = step_logits(model, chunk, state, inner, update=update)
        chunk_logits.append(logits)
    return torch.cat(chunk_logits, dim=1)


Run = tuple[list[Tensor], list[Tensor], State]


def _run_chunks(
    model: LearningModel, chunks: list[Chunk], state: State, inner: InnerLoop, *, ends: bool
) -> Run:
    """Run some chunks of a sequence; ``ends``: the last of them ends the sequence."""
    losses, means, last = [], [], len(chunks) - 1
    if inner.recompute == "none" or not torch.is_grad_enabled():
        for number, chunk in enumerate(chunks):
            update = not (ends and number == last)
            loss_BC, loss_B, state = step(model, chunk, state, inner, update=update)
            losses.append(loss_BC)
            means.append(loss_B)
        return losses, means, state
    groups, within = _groups(chunks, inner)
    for number, group in enumerate(groups):
        final = ends and number == len(groups) - 1
        group_losses, group_means, state = _recomputed(model, group, state, within, ends=final)
        losses += group_losses
        means += group_means
    return losses, means, state


def _groups(chunks: list[Chunk], inner: InnerLoop) -> tuple[list[list[Chunk]], InnerLoop]:
    """Return the groups that backward recomputes, and the settings to run one group with.

    The states between groups are kept. Of n chunks, ``chunk`` keeps n states and one chunk's graph;
    ``sqrt`` about 2 sqrt(n) states, for one more forward pass; ``log`` about 2 log2(n), for log2(n)
    more.
    """
    n = len(chunks)
    if inner.recompute == "chunk" or n == 1:
        return [[chunk] for chunk in chunks], replace(inner, recompute="none")
    if inner.recompute == "sqrt":
        size = math.isqrt(n)
        groups = [chunks[first : first + size] for first in range(0, n, size)]
        return groups, replace(inner, recompute="chunk")
    return [chunks[: n // 2], chunks[n // 2 :]], inner


def _recomputed(
    model: LearningModel, chunks: list[Chunk], state: State, inner: InnerLoop, *, ends: bool
) -> Run:
    """Run chunks, drop their graph, and rebuild it when backward reaches them."""
    count, labels = len(chunks), [labels for _, labels in chunks]

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        before = state.with_tensors(tensors[count:], state.filled)
        again = list(zip(tensors[:count], labels, strict=True))
        losses, means, after = _run_chunks(model, again, before, inner, ends=ends)
        return (*losses, *means, *after.tensors())

    given = (*(hidden for hidden, _ in chunks), *state.tensors())
    out = recomputed(run, given, model.suffix_parameters())
    tokens = sum(hidden.shape[1] for hidden, _ in chunks)
    filled = min(state.filled + tokens, model.config.window)
    after = state.with_tensors(out[2 * count :], filled)
    return list(out[:count]), list(out[count : 2 * count]), after
