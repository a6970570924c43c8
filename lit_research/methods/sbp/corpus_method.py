"""``CorpusMethod``: what a synthesizer does with a ``SyntheticCorpus``: write it, measure it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.figures import add_text, code_block
from lit_research.methods.base import datamodule
from lit_research.methods.pretrain import Pretrain
from lit_research.methods.sbp.quality import Judge, Pair, Quality, rates
from lit_research.methods.sbp.selection import NOT_NEEDED
from lit_research.methods.sbp.writing import CorpusWriter, SyntheticCorpus
from lit_research.text import DocumentSource, Tfidf, make_encoder

KEPT, WRITTEN, REAL = "synthetic", "before filters", "real"
"""Columns of the table: the corpus, all texts that were written for it, and R."""


class CorpusMethod(Pretrain):
    """``Pretrain`` whose ``predict`` writes a ``SyntheticCorpus`` and whose ``test`` measures it.

    With other data it is ``Pretrain``. Takes the arguments of ``Pretrain``.
    """

    _corpus_writer: CorpusWriter | None = None
    _quality: Quality | None = None

    def costs(self) -> dict[str, Any]:
        """Return what came before the sampling, for the card of the corpus."""
        return {}

    def on_predict_start(self) -> None:
        """Open the corpus to write."""
        data = datamodule(self.trainer)
        if not isinstance(data, SyntheticCorpus):
            super().on_predict_start()
            return
        context = self.lm.config.max_position_embeddings
        engine, rank = self.engine_of(self.lm), self.global_rank
        self._corpus_writer = CorpusWriter(data, engine, context, rank=rank, costs=self.costs())

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Write a shard, unless enough are there, and return its tokens; else see ``Pretrain``."""
        if self._corpus_writer is None:
            return super().predict_step(batch, batch_idx)
        return torch.tensor(float(self._corpus_writer.write(batch["shard"])))

    def on_predict_end(self) -> None:
        """Put the corpus together."""
        if self._corpus_writer is None:
            super().on_predict_end()
            return
        self._corpus_writer.finish(self.trainer)
        self._corpus_writer = None

    def on_test_start(self) -> None:
        """Measure the texts of the corpus, before anything is read; else see ``Pretrain``."""
        data = datamodule(self.trainer)
        if not isinstance(data, SyntheticCorpus):
            super().on_test_start()
            return
        self._quality = measure(data)

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Do nothing for a corpus; else see ``Pretrain``."""
        return {} if self._quality is not None else super().test_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Log, show and print the table; else see ``Pretrain``."""
        quality, self._quality = self._quality, None
        if quality is None:
            super().on_test_epoch_end()
            return
        for name, value in quality.metrics(KEPT).items():
            self.log_result(f"test/{name}", value)
        add_text(self.trainer, "test/quality", code_block(quality.table()))
        rank_zero_info(f"\n{quality.table()}")


def measure(data: SyntheticCorpus) -> Quality:
    """Measure the texts of a corpus, all that were written for it, and R.

    Raises:
        UserError: the corpus is not written yet.
    """
    folder = Path(data.hparams["folder"])
    if not (folder / "card.json").is_file():
        raise UserError(
            f"there is no synthetic corpus in {str(folder)!r}, for test; write it by `lit-research "
            "predict` with the same config"
        )
    corpus = data.documents["train"]
    encoder = make_encoder(data.hparams["encoder"]) if data.hparams["encoder"] else Tfidf()
    encoder.fit(corpus["text"])
    judge = _judge(data)
    kept = [dict(row) for row in load_rows(folder)]
    file = folder.with_name(f"{folder.name}.rejected.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    refused = [row for row in map(json.loads, lines) if row["text"] is not None]
    texts = {row["id"]: row["text"] for row in corpus} if data.hparams["conditional"] else {}
    quality = Quality()
    for column, rows in ((KEPT, kept), (WRITTEN, [*kept, *refused])):
        pairs = [Pair(row["text"], texts.get(row["source_id"])) for row in _sample(data, rows)]
        quality.add(column, rates(pairs, data.tokenizer, encoder=encoder, judge=judge))
    real = [Pair(row["text"]) for row in _sample(data, corpus)]
    quality.add(REAL, rates(real, data.tokenizer, judge=judge))
    surplus = sum(row["finish_reason"].endswith(NOT_NEEDED) for row in refused)
    quality.notes.append(
        f"{len(kept)} texts kept of {len(kept) + len(lines) - surplus}; a synthesizer that ignores "
        "d1 is irrelevant in half of its texts"
    )
    return quality


def load_rows(folder: Path) -> Any:
    """Return the rows of a corpus with all their columns."""
    from datasets import load_from_disk

    return load_from_disk(str(folder))


def _sample(data: SyntheticCorpus, rows: Any) -> list[Mapping[str, Any]]:
    """Return rows in a random order, as many as are measured."""
    random = np.random.default_rng(data.hparams["sampling_seed"])
    order = random.permutation(len(rows))[: data.hparams["quality_texts"]]
    return [rows[int(row)] for row in order]


def _judge(data: SyntheticCorpus) -> Any:
    """Return what knows the facts: the judge of the config, or the source itself, or None."""
    if data.hparams["judge"] is not None:
        return make_object(Judge, data.hparams["judge"])  # type: ignore[type-abstract]
    source: Any = data.hparams["source"]
    if not isinstance(source, (str, DocumentSource)):
        source = make_object(DocumentSource, source)  # type: ignore[type-abstract]
    return source if hasattr(source, "faults") else None
