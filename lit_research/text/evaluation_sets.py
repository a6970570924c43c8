"""``EvaluationSet``: the items that no training row may repeat, read from files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.text.corpora import is_saved, load_saved
from lit_research.text.files import check_text, no_column, row_files
from lit_research.text.normalisation import Normalisation
from lit_research.text.rows import read_objects


@dataclass(frozen=True)
class EvaluationSet:
    """Items of an evaluation, by which models are not to have been trained.

    Args:
        name: for reports.
        texts: of the items, in order.
        ids: of the items; None: their places.

    Raises:
        UserError: the name is empty, or ids and texts differ in number.
    """

    name: str
    texts: tuple[str, ...]
    ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise UserError("an evaluation set has no name; give one")
        if self.ids is not None and len(self.ids) != len(self.texts):
            raise UserError(
                f"there are {len(self.ids)} ids for {len(self.texts)} texts, in the evaluation set "
                f"{self.name!r}; must be one for each"
            )

    def id(self, item: int) -> str:
        """Return the identifier of an item."""
        return str(item) if self.ids is None else self.ids[item]

    def normalised(self, normalisation: Normalisation) -> list[str]:
        """Return the normalised texts; some can be empty.

        Raises:
            UserError: all are.
        """
        texts = [normalisation(text) for text in self.texts]
        if not any(texts):
            raise UserError(
                f"the evaluation set {self.name!r} is empty ({len(texts)} items, none with text "
                "after normalisation); give the file and the column of its questions"
            )
        return texts


def load_evaluation_set(
    path: str | Path, *, column: str = "question", name: str | None = None
) -> EvaluationSet:
    """Read an evaluation set: all its rows, of all its splits.

    Args:
        path: a folder that ``save_to_disk`` wrote, a file of JSON lines, JSON, Parquet, CSV or TSV,
            compressed or not, or a folder of such files.
        column: holds the texts. Identifiers are in the column ``id``; without it, or without a
            value there, they are the places of the rows.
        name: None is that of the file or folder, without its suffixes.

    Raises:
        UserError: it cannot be read, or a row has no text.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise UserError(f"there is no evaluation set, at {str(path)!r}; must be a file or a folder")
    texts: list[str] = []
    ids: list[str] = []
    for location, row in _rows(path):
        if not isinstance(row, dict) or column not in row:
            raise no_column(column, row if isinstance(row, dict) else (), location)
        check_text(row[column], column, location)
        ids.append(str(len(texts)) if row.get("id") is None else str(row["id"]))
        texts.append(row[column])
    return EvaluationSet(name or path.name.partition(".")[0], tuple(texts), tuple(ids))


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the location of each row, for messages, and the row."""
    if is_saved(path):
        saved = load_saved(path, whole=True)
        for split, rows in saved.items() if isinstance(saved, dict) else [("", saved)]:
            for number, row in enumerate(rows):
                yield f"{path}{split and f', split {split}'}, row {number}", row
        return
    for file in row_files(path):
        for location, row in read_objects(file):
            yield f"{file}{location}", row
