"""Stages that reject questions which repeat each other, or an evaluation (step 4, appendix F)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lit_research.stages import Reasons, Selection
from lit_research.text import (
    FuzzyDuplicates,
    decontaminate,
    find_exact_duplicates,
    find_fuzzy_duplicates,
    load_evaluation_set,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class ExactDuplicates(Selection):
    """Rejects questions that are equal to an earlier one but for case, space and Unicode form."""

    def card(self) -> dict[str, Any]:
        """Return nothing: there are no arguments."""
        return {}

    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return which questions are duplicates."""
        return _duplicates(find_exact_duplicates(_questions(rows)), "an exact duplicate")


class NearDuplicates(Selection):
    """Rejects questions that are nearly equal to an earlier one, character by character.

    Args:
        threshold: Indel similarity; the paper's 0.95.
        numbers_must_match: questions with other numbers are no duplicates. The published rule has
            no such option, and drops questions that differ in a number alone.
        all_pairs: up to so many questions, all pairs are compared; beyond, candidates by MinHash.
    """

    def __init__(
        self,
        threshold: float = 0.95,
        numbers_must_match: bool = False,
        all_pairs: int = 20_000,
    ) -> None:
        self._options: dict[str, Any] = {
            "threshold": threshold,
            "numbers_must_match": numbers_must_match,
            "all_pairs": all_pairs,
        }

    def card(self) -> dict[str, Any]:
        """Return the arguments."""
        return dict(self._options)

    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return which questions are duplicates."""
        found = find_fuzzy_duplicates(_questions(rows), **self._options)
        return _duplicates(found, "a near-duplicate")


class Decontaminate(Selection):
    """Rejects questions that share a run of tokens with an evaluation item, or are similar to one.

    Args:
        evaluations: files of items, by name of the evaluation.
        tokenizer: of the runs: what ``load_tokenizer`` takes; the paper's is that of
            Qwen2-7B-Instruct. By ``bytes``, a run of 13 is two or three words, which any two texts
            share.
        n: tokens in a run.
        similarity: Indel similarity from which on a question is rejected.
        column: of the files: holds the questions.
    """

    def __init__(
        self,
        evaluations: Mapping[str, str],
        tokenizer: str,
        n: int = 13,
        similarity: float = 0.75,
        column: str = "question",
    ) -> None:
        self._sets = [
            load_evaluation_set(path, name=name, column=column)
            for name, path in evaluations.items()
        ]
        self._options: dict[str, Any] = {"tokenizer": tokenizer, "n": n, "similarity": similarity}

    def card(self) -> dict[str, Any]:
        """Return the arguments, and hashes of the evaluations."""
        from lit_research.storage import content_hash

        hashes = {one.name: content_hash(*map(str, one.texts)) for one in self._sets}
        return {**self._options, "evaluations": hashes}

    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return which questions met an item, and which."""
        found = decontaminate(_questions(rows), self._sets, **self._options)
        reasons: list[str | None] = [None] * len(rows)
        details = [""] * len(rows)
        for leak in found.leaks:
            reasons[leak.row] = f"in {leak.set}"
            details[leak.row] = f"{leak.rule} {leak.value:.3g} with {leak.item_id}"
        for one in found.unreadable:
            reasons[one.row] = "no question"
        return Reasons(reasons, details)


def _questions(rows: pa.Table) -> list[tuple[str, str]]:
    ids, texts = rows["id"].to_pylist(), rows["question"].to_pylist()
    return list(zip(ids, texts, strict=True))


def _duplicates(found: FuzzyDuplicates, reason: str) -> Reasons:
    reasons: list[str | None] = [None] * found.documents
    details = [""] * found.documents
    for one in found.found:
        reasons[one.row] = reason
        details[one.row] = f"of {one.of_id} ({one.similarity:.3f})"
    for bad in found.unreadable:
        reasons[bad.row] = "no question"
    return Reasons(reasons, details)
