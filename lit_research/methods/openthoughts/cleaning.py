"""Stages that reject questions which repeat each other, or an evaluation (step 4, appendix F)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

_READ = 1024  # rows at once


class _OfQuestions(Selection):
    """Looks at questions alone."""

    def seen(self, rows: pa.Table) -> pa.Table:
        """Return ids and questions."""
        return rows.select(["id", "question"])


class ExactDuplicates(_OfQuestions):
    """Rejects questions that are equal to an earlier one but for case, space and Unicode form."""

    def card(self) -> dict[str, Any]:
        """Return nothing: there are no arguments."""
        return {}

    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return which questions are duplicates."""
        return _duplicates(find_exact_duplicates(_Questions(rows)), "an exact duplicate")


class NearDuplicates(_OfQuestions):
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
        found = find_fuzzy_duplicates(_Questions(rows), **self._options)
        return _duplicates(found, "a near-duplicate")


class Decontaminate(_OfQuestions):
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
        found = decontaminate(_Questions(rows), self._sets, **self._options)
        reasons: list[str | None] = [None] * len(rows)
        details = [""] * len(rows)
        for leak in found.leaks:
            reasons[leak.row] = f"in {leak.set}"
            details[leak.row] = f"{leak.rule} {leak.value:.3g} with {leak.item_id}"
        for one in found.unreadable:
            reasons[one.row] = "no question"
        return Reasons(reasons, details)


class _Questions(Sequence[Any]):
    """Pairs of an id and a question, read from the table as they are asked for."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        for start in range(0, len(self), _READ):
            yield from self[start : start + _READ]

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            part = self._rows[place]
            return list(zip(part["id"].to_pylist(), part["question"].to_pylist(), strict=True))
        return (self._rows["id"][place].as_py(), self._rows["question"][place].as_py())


def _duplicates(found: FuzzyDuplicates, reason: str) -> Reasons:
    reasons: list[str | None] = [None] * found.documents
    details = [""] * found.documents
    for one in found.found:
        reasons[one.row] = reason
        details[one.row] = f"of {one.of_id} ({one.similarity:.3f})"
    for bad in found.unreadable:
        reasons[bad.row] = "no question"
    return Reasons(reasons, details)
