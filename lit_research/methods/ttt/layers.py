"""Blocks of TTT-E2E: sandwich norms, QK-norm, interleaved rotary positions, window, SwiGLU.

Legend: B sequences, T tokens, C tokens of a chunk, K tokens of the window, D width, H heads,
d width of a head, F hidden width of an MLP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from lit_research.methods.ttt.config import TTTE2EConfig
    from lit_research.methods.ttt.window import Window


class RMSNorm(nn.Module):
    """Root-mean-square norm, computed and weighted in fp32 (fp64 stays), then cast back."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Return the normed ``[..., width]``."""
        wide = x if x.dtype == torch.float64 else x.float()
        scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        return (wide * scale * self.weight.to(wide.dtype)).to(x.dtype)


def rotate(x: Tensor, positions: Tensor, theta: float) -> Tensor:
    """Turn the pairs (0, 1), (2, 3), ... of each head by their position's angles.

    Args:
        x: ``[B, H, T, d]``.
        positions: ``[T]``.
        theta: base of the angles.
    """
    half = x.shape[-1] // 2
    kind = torch.float64 if x.dtype == torch.float64 else torch.float32
    exponent = torch.arange(half, device=x.device, dtype=kind) / half
    angle_Td = positions.to(kind)[:, None] * theta**-exponent
    cos, sin = angle_Td.cos(), angle_Td.sin()
    even, odd = x[..., 0::2].to(kind), x[..., 1::2].to(kind)
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)


class KeyValues(NamedTuple):
    """Keys (normed, not rotated) and values of the tokens before a chunk, ``[B, H, K, d]`` each."""

    keys: Tensor
    values: Tensor


class SwiGLU(nn.Module):
    """``w2(silu(w1 x) * w3 x)``, weights ``[in, out]``; they may be given, one set a sequence."""

    NAMES = ("w1", "w2", "w3")

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(width, hidden))
        self.w2 = nn.Parameter(torch.empty(hidden, width))
        self.w3 = nn.Parameter(torch.empty(width, hidden))

    def forward(self, x: Tensor, weights: tuple[Tensor, Tensor, Tensor] | None = None) -> Tensor:
        """Return ``[B, C, D]``.

        Args:
            x: ``[B, C, D]``.
            weights: ``w1, w2, w3`` of each sequence, ``[B, in, out]``; None takes the module's.
        """
        w1, w2, w3 = (self.w1, self.w2, self.w3) if weights is None else weights
        kind = x.dtype  # fast weights are fp32 whatever the rest computes in
        hidden = F.silu(x @ w1.to(kind)) * (x @ w3.to(kind))
        return hidden @ w2.to(kind)


class Attention(nn.Module):
    """Attention over a sliding window, on a whole sequence or chunk by chunk."""

    def __init__(self, config: TTTE2EConfig) -> None:
        super().__init__()
        D, d = config.hidden_size, config.head_dim
        self.heads, self.window, self.theta = (
            config.num_attention_heads,
            config.window,
            config.rope_theta,
        )
        self.q_proj = nn.Linear(D, D, bias=False)
        self.k_proj = nn.Linear(D, D, bias=False)
        self.v_proj = nn.Linear(D, D, bias=False)
        self.o_proj = nn.Linear(D, D, bias=False)
        self.q_norm = RMSNorm(d, config.rms_norm_eps)
        self.k_norm = RMSNorm(d, config.rms_norm_eps)

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q = self.q_norm(self._heads(self.q_proj(x)))
        k = self.k_norm(self._heads(self.k_proj(x)))
        return q, k, self._heads(self.v_proj(x))

    def forward(self, x: Tensor) -> Tensor:
        """Attend over a whole sequence ``[B, T, D]`` with torch's fused kernel."""
        T = x.shape[1]
        q, k, v = self._project(x)
        positions = torch.arange(T, device=x.device)
        q, k = rotate(q, positions, self.theta), rotate(k, positions, self.theta)
        if self.window is None or self.window >= T:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            out = _local_attention(q, k, v, self.window)
        return self.o_proj(out.transpose(1, 2).flatten(-2))

    def chunk(self, x: Tensor, before: KeyValues, filled: int) -> tuple[Tensor, KeyValues]:
        """Attend over a chunk ``[B, C, D]`` and the tokens before it; differentiable any number
        of times.

        Args:
            x: the chunk.
            before: keys and values of the last tokens before it.
            filled: how many of these are of real tokens, the last ones.

        Returns:
            The output ``[B, C, D]``, and keys and values of the tokens before the next chunk.
        """
        q, new_k, new_v = self._project(x)
        k, v = torch.cat([before.keys, new_k], dim=2), torch.cat([before.values, new_v], dim=2)
        K, C = before.keys.shape[2], x.shape[1]
        places = torch.arange(K + C, device=x.device)
        scores = rotate(q, places[K:], self.theta) @ rotate(k, places, self.theta).mT
        distance = places[K:, None] - places
        seen = (distance >= 0) & (distance < (self.window or K + C)) & (places >= K - filled)
        scores = scores.float() if scores.dtype != torch.float64 else scores
        scores = (scores * q.shape[-1] ** -0.5).masked_fill(~seen, float("-inf"))
        out = scores.softmax(dim=-1).to(v.dtype) @ v
        kept = KeyValues(k[:, :, C:], v[:, :, C:])  # the last K rows
        return self.o_proj(out.transpose(1, 2).flatten(-2)), kept

    def append(self, x: Tensor, window: Window) -> Tensor:
        """Attend over the next tokens ``[B, C, D]`` of a stream, and keep them in its window."""
        out = window.attend(*self._project(x))
        return self.o_proj(out.transpose(1, 2).flatten(-2))


