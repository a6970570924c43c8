"""``Window``: keys and values of a stream's last tokens, updated in place.

Legend: B sequences, T tokens given, C tokens of a chunk, K tokens of the window, H heads, d width
of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lit_research.methods.ttt.attention import KeyValues, rotate, window_attention
from lit_research.methods.ttt.config import TTTE2EConfig


class Window:
    """The key-value cache of one block: the window before a chunk, and the chunk.

    Rows are written once and attended to in place. Keys are kept twice, with and without rotary
    positions; at the end of a chunk the last K rows move to the front and are rotated again, so
    angles stay small (and exact) however long the stream is. Full attention keeps all rows and
    grows.

    Args:
        config: sizes, window and base of the rotary positions.
        batch_size: sequences, B.
        like: gives dtype and device.

    Attributes:
        before: first row of the open chunk.
        first: first row of a real token.
        used: tokens in the open chunk.
        turned: the keys with rotary positions.
    """

    def __init__(self, config: TTTE2EConfig, batch_size: int, like: Tensor) -> None:
        self.config, self.size = config, config.window
        self.before = self.first = self.size or 0
        self.used = 0
        shape = (
            batch_size,
            config.num_key_value_heads,
            self.before + config.chunk,
            config.head_dim,
        )
        self.keys, self.turned, self.values = (like.new_zeros(shape) for _ in range(3))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Append tokens and return the attention output, ``[B, H, T, d]`` like all arguments."""
        start, turns = self.before + self.used, self.config.frequencies
        end = start + q.shape[2]
        if self.size is None:
            self._reserve(end)
        self.keys[:, :, start:end] = k
        self.turned[:, :, start:end] = rotate(k, start, turns)
        self.values[:, :, start:end] = v
        self.used += q.shape[2]
        known = self.turned[:, :, :end], self.values[:, :, :end]
        return window_attention(rotate(q, start, turns), *known, self.size, unseen=self.first)

    def attend_chunks(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Do the same for whole chunks, at the start of one; the window advances past them."""
        if self.size is None:
            out = self.attend(q, k, v)
            self.end_chunk()
            return out
        before, turns = self.cache(), self.config.frequencies
        k, v = torch.cat([before.keys, k], dim=2), torch.cat([before.values, v], dim=2)
        q, turned = rotate(q, self.size, turns), rotate(k, 0, turns)
        out = window_attention(q, turned, v, self.size, unseen=self.first)
        self.refill(KeyValues(k[:, :, -self.size :], v[:, :, -self.size :]), q.shape[2])
        return out

    def cache(self) -> KeyValues:
        """Return keys and values of the window before the open chunk, ``[B, H, K, d]``."""
        return KeyValues(self.keys[:, :, : self.before], self.values[:, :, : self.before])

    def end_chunk(self) -> None:
        """Start a new chunk: the window advances by the tokens of this one."""
        if self.size is None:
            self.before += self.used
            self._reserve(self.before + self.config.chunk)
        elif self.used:
            last = slice(self.used, self.used + self.size)
            cache = KeyValues(self.keys[:, :, last].clone(), self.values[:, :, last].clone())
            self.refill(cache, self.used)
        self.used = 0

    def refill(self, cache: KeyValues, tokens: int) -> None:
        """Start a new chunk with the keys and values ``[B, H, K, d]`` of a window.

        Args:
            cache: the window.
            tokens: tokens that it has advanced by.
        """
        assert self.size is not None
        K = self.size
        self.keys[:, :, :K], self.values[:, :, :K] = cache
        self.turned[:, :, :K] = rotate(cache.keys, 0, self.config.frequencies)
        self.first, self.used = max(0, self.first - tokens), 0

    def _reserve(self, rows: int) -> None:
        missing = rows - self.keys.shape[2]
        if missing > 0:  # grow by at least half, so that a long stream copies each row few times
            more = max(missing, self.keys.shape[2] // 2)
            buffers = (self.keys, self.turned, self.values)
            self.keys, self.turned, self.values = (F.pad(x, (0, 0, 0, more)) for x in buffers)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the rows of real tokens; their positions follow from the stream's position."""
        rows = slice(self.first, self.before + self.used)
        return {"keys": self.keys[:, :, rows].clone(), "values": self.values[:, :, rows].clone()}

    def load_state_dict(self, state: dict[str, Tensor], used: int) -> None:
        """Restore the rows of ``state_dict``; the last ``used`` belong to the open chunk."""
        count = state["keys"].shape[2]
        if self.size is None:
            self._reserve(count - used + self.config.chunk)
            self.before = count - used
        self.first, self.used = self.before + used - count, used
        rows = slice(self.first, self.before + used)
        self.keys[:, :, rows], self.values[:, :, rows] = state["keys"], state["values"]
        turned = rotate(self.keys[:, :, rows], self.first, self.config.frequencies)
        self.turned[:, :, rows] = turned

    def select(self, rows: Tensor) -> None:
        """Keep these sequences, in this order."""
        buffers = (self.keys, self.turned, self.values)
        self.keys, self.turned, self.values = (x.index_select(0, rows) for x in buffers)
