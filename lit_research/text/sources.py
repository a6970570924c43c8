"""Documents from a class of the user's own, given by class path where a source is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.storage import content_hash
from lit_research.text.files import check_text

if TYPE_CHECKING:
    from datasets import Dataset

Documents: TypeAlias = "Dataset | Iterable[str | Mapping[str, Any]]"
"""A ``datasets`` Dataset, or texts, or rows that hold a text."""

NAMES = ("train", "validation", "test")


class DocumentSource(ABC):
    """Where documents come from; subclass it in a file of your own.

    In a config, ``source: {class_path: my_file.MySource, init_args: {...}}`` then stands where a
    file or a name on the hub does.
    """

    @abstractmethod
    def splits(self) -> Mapping[str, Documents]:
        """Return the documents of ``train`` and, if there are any, ``validation`` and ``test``.

        Documents are texts, or rows with the text column and, if they have them, ``id``,
        ``source_id`` and ``kind``. They are held in memory; for more than fits there, return a
        ``datasets.Dataset``, which is read from disk. Every process asks, and gets the same.
        """


AnySource: TypeAlias = str | Mapping[str, Any] | DocumentSource
"""What ``load_documents`` reads: a name, ``{class_path: ..., init_args: ...}``, or the object."""


def source_name(source: AnySource) -> str:
    """Return what a message calls a source."""
    if isinstance(source, str):
        return source
    if isinstance(source, DocumentSource):
        return type(source).__name__
    return str(source.get("class_path"))


def own_splits(source: Mapping[str, Any] | DocumentSource, text_column: str) -> dict[str, Dataset]:
    """Return the documents of a source of the user's own, by the names of its splits.

    Raises:
        UserError: the class path leads to no ``DocumentSource``, or it returns no documents.
    """
    if not isinstance(source, DocumentSource):
        source = make_object(DocumentSource, source)  # type: ignore[type-abstract]
    name = type(source).__name__
    splits: Any = source.splits()
    if not isinstance(splits, Mapping) or "train" not in splits or not {*splits} <= {*NAMES}:
        keys = sorted(map(str, splits)) if isinstance(splits, Mapping) else type(splits).__name__
        raise UserError(
            f"splits() returns {keys}; in the source {name}; must be a dict with train, and "
            "perhaps validation and test"
        )
    return {
        split: _as_dataset(documents, f"{name}, split {split}", text_column)
        for split, documents in splits.items()
    }


def _as_dataset(documents: Any, name: str, text_column: str) -> Dataset:
    from datasets import Dataset, Features, Value

    if isinstance(documents, Dataset):
        return documents
    if isinstance(documents, (str, Mapping)) or not isinstance(documents, Iterable):
        raise UserError(
            f"the documents are a {type(documents).__name__}; in the source {name}; must be an "
            "iterable of texts or rows, or a datasets.Dataset"
        )
    rows = [_row(document, name, text_column) for document in documents]
    columns = (text_column, "id", "source_id", "kind")
    features = Features({column: Value("string") for column in columns})
    return Dataset.from_list(rows, features=features)


def _row(document: Any, name: str, text_column: str) -> dict[str, str]:
    """Return a document with all columns that documents have."""
    row = document if isinstance(document, Mapping) else {text_column: document}
    if text_column not in row:
        raise UserError(
            f"a row has no column {text_column!r}; in the source {name}; it has "
            f"{', '.join(map(str, row)) or 'none'}: give text_column, or rows with a text"
        )
    text = row[text_column]
    check_text(text, text_column, f"the source {name}")
    return {
        text_column: text,
        "id": str(row.get("id", content_hash(text))),
        "source_id": str(row.get("source_id", name.partition(",")[0])),
        "kind": str(row.get("kind", "text")),
    }
