"""Sliding-window attention in O(T * window) time and memory, and rotary positions.

Legend: B sequences, T queries, P rows of keys before them, K tokens of the window, H heads, d width
of a head, c queries of a block.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class KeyValues(NamedTuple):
    """Keys (normalised, not rotated) and values of the tokens before a chunk, ``[B, H, K, d]``."""

    keys: Tensor
    values: Tensor


@functools.lru_cache(maxsize=16)
def _turns(
    first: int,
    last: int,
    frequencies: tuple[float, ...],
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of positions ``first`` to ``last``, each twice, ``[T, d]``."""
    with torch.inference_mode(False):  # cached beyond the call, perhaps for use in a graph
        positions = torch.arange(first, last, device=device, dtype=dtype)
        angle_Td = positions[:, None] * torch.tensor(frequencies, device=device, dtype=dtype)
        angle_Td = angle_Td.repeat_interleave(2, dim=-1)
        return angle_Td.cos(), angle_Td.sin()


def rotate(x: Tensor, first: int, frequencies: tuple[float, ...]) -> Tensor:
    """Rotate the pairs (0, 1), (2, 3), ... of each head by their position's angles.

    Args:
        x: ``[B, H, T, d]``.
        first: position of the first of the T tokens.
        frequencies: radians per token, of each pair.
    """
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    cos_Td, sin_Td = _turns(first, first + x.shape[2], frequencies, dtype, x.device)
    wide = x.to(dtype)
    # (x, y) becomes (-y, x), without strided reads, which are slow. A product with exp(i angle)
    # would do both steps at once, but its rounding differs between positions.
    pairs = torch.view_as_complex(wide.unflatten(-1, (-1, 2)))
    across = torch.view_as_real(pairs * 1j).flatten(-2)
    return (wide * cos_Td + across * sin_Td).to(x.dtype)


def window_attention(
    q: Tensor, k: Tensor, v: Tensor, window: int | None, *, unseen: int = 0, twice: bool = False
) -> Tensor:
    """Attend from the last T rows to themselves and to the rows before, within the window.

    Blocks of c queries attend to the ``window + c`` rows up to their last, all blocks in one call.
    A block is a quarter of the window, so that few products are masked.

    Args:
        q: ``[B, H, T, d]``.
        k: ``[B, H, P + T, d]``, or fewer heads, each for a group of query heads.
        v: as ``k``.
        window: rows that a query attends to, its own included; None is all.
        unseen: leading rows that no query attends to, at most P.
        twice: whether the result must be differentiable more than once; torch's fused kernels are
            not.

    Returns:
        ``[B, H, T, d]``.
    """
    T, rows = q.shape[2], k.shape[2]
    if k.shape[1] != q.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
    size = rows if window is None else min(window, rows)
    block = max(16, size // 4)
    if size == rows or block >= T:  # one block, without the rows that it does not attend to
        low = max(unseen, rows - T - size + 1)
        k, v = k[:, :, low:], v[:, :, low:]
        if size == rows and low == rows - T and not twice:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        # Only masks that recur are worth caching.
        make_mask = _mask.__wrapped__ if size == rows else _mask
        mask = make_mask(T, rows - low - T, size, q.dtype, q.device) if T > 1 else None
        return _attend(q, k, v, mask, twice)
    return _in_blocks(q, k, v, size, block, unseen, twice)


def _in_blocks(
    q: Tensor, k: Tensor, v: Tensor, window: int, c: int, unseen: int, twice: bool
) -> Tensor:
    """Do what ``window_attention`` does, in blocks of ``c`` queries."""
    B, H, T, d = q.shape
    before, blocks = k.shape[2] - T, -(-T // c)
    back = blocks * c - T

    def cut(x: Tensor) -> Tensor:  # [B, n, H, K + c, d]
        x = F.pad(x[:, :, max(0, before - window) :], (0, 0, max(0, window - before), back))
        return x.unfold(2, window + c, c).permute(0, 2, 1, 4, 3)

    q = F.pad(q, (0, 0, 0, back)).view(B, H, blocks, c, d).transpose(1, 2)
    k, v = cut(k), cut(v)
    mask = _mask(c, window, window, q.dtype, q.device)
    # Padding and unseen rows occur in the first blocks only.
    hidden = unseen + window - before
    first = min(blocks, max(0, -(-hidden // c)))
    outputs = []
    for some, is_first in ((slice(0, first), True), (slice(first, blocks), False)):
        if some.start == some.stop:
            continue
        some_mask = _first_masks(mask, first, hidden).repeat(B, 1, 1, 1) if is_first else mask
        some_q, some_k, some_v = (x[:, some].flatten(0, 1) for x in (q, k, v))
        out = _attend(some_q, some_k, some_v, some_mask, twice)
        outputs.append(out.unflatten(0, (B, -1)))
    return torch.cat(outputs, dim=1).transpose(1, 2).reshape(B, H, blocks * c, d)[:, :, :T]


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, twice: bool) -> Tensor:
    if not twice:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q @ k.mT) * q.shape[-1] ** -0.5
    wide = scores if scores.dtype == torch.float64 else scores.float()
    return (wide if mask is None else wide + mask).softmax(dim=-1).to(v.dtype) @ v


@functools.lru_cache(maxsize=4)
def _mask(
    queries: int, before: int, window: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return 0 where a query attends to a row and -inf elsewhere, ``[c, before + c]``."""
    with torch.inference_mode(False):
        row = torch.arange(queries, device=device)[:, None] + before
        distance = row - torch.arange(before + queries, device=device)
        mask = torch.zeros(distance.shape, dtype=dtype, device=device)
        return mask.masked_fill_((distance < 0) | (distance >= window), float("-inf"))


def _first_masks(mask: Tensor, blocks: int, hidden: int) -> Tensor:
    """Return the masks ``[n, 1, c, K + c]`` of the first blocks, without the first rows."""
    c, columns = mask.shape
    start = torch.arange(blocks, device=mask.device)[:, None] * c
    row = start + torch.arange(columns, device=mask.device)
    return mask.masked_fill((row < hidden)[:, None, None], float("-inf"))
