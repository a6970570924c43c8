"""``read_rows``: rows of reasoning data, from files or from a class, checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.text.files import row_files
from lit_research.text.rows import read_objects

Row = dict[str, Any]
Source = str | Mapping[str, Any]

_SAVED = ("state.json", "dataset_dict.json")


class RowSource(ABC):
    """Rows and items from a class; subclass it in a file of your own.

    In a config, give ``{class_path: my_file.MySource, init_args: {...}}`` instead of a file.
    """

    @abstractmethod
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the training rows: ``question``, ``trace``, ``final``; also ``id``, if any."""

    def items(self, split: str) -> Sequence[Mapping[str, Any]] | None:
        """Return the items of ``validation`` or ``test``; None where there are none.

        Each has ``question`` and ``answer``; also ``id``, ``difficulty`` and ``domain``, if any.
        """
        return None

    def cost(self) -> float | None:
        """Return the tokens that a teacher wrote for the rows; None where that is not known."""
        return None

    def card(self) -> Mapping[str, Any] | None:
        """Return what is known about how the rows were made, as plain JSON data."""
        return None


def row_source(source: Source) -> RowSource | None:
    """Return the object that a source names by class path; None for files."""
    if isinstance(source, str):
        return None
    return make_object(RowSource, source)  # type: ignore[type-abstract]


def read_rows(source: str | RowSource, columns: Sequence[str], where: str) -> list[Row]:
    """Return rows that have text in the given columns.

    Args:
        source: a ``datasets`` folder, files of rows (JSON lines, JSON, Parquet, CSV, TSV) or a
            folder of them; or a class.
        columns: those that must be text; the first one must not be empty.
        where: names the source in error messages.

    Raises:
        UserError: there are no rows, or one lacks a column or has something else than text in it.
    """
    rows = []
    located = _of_class(source) if isinstance(source, RowSource) else _of_files(source)
    for location, row in located:
        rows.append(_checked(row, columns, location))
    if not rows:
        raise UserError(f"there are no rows, {where}; give rows with {', '.join(columns)}")
    return rows


def _of_class(source: RowSource) -> Iterator[tuple[str, Any]]:
    name = type(source).__name__
    return ((f"row {number} of {name}", row) for number, row in enumerate(source.rows()))


def _of_files(source: str) -> Iterator[tuple[str, Any]]:
    path = Path(source).expanduser()
    if path.is_dir() and any((path / name).is_file() for name in _SAVED):
        from datasets import DatasetDict, load_from_disk

        saved = load_from_disk(str(path))
        if isinstance(saved, DatasetDict):
            raise UserError(
                f"{source!r} has the splits {', '.join(map(str, saved))}; give the folder of one"
            )
        yield from ((f"row {number} of {source}", row) for number, row in enumerate(saved))
        return
    for file in row_files(path):
        yield from ((f"{file}{location}", row) for location, row in read_objects(file))


def _checked(row: Any, columns: Sequence[str], location: str) -> Row:
    if not isinstance(row, Mapping):
        raise UserError(
            f"a row is {type(row).__name__}, in {location}; must be an object with the columns "
            f"{', '.join(columns)}"
        )
    name = f"{row['id']!r}, in {location}" if row.get("id") is not None else f"in {location}"
    for column in columns:
        value = row.get(column)
        if not isinstance(value, str):
            what = "missing" if value is None else f"{value!r:.60}, which is no text"
            hint = "; annotate the rows first" if column in ("trace", "final") else ""
            raise UserError(f"{column} is {what}, of the row {name}; must be text{hint}")
    if not row[columns[0]].strip():
        raise UserError(f"{columns[0]} is empty, of the row {name}; must be text")
    return {**row, "id": str(row.get("id", location))}


def check_items(rows: Sequence[Mapping[str, Any]], where: str) -> list[Row]:
    """Return evaluation items: ``id``, ``question``, ``answer``, ``difficulty`` and ``domain``.

    Raises:
        UserError: there are none, one lacks a question or an answer, its difficulty is no number,
            or two have one id.
    """
    items, known = list[Row](), set[str]()
    for number, row in enumerate(rows):
        item = _checked(row, ("question", "answer"), f"item {number}, {where}")
        difficulty = item.get("difficulty")
        if difficulty is not None and not isinstance(difficulty, (int, float)):
            raise UserError(
                f"difficulty is {difficulty!r}, of the item {item['id']!r}, {where}; must be a "
                "number"
            )
        if not item["answer"].strip():
            raise UserError(f"answer is empty, of the item {item['id']!r}, {where}; must be text")
        if item["id"] in known:
            raise UserError(f"two items have the id {item['id']!r}, {where}; ids must be unique")
        known.add(item["id"])
        columns = ("id", "question", "answer", "difficulty", "domain")
        items.append({column: item.get(column) for column in columns})
    if not items:
        raise UserError(f"there are no items, {where}; give rows with question and answer")
    return items
