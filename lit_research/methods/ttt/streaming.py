"""``Stream``: read text of any length and keep learning from it, in constant memory.

A token is predicted by exactly the weights that chunk-by-chunk reading gives it (score before
update), however the tokens are split between calls. A chunk is learned from once the token after
it is known, since that is the label of its last token (Tandon et al. 2025, arXiv 2512.23675,
section 2).

Legend: B sequences, T tokens given, C tokens of a chunk, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.inner_loop import (
    InnerLoop,
    State,
    first_state,
    learnable,
    step_logits,
    without_outer_gradient,
)
from lit_research.methods.ttt.layers import Block
from lit_research.methods.ttt.learning_model import LearningModel
from lit_research.methods.ttt.window import Window

_TOGETHER = 4096  # tokens read in one pass; more of them do not fit the caches of a CPU
STATE_FORMAT = 2  # of `state_dict`; format 1 held the prefix's output of the open chunk


class Stream:
    """The state of B texts that one model reads in parallel, each with its own fast weights.

    The state is the fast weights, the windows of all blocks and the tokens of the open chunk, which
    is not yet learned from: its size does not depend on how much has been read. The memory of one
    token's attention is proportional to the window. The model is not changed.

    Every token is a label to learn from, except the config's ``ignored_label_ids`` and those that
    ``labels`` masks.

    Args:
        model: the model, in evaluation or training mode; its weights are W_0.
        batch_size: number of texts, B; all receive equally many tokens at a time.
        inner: settings of the inner loop; None takes the model's config. ``lr=0`` reads without
            learning.

    Attributes:
        position: number of tokens read.
        next_logits: prediction of the next token, ``[B, V]``; None before the first token.
    """

    @without_outer_gradient
    def __init__(
        self, model: LearningModel, batch_size: int = 1, inner: InnerLoop | None = None
    ) -> None:
        config, like = cast("TTTE2EConfig", model.config), model.embed.weight
        self.model, self.config = model, config
        self.inner = inner or InnerLoop(config.inner_lr, config.inner_clip)
        self.position, self.next_logits = 0, None
        self.prefix = [Window(config, batch_size, like) for _ in model.prefix]
        self.suffix = [Window(config, batch_size, like) for _ in model.suffix]
        hidden = like.new_zeros(batch_size, 0, config.hidden_size)
        self.fast = first_state(model, hidden).detach().fast if model.suffix else ()
        self.tokens = torch.zeros(batch_size, 0, dtype=torch.long, device=like.device)
        self.labels = self.tokens  # equal, but IGNORE where there is nothing to learn
        self.hidden = [hidden]  # of the open chunk, before the first fast weights

    position: int
    next_logits: Tensor | None

    @property
    def batch_size(self) -> int:
        """Number of texts, B."""
        return len(self.tokens)

    @property
    def bytes(self) -> int:
        """Allocated size of the state, in bytes."""
        windows = [x for w in self._windows() for x in (w.keys, w.turned, w.values)]
        tensors = [*windows, *self.fast, *self.hidden, self.tokens, self.labels]
        return sum(x.untyped_storage().nbytes() for x in tensors)

    @staticmethod
    def _blocks(blocks: nn.ModuleList, windows: list[Window]) -> Iterator[tuple[Block, Window]]:
        return zip(cast("list[Block]", blocks), windows, strict=True)

    def _windows(self) -> list[Window]:
        return [*self.prefix, *self.suffix]

    @without_outer_gradient
    def read(self, tokens: Tensor, keep: int = 0, labels: Tensor | None = None) -> Tensor:
        """Read tokens; return the logits after the last ``keep`` of them, ``[B, keep, V]``.

        Args:
            tokens: ``[B, T]``, T at least 1.
            keep: number of logits to return; 0 returns all, ``[B, T, V]``.
            labels: aligned with the tokens, ``[B, T]``, -100 where a token is not to be learned;
                None takes ``tokens``.
        """
        tokens, labels = self._checked(tokens, labels)
        T = tokens.shape[1]
        first_kept, kept = T - keep if keep else 0, []
        start = 0
        while start < T:
            size = self._whole_chunks(min(first_kept, T - 1) - start)
            if size:
                self._read_chunks(tokens, labels, start, size)
            else:
                size = self._room(T - start)
                piece = slice(start, start + size)
                logits = self._append(tokens[:, piece], labels[:, piece])
                kept.append(logits[:, max(0, first_kept - start) :])
            start += size
        return torch.cat(kept, dim=1)

    @without_outer_gradient
    def score(self, tokens: Tensor, labels: Tensor | None = None) -> Tensor:
        """Read tokens; return the log-probability of each given all before it, ``[B, T]`` in nats.

        The first token of a text has no prediction: 0. Tokens that are not learned are scored like
        all others.

        Args:
            tokens: ``[B, T]``, T at least 1.
            labels: as for ``read``.
        """
        tokens, labels = self._checked(tokens, labels)
        T = tokens.shape[1]
        if self.next_logits is None:
            scores = [torch.zeros_like(tokens[:, :1], dtype=torch.float)]
        else:
            scores = [self._log_probs(self.next_logits[:, None], tokens[:, :1])]
        start = 0
        while start < T:
            whole = self._whole_chunks(T - 1 - start)
            size = whole or self._room(T - start)
            if whole:
                scores.append(self._read_chunks(tokens, labels, start, size))
            else:
                piece, following = slice(start, start + size), tokens[:, start + 1 :][:, :size]
                logits = self._append(tokens[:, piece], labels[:, piece])
                scores.append(self._log_probs(logits[:, : following.shape[1]], following))
            start += size
        return torch.cat(scores, dim=1)

    @without_outer_gradient
    def generate(self, count: int, *, temperature: float = 1.0, seed: int = 0) -> Tensor:
        """Continue every text by ``count`` tokens, learning from them as from any others.

        Args:
            count: number of tokens to generate.
            temperature: sampling temperature; 0 takes the most likely token.
            seed: seed of the sampling; the result depends on it and on the state alone.

        Returns:
            The new tokens, ``[B, count]``; the last of them has been read too.
        """
        if self.next_logits is None:
            raise UserError("nothing has been read, in Stream.generate; read a prompt first")
        draw = torch.Generator(self.tokens.device).manual_seed(seed)
        generated = []
        for _ in range(count):
            if temperature == 0.0:
                token = self.next_logits.argmax(dim=-1, keepdim=True)
            else:
                weights = (self.next_logits.float() / temperature).softmax(dim=-1)
                token = torch.multinomial(weights, 1, generator=draw)
            generated.append(token)
            self.read(token)
        return torch.cat([self.tokens[:, :0], *generated], dim=1)

    def _checked(self, tokens: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        if tokens.dim() != 2 or len(tokens) != self.batch_size or tokens.shape[1] == 0:
            raise UserError(
                f"tokens have the shape {list(tokens.shape)}, for a Stream of {self.batch_size} "
                "texts; give [B, T] with at least one token of each"
            )
        if labels is not None and labels.shape != tokens.shape:
            raise UserError(
                f"labels have the shape {list(labels.shape)}, for tokens of {list(tokens.shape)} "
                "in a Stream; give a label for each token"
            )
        given = None if labels is None or labels is tokens else labels.clone()
        tokens = tokens.clone() if tokens.is_inference() else tokens
        given = tokens if given is None else given
        return tokens, learnable(given, self.config.ignored_label_ids)

    def _room(self, left: int) -> int:
        """Return how many of the remaining tokens fit the open chunk, or the next one."""
        return min(self.config.chunk - self.tokens.shape[1] % self.config.chunk, left)

    def _whole_chunks(self, labelled: int) -> int:
        """Return how many of the next tokens, whose labels are known, to read as whole chunks.

        A few thousand at a time: the prefix runs over many chunks at once, and memory is bounded.
        """
        C = self.config.chunk
        if self.tokens.shape[1] % C:
            return 0
        return max(0, min(labelled // C, max(1, _TOGETHER // C))) * C

    def _append(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """Append tokens to the open chunk; return their logits ``[B, T, V]``."""
        if self.tokens.shape[1] == self.config.chunk:
            self._learn(labels[:, 0])
        h = self._run_prefix(tokens)
        self.hidden.append(h)
        weights = iter(self.fast)
        for number, (block, window) in enumerate(self._blocks(self.model.suffix, self.suffix)):
            fast = (next(weights), next(weights), next(weights))
            h = block.append(h, window, fast) if number else block.mlps(h, fast)
        self.tokens = torch.cat([self.tokens, tokens], dim=1)
        self.labels = torch.cat([self.labels, labels], dim=1)
        self.position += tokens.shape[1]
        logits = self.model.head(h)
        self.next_logits = logits[:, -1]
        return logits

    def _run_prefix(self, tokens: Tensor, *, chunks: bool = False) -> Tensor:
        """Run the prefix on the next tokens, like ``run_prefix``; return ``[B, T, D]``."""
        h = self.model.embed(tokens)
        for block, window in self._blocks(self.model.prefix, self.prefix):
            h = block.append(h, window, chunks=chunks)
        if self.suffix:
            first = cast("Block", self.model.suffix[0])
            h = first.attend(h, self.suffix[0], chunks=chunks)
        return h

    def _learn(self, following: Tensor) -> None:
        """Step the fast weights for the open chunk, and start the next one.

        Args:
            following: label of the token after the chunk, ``[B]``.
        """
        labels = torch.cat([self.labels[:, 1:], following[:, None]], dim=1)
        if self.fast and self.inner.lr != 0.0:
            chunk = torch.cat(self.hidden, dim=1), labels
            self.fast = step_logits(self.model, chunk, self._state(), self.inner)[-1].fast
        for window in self._windows():
            window.end_chunk()
        self._begin_chunk()

    def _begin_chunk(self) -> None:
        self.tokens, self.labels = self.tokens[:, :0], self.labels[:, :0]
        self.hidden = [self.hidden[0][:, :0]]

    def _state(self) -> State:
        """Return the suffix's state before the open chunk."""
        assert self.config.window is not None  # a model with a suffix has one
        filled = min(self.position - self.tokens.shape[1], self.config.window)
        return State(self.fast, tuple(w.cache() for w in self.suffix[1:]), filled)

    def _read_chunks(self, tokens: Tensor, labels: Tensor, start: int, size: int) -> Tensor:
        """Read whole chunks and learn from each, in one pass.

        Args:
            tokens: all tokens, ``[B, T]``.
            labels: labels of these, ``[B, T]``.
            start: index of the first token of the chunks.
            size: number of tokens in the chunks.

        Returns:
            Log-probability of the token after each of these, ``[B, size]``.
        """
        if self.tokens.shape[1]:
            self._learn(labels[:, start])
        h = self._run_prefix(tokens[:, start : start + size], chunks=True)
        after = slice(start + 1, start + size + 1)
        following = tokens[:, after]
        labels = following if labels is tokens else labels[:, after]
        if self.suffix:
            log_probs = self._step_through(h, following, labels)
        else:
            log_probs = self._log_probs(self.model.head(h), following)
        self.position += size
        self.next_logits = None  # its label was known
        return log_probs

    def _step_through(self, hidden: Tensor, following: Tensor, labels: Tensor) -> Tensor:
        state, scores, C = self._state(), [], self.config.chunk
        chunks = (x.split(C, dim=1) for x in (hidden, following, labels))
        for chunk_hidden, tokens, chunk_labels in zip(*chunks, strict=True):
            chunk = chunk_hidden, chunk_labels
            logits, losses, _, state = step_logits(self.model, chunk, state, self.inner)
            # A loss is 0 where there is nothing to learn.
            scores.append(-losses if labels is following else self._log_probs(logits, tokens))
        self.fast = state.fast
        for window, cache in zip(self.suffix[1:], state.cache, strict=True):
            window.refill(cache, hidden.shape[1])
        return torch.cat(scores, dim=1)

    @staticmethod
    def _log_probs(logits: Tensor, labels: Tensor) -> Tensor:
        wide = logits if logits.dtype == torch.float64 else logits.float()
        return -F.cross_entropy(wide.transpose(1, 2), labels, reduction="none")

    @without_outer_gradient
    def select(self, rows: Tensor) -> None:
        """Keep these texts, in this order, perhaps repeated; for beam search and continuations.

        Args:
            rows: indices in the batch, ``[B']``.
        """
        self.fast = tuple(w.index_select(0, rows) for w in self.fast)
        self.hidden = [h.index_select(0, rows) for h in self.hidden]
        self.tokens = self.tokens.index_select(0, rows)
        self.labels = self.labels.index_select(0, rows)
        if self.next_logits is not None:
            self.next_logits = self.next_logits.index_select(0, rows)
        for window in self._windows():
            window.select(rows)

    # The interface that transformers' `generate` expects of a cache.
    def get_seq_length(self) -> int:
        """Return the number of tokens read."""
        return self.position

    reorder_cache = select

    def state_dict(self) -> dict[str, Any]:
        """Return the complete state, as tensors and plain data, for ``torch.save``."""
        return {
            "format": STATE_FORMAT,
            "position": self.position,
            "inner": asdict(self.inner),
            "tokens": self.tokens.clone(),
            "labels": self.labels.clone(),
            "hidden": torch.cat(self.hidden, dim=1),
            "fast": [w.clone() for w in self.fast],
            "windows": [w.state_dict() for w in self._windows()],
            "next_logits": None if self.next_logits is None else self.next_logits.clone(),
        }

    @without_outer_gradient
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from the ``state_dict`` of a stream of the same model.

        Raises:
            UserError: the state belongs to a model of other sizes or to another number of texts, or
                an earlier version of this package wrote it.
        """
        if state.get("format") != STATE_FORMAT:
            raise UserError(
                f"the state has format {state.get('format', 1)} and this version reads "
                f"{STATE_FORMAT}, for Stream; read the text once more"
            )
        windows, device = self._windows(), self.tokens.device
        shapes = [list(w.shape) for w in self.fast]
        if (
            [list(w.shape) for w in state["fast"]] != shapes
            or len(state["windows"]) != len(windows)
            or len(state["tokens"]) != self.batch_size
        ):
            raise UserError(
                "the state is of another model or another number of texts, for Stream; load it "
                "into a stream of the model that wrote it, with "
                f"batch_size {len(state['tokens'])}"
            )
        self.inner = InnerLoop(**state["inner"])
        self.position, logits = state["position"], state["next_logits"]
        self.tokens, self.labels = state["tokens"].to(device), state["labels"].to(device)
        self.hidden = [state["hidden"].to(device)]
        self.fast = tuple(w.to(device) for w in state["fast"])
        self.next_logits = None if logits is None else logits.to(device)
        for window, saved in zip(windows, state["windows"], strict=True):
            window.load_state_dict(saved, used=self.tokens.shape[1])

    def save(self, path: str | Path) -> None:
        """Write the state to a file, atomically."""
        import io

        buffer = io.BytesIO()
        torch.save(self.state_dict(), buffer)
        write_atomic(Path(path), buffer.getvalue())

    @classmethod
    def load(cls, model: LearningModel, path: str | Path) -> Stream:
        """Return the stream that ``save`` wrote.

        Raises:
            UserError: there is no such file, or it belongs to another model.
        """
        if not Path(path).is_file():
            raise UserError(f"there is no file {str(path)!r}, of a Stream's state; give one")
        state = torch.load(path, map_location="cpu", weights_only=True)
        stream = cls(model, len(state["tokens"]))
        stream.load_state_dict(state)
        return stream