def _local_attention(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """Attend within the window in time and memory of T * window: blocks see themselves and the
    block before."""
    B, H, T, d = q.shape
    blocks = -(-T // window)
    pad = blocks * window - T

    def cut(x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, pad)).reshape(B, H, blocks, window, d).transpose(1, 2)

    def with_previous(x: Tensor) -> Tensor:
        x = cut(x)
        previous = F.pad(x[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
        return torch.cat([previous, x], dim=3).flatten(0, 1)

    row = torch.arange(window, device=q.device)[:, None]
    column = torch.arange(2 * window, device=q.device) - window
    near = (column <= row) & (row - column < window)
    first = near & (column >= 0)  # before the first block there is nothing
    mask = near.expand(blocks, window, 2 * window).clone()
    mask[0] = first
    mask = mask.repeat(B, 1, 1)[:, None]
    out = F.scaled_dot_product_attention(
        cut(q).flatten(0, 1), with_previous(k), with_previous(v), attn_mask=mask
    )
    out = out.unflatten(0, (B, blocks)).transpose(1, 2).reshape(B, H, blocks * window, d)
    return out[:, :, :T]


class Block(nn.Module):
    """``h += norm(Attn(norm(h)))``, perhaps the prime MLP likewise, then the static MLP."""

    def __init__(self, config: TTTE2EConfig, *, prime: bool) -> None:
        super().__init__()
        D, eps = config.hidden_size, config.rms_norm_eps
        self.attention = Attention(config)
        self.mlp = SwiGLU(D, config.intermediate_size)
        self.prime_mlp = SwiGLU(D, config.intermediate_size) if prime else None
        names = ("attention", "mlp", *(("prime",) if prime else ()))
        self.pre = nn.ModuleDict({name: RMSNorm(D, eps) for name in names})
        self.post = nn.ModuleDict({name: RMSNorm(D, eps) for name in names})

    def forward(self, h: Tensor) -> Tensor:
        """Run over a whole sequence ``[B, T, D]`` with the slow weights."""
        h = h + self.post["attention"](self.attention(self.pre["attention"](h)))
        return self._mlps(h, None)

    def chunk(
        self,
        h: Tensor,
        before: KeyValues,
        filled: int,
        fast: tuple[Tensor, Tensor, Tensor] | None,
    ) -> tuple[Tensor, KeyValues]:
        """Run over a chunk ``[B, C, D]`` with fast weights ``[B, in, out]`` in the prime MLP."""
        out, kept = self.attention.chunk(self.pre["attention"](h), before, filled)
        return self._mlps(h + self.post["attention"](out), fast), kept

    def append(
        self, h: Tensor, window: Window, fast: tuple[Tensor, Tensor, Tensor] | None = None
    ) -> Tensor:
        """Run over the next tokens ``[B, C, D]`` of a stream; no gradients."""
        h = h + self.post["attention"](self.attention.append(self.pre["attention"](h), window))
        return self._mlps(h, fast)

    def _mlps(self, h: Tensor, fast: tuple[Tensor, Tensor, Tensor] | None) -> Tensor:
        if self.prime_mlp is not None:
            h = h + self.post["prime"](self.prime_mlp(self.pre["prime"](h), fast))
        return h + self.post["mlp"](self.mlp(self.pre["mlp"](h)))
