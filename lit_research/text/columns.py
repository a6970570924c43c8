"""One text column of rows in memory or on disk, with the rows' identifiers, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lit_research.errors import UserError
from lit_research.text.files import check_text

if TYPE_CHECKING:
    from datasets import Dataset

DocumentRows: TypeAlias = "Sequence[tuple[str, str]] | Dataset"
"""Pairs of an id and a text, or a ``datasets.Dataset`` with the columns ``id`` and ``text``."""

QuestionRows: TypeAlias = "Sequence[tuple[str, str | None]] | Dataset"
"""The same, where rows may be without a text; a ``Dataset`` may have another text column."""

_READ = 1000  # rows


@dataclass(frozen=True)
class Unreadable:
    """A row without a text.

    Attributes:
        row: its place among all rows.
        id: its identifier.
        reason: what it holds instead.
    """

    row: int
    id: str
    reason: str


class TextColumn:
    """Identifiers and texts of rows.

    Args:
        rows: pairs of an id and a text, or a ``Dataset``.
        where: of the call, for messages.
        column: of a ``Dataset``.

    Raises:
        UserError: rows of another form.
    """

    def __init__(self, rows: QuestionRows, where: str, column: str = "text") -> None:
        self._rows: Any = rows
        self._where, self._column = where, column
        self._columns: list[str] | None = getattr(rows, "column_names", None)
        if not hasattr(rows, "__getitem__") or not hasattr(rows, "__len__"):
            raise UserError(
                f"the documents are a {type(rows).__name__}, in {where}; must be a list of pairs "
                "(id, text) or a datasets.Dataset"
            )
        if self._columns is not None:
            missing = {"id", column} - {*self._columns}
            if missing:
                raise UserError(
                    f"the documents have no column {' or '.join(sorted(missing))}, in {where}; "
                    f"must have id and {column}"
                )
            self.ids: list[str] = list(rows["id"])  # type: ignore[call-overload]
            return
        for number, row in enumerate(rows):
            if not isinstance(row, (tuple, list)) or len(row) != 2:
                raise UserError(
                    f"document {number} is {row!r:.60}, in {where}; must be a pair (id, text)"
                )
        self.ids = [row[0] for row in rows]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def values(self) -> Iterator[Any]:
        """Yield what the column holds, row by row."""
        for start in range(0, len(self), _READ):
            batch = self._rows[start : start + _READ]
            yield from batch[self._column] if self._columns else [text for _, text in batch]

    def texts(self) -> Iterator[str]:
        """Yield the texts.

        Raises:
            UserError: a row has none.
        """
        for value in self.values():
            check_text(value, self._column, self._where)
            yield value

    def text(self, row: int) -> str:
        """Return the text of one row."""
        found = self._rows[row]
        return found[self._column] if self._columns else found[1]

    def readable(self, unreadable: list[Unreadable]) -> Iterator[tuple[int, str]]:
        """Yield each row that has a text, with its place among all rows.

        Args:
            unreadable: the other rows are added here, as they are met.
        """
        for row, value in enumerate(self.values()):
            if reason := _reason(value):
                unreadable.append(Unreadable(row, self.ids[row], reason))
            else:
                yield row, value


def _reason(value: Any) -> str:
    """Return why a value is no text; nothing if it is one."""
    if not isinstance(value, str):
        return f"{type(value).__name__}, not a string"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"half a character, {value[error.start]!a} at position {error.start}"
    return ""
