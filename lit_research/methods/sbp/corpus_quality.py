"""The quality of a synthetic corpus that was written, next to that of R."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.methods.sbp.quality import Judge, Pair, Quality, rates
from lit_research.methods.sbp.selection import NOT_NEEDED
from lit_research.methods.sbp.synthetic_corpus import SyntheticCorpus
from lit_research.text import DocumentSource, Tfidf, make_encoder

KEPT, WRITTEN, REAL = "synthetic", "before filters", "real"
"""Columns of the table: the corpus, all texts that were written for it, and R."""


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
