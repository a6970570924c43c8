"""``DocumentReader``: score and continue documents of any length; an interrupted one resumes.

Legend: B documents of one length, N tokens of a document.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lit_research.files import append_line, write_atomic, write_parquet
from lit_research.lm import weights_fingerprint
from lit_research.methods.ttt.config import CHANGEABLE
from lit_research.methods.ttt.streaming import STATE_FORMAT, Stream
from lit_research.progress import counting

if TYPE_CHECKING:
    import pyarrow as pa

    from lit_research.methods.ttt.inner_loop import InnerLoop
    from lit_research.methods.ttt.model import TTTE2EForCausalLM

INDEX = "index.jsonl"


class DocumentReader:
    """Reads documents through a ``Stream`` and writes the results, one file per batch.

    A file name is a hash of the weights, the tokens and the settings, so an existing result is
    reused, and a saved state is never loaded for another model or another text.

    Args:
        folder: output folder: ``NAME.parquet`` (``row``, ``token``, ``log_prob`` in nats,
            ``generated``), ``NAME.state.pt`` while a document is read, and ``index.jsonl``.
        lm: the model.
        inner: settings of its inner loop.
        continue_tokens: tokens to generate after each document.
        temperature: sampling temperature; 0 takes the most likely token.
        seed: seed of the sampling.
        save_state_every: tokens between two saved states.
        progress: whether to show a progress bar for each batch.
    """

    def __init__(
        self,
        folder: Path,
        lm: TTTE2EForCausalLM,
        inner: InnerLoop,
        *,
        continue_tokens: int = 0,
        temperature: float = 1.0,
        seed: int = 0,
        save_state_every: int = 65536,
        progress: bool = False,
    ) -> None:
        self.folder, self.lm, self.inner = folder, lm, inner
        self.continue_tokens, self.progress = continue_tokens, progress
        self.save_state_every = save_state_every
        self.temperature, self.seed = temperature, seed
        settings = [continue_tokens, temperature, seed, STATE_FORMAT]
        settings += [getattr(lm.config, name) for name in CHANGEABLE]
        self._key = json.dumps([weights_fingerprint(lm), str(inner), *settings])

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Score documents and continue them.

        Args:
            tokens: ``[B, N]``.

        Returns:
            Log-probabilities of all tokens but the first in nats, ``[B, N]`` (0 for the first), and
            the generated tokens, ``[B, continue_tokens]``.
        """
        path = self.folder / f"{self._name(tokens)}.parquet"
        if path.is_file():
            return self._read_back(path, tokens)
        state = path.with_suffix(".state.pt")
        stream, scores = self._begin(state, tokens)
        with counting("reading", tokens.shape[1], unit="tokens", shown=self.progress) as add:
            add(stream.position)
            while stream.position < tokens.shape[1]:
                # One token more than whole chunks: each is scored and learned from in one pass.
                piece = tokens[:, stream.position : stream.position + self.save_state_every + 1]
                scores.append(stream.score(piece).float().cpu())
                add(piece.shape[1])
                if stream.position < tokens.shape[1]:
                    self._save(state, stream, scores)
        generated = stream.generate(
            self.continue_tokens, temperature=self.temperature, seed=self.seed
        ).cpu()
        log_probs = torch.cat(scores, dim=1)
        write_parquet(path, _table(tokens.cpu(), log_probs, generated))
        state.unlink(missing_ok=True)
        return log_probs, generated

    def index(self, entry: dict[str, Any]) -> None:
        """Append a line to ``index.jsonl``."""
        append_line(self.folder / INDEX, json.dumps(entry))

    def _name(self, tokens: Tensor) -> str:
        digest = hashlib.blake2b(self._key.encode(), digest_size=8)
        digest.update(str(list(tokens.shape)).encode())
        digest.update(tokens.cpu().numpy().tobytes())
        return digest.hexdigest()

    def _begin(self, state: Path, tokens: Tensor) -> tuple[Stream, list[Tensor]]:
        """Start a stream, or resume the one that was interrupted."""
        stream = Stream(self.lm, len(tokens), self.inner)
        if not state.is_file():
            return stream, []
        saved = torch.load(state, map_location="cpu", weights_only=True)
        stream.load_state_dict(saved["stream"])
        return stream, [saved["log_probs"]]

    def _save(self, path: Path, stream: Stream, scores: list[Tensor]) -> None:
        scores[:] = [torch.cat(scores, dim=1)]
        buffer = io.BytesIO()
        torch.save({"stream": stream.state_dict(), "log_probs": scores[0]}, buffer)
        write_atomic(path, buffer.getvalue())

    def _read_back(self, path: Path, tokens: Tensor) -> tuple[Tensor, Tensor]:
        from pyarrow import parquet

        table = parquet.read_table(path)
        log_probs = torch.from_numpy(table["log_prob"].to_numpy().copy()).view(len(tokens), -1)
        written = torch.from_numpy(table["token"].to_numpy().copy()).long().view(len(tokens), -1)
        N = tokens.shape[1]
        return log_probs[:, :N], written[:, N:]


def _table(tokens: Tensor, log_probs: Tensor, generated: Tensor) -> pa.Table:
    """Return one row per token, document by document; generated tokens have no log-probability."""
    import pyarrow as pa

    B, N = tokens.shape
    tokens = torch.cat([tokens, generated], dim=1)
    scores = torch.cat([log_probs, torch.full(generated.shape, float("nan"))], dim=1)
    rows = torch.arange(B)[:, None].expand_as(tokens)
    is_generated = (torch.arange(tokens.shape[1]) >= N).expand_as(tokens)
    return pa.table(
        {
            "row": pa.array(rows.flatten().int().numpy()),
            "token": pa.array(tokens.flatten().int().numpy()),
            "log_prob": pa.array(scores.flatten().numpy()),
            "generated": pa.array(is_generated.flatten().numpy()),
        }
    )
