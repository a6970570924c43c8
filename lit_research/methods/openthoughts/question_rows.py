"""The rows of a recipe: questions, then answers to them, with the same columns at every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lit_research.stages import Rejected, Row, RowStage

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = ("question_id", "question", "answer", "trace", "final", "source", "domain")
"""Columns beside ``id`` and the lineage: the question's identifier and text, its answer key (None
where it is not known), the teacher's reasoning and its final answer (None before), where the
question is from, and what it is about."""

MAX_CHARACTERS = 100_000  # of a question: beyond it, it is not a question but a file


class Questions(RowStage):
    """Makes questions of any rows with a question: the columns of a recipe, and no others.

    Malformed rows are rejected with the reason.

    Args:
        source: name of the source; None: the column ``source``, else this step's.
        domain: as there.
        keep: further columns that go on, such as test cases; each must hold text.
    """

    def __init__(
        self,
        source: str | None = None,
        domain: str | None = None,
        keep: Iterable[str] = (),
    ) -> None:
        self._source, self._domain, self._keep = source, domain, tuple(keep)

    def card(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"source": self._source, "domain": self._domain, "keep": list(self._keep)}

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the columns of a recipe."""
        import pyarrow as pa

        return dict.fromkeys((*TEXTS, *self._keep), pa.string())

    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield each question, or why it is none."""
        for row in rows:
            reason, detail = _wrong(row.get("question"))
            if reason:
                yield Rejected(row, reason, detail)
                continue
            given = {
                "question_id": str(row.get("question_id") or row["id"]),
                "source": self._source or row.get("source") or "unknown",
                "domain": self._domain or row.get("domain") or "unknown",
            }
            texts = {name: row.get(name) for name in (*TEXTS, *self._keep)}
            made = {name: None if text is None else str(text) for name, text in texts.items()}
            yield {**row, **made, **given}


def _wrong(question: Any) -> tuple[str, str]:
    if question is None:
        return "no question", ""
    if not isinstance(question, str):
        return "the question is no text", f"{type(question).__name__}: {question!r:.80}"
    if not question.strip():
        return "the question is empty", ""
    if len(question) > MAX_CHARACTERS:
        return "the question is too long", f"{len(question)} characters"
    return "", ""
