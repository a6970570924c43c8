"""Blocks of TTT-E2E: sandwich norms, QK-norm, interleaved rotary positions, window, SwiGLU.

Legend: B sequences, T tokens, C tokens of a chunk, K tokens of the window, D width, H heads,
d width of a head, F hidden width of an MLP.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from lit_research.methods.ttt.attention import KeyValues, rotate, window_attention
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


class SwiGLU(nn.Module):
    """``w2(silu(w1 x) * w3 x)``, weights ``[in, out]``; or with given weights per sequence."""

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
        dtype = x.dtype  # fast weights are fp32 whatever the compute dtype
        hidden = F.silu(x @ w1.to(dtype)) * (x @ w3.to(dtype))
        return hidden @ w2.to(dtype)


class Attention(nn.Module):
    """Attention over a sliding window, on a whole sequence or chunk by chunk.

    Window and rotary base are read from the config at each call, so that they can be changed.
    """

    def __init__(self, config: TTTE2EConfig) -> None:
        super().__init__()
        D, d, bias = config.hidden_size, config.head_dim, config.attention_bias
        heads, pairs = config.num_attention_heads, config.num_key_value_heads
        self.config, self.head_dim = config, d
        self.q_proj = nn.Linear(D, heads * d, bias=bias)
        self.k_proj = nn.Linear(D, pairs * d, bias=bias)
        self.v_proj = nn.Linear(D, pairs * d, bias=bias)
        self.o_proj = nn.Linear(heads * d, D, bias=False)
        self.q_norm = RMSNorm(d, config.rms_norm_eps) if config.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(d, config.rms_norm_eps) if config.qk_norm else nn.Identity()

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (
            projection(x).unflatten(-1, (-1, self.head_dim))
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        # The norms come first: contiguous rows are faster to sum.
        return self.q_norm(q).transpose(1, 2), self.k_norm(k).transpose(1, 2), v.transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Attend over a whole sequence ``[B, T, D]``; differentiable once."""
        q, k, v = self._project(x)
        turns = self.config.frequencies
        q, k = rotate(q, 0, turns), rotate(k, 0, turns)
        return self._merge(window_attention(q, k, v, self.config.window))

    def chunk(
        self, x: Tensor, before: KeyValues, filled: int, *, twice: bool
    ) -> tuple[Tensor, KeyValues]:
        """Attend over a chunk ``[B, C, D]`` and the tokens before it.

        Args:
            x: the chunk.
            before: keys and values of the last tokens before it.
            filled: rows of these, at the end, that belong to real tokens.
            twice: whether the result must be differentiable more than once.

        Returns:
            The output ``[B, C, D]``, and keys and values of the tokens before the next chunk.
        """
        q, new_k, new_v = self._project(x)
        k, v = torch.cat([before.keys, new_k], dim=2), torch.cat([before.values, new_v], dim=2)
        K, C, turns = before.keys.shape[2], x.shape[1], self.config.frequencies
        q, turned = rotate(q, K, turns), rotate(k, 0, turns)
        out = window_attention(q, turned, v, self.config.window, unseen=K - filled, twice=twice)
        return self._merge(out), KeyValues(k[:, :, C:], v[:, :, C:])  # the last K rows

    def append(self, x: Tensor, window: Window, *, chunks: bool) -> Tensor:
        """Attend over the next tokens ``[B, T, D]`` of a stream, and append them to its window."""
        attend = window.attend_chunks if chunks else window.attend
        return self._merge(attend(*self._project(x)))

    def _merge(self, out: Tensor) -> Tensor:
        return self.o_proj(out.transpose(1, 2).flatten(-2))


class Block(GradientCheckpointingLayer):
    """``h += norm(Attn(norm(h)))``, then the prime MLP if there is one, then the static MLP.

    transformers' activation checkpointing acts on ``forward``, which runs once over a sequence;
    for ``chunk`` the inner loop's ``recompute`` decides what backward recomputes.
    """

    def __init__(self, config: TTTE2EConfig, *, prime: bool) -> None:
        super().__init__()
        D, eps = config.hidden_size, config.rms_norm_eps
        self.attention = Attention(config)
        self.mlp = SwiGLU(D, config.intermediate_size)
        self.prime_mlp = SwiGLU(D, config.intermediate_size) if prime else None
        names = ("attention", "mlp", *(("prime",) if prime else ()))
        self.pre = nn.ModuleDict({name: RMSNorm(D, eps) for name in names})
        self.post = nn.ModuleDict(
            {name: RMSNorm(D, eps) if config.post_norms else nn.Identity() for name in names}
        )

    def forward(self, h: Tensor) -> Tensor:
        """Run over a whole sequence ``[B, T, D]`` with the slow weights."""
        return self.mlps(self._attend_whole(h))

    def attend_whole(self, h: Tensor) -> Tensor:
        """Run the attention of ``forward``, with activation checkpointing as in ``forward``."""
        if self.gradient_checkpointing and self.training:
            return cast("Tensor", checkpoint(self._attend_whole, h, use_reentrant=False))
        return self._attend_whole(h)

    def _attend_whole(self, h: Tensor) -> Tensor:
        return h + self.post["attention"](self.attention(self.pre["attention"](h)))

    def chunk(
        self,
        h: Tensor,
        before: KeyValues,
        filled: int,
        fast: tuple[Tensor, Tensor, Tensor] | None,
        *,
        twice: bool = True,
    ) -> tuple[Tensor, KeyValues]:
        """Run over a chunk ``[B, C, D]`` with fast weights ``[B, in, out]`` in the prime MLP."""
        out, kept = self.attention.chunk(self.pre["attention"](h), before, filled, twice=twice)
        return self.mlps(h + self.post["attention"](out), fast), kept

    def append(
        self,
        h: Tensor,
        window: Window,
        fast: tuple[Tensor, Tensor, Tensor] | None = None,
        *,
        chunks: bool = False,
    ) -> Tensor:
        """Run over the next tokens of a stream; no gradients.

        Args:
            h: ``[B, T, D]``.
            window: window of this block.
            fast: weights ``[B, in, out]`` of the prime MLP.
            chunks: whether these are whole chunks; the window then advances past them.
        """
        return self.mlps(self.attend(h, window, chunks=chunks), fast)

    def attend(self, h: Tensor, window: Window, *, chunks: bool = False) -> Tensor:
        """Run the attention of ``append``."""
        out = self.attention.append(self.pre["attention"](h), window, chunks=chunks)
        return h + self.post["attention"](out)

    def mlps(self, h: Tensor, fast: tuple[Tensor, Tensor, Tensor] | None = None) -> Tensor:
        """Run the MLPs, which follow the attention, over any tokens ``[B, T, D]``."""
        if self.prime_mlp is not None:
            h = h + self.post["prime"](self.prime_mlp(self.pre["prime"](h), fast))
        return h + self.post["mlp"](self.mlp(self.pre["mlp"](h)))
