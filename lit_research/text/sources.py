"""``DocumentSource``: documents from a user's class, given by its class path as a source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.storage import content_hash
from lit_research.text.files import check_text

if TYPE_CHECKING:
    from datasets import Dataset

Documents: TypeAlias = "Dataset | Iterable[str | Mapping[str, Any]]"
"""A ``datasets`` Dataset, or texts, or rows with a text."""

NAMES = ("train", "validation", "test")


class DocumentSource(ABC):
    """A source of documents; subclass it in a file of your own.

    In a config, give ``source: {class_path: my_file.MySource, init_args: {...}}`` instead of a file
    or a name on the hub.
    """

    @abstractmethod
    def splits(self) -> Mapping[str, Documents]:
        """Return the documents of ``train`` and optionally ``validation`` and ``test``.

        Documents are texts, or rows with the text column and optionally ``id``, ``source_id`` and
        ``kind``. They are kept in memory; for larger data return a ``datasets.Dataset``, which is
        read from disk. Every process calls this and must get the same documents.
        """

    def vocabulary(self) -> Sequence[str] | None:
        """Return all words of its documents, for the tokenizer ``words``; None if it is open.

        For worlds that write their own language. Words are what single spaces separate; the id of
        a word is its place, and the end of text comes after the last.
        """
        return None


AnySource: TypeAlias = str | Mapping[str, Any] | DocumentSource
"""What ``load_documents`` reads: a name, ``{class_path: ..., init_args: ...}``, or the object."""


def source_name(source: AnySource) -> str:
    """Return the name of a source for messages."""
    if isinstance(source, str):
        return source
    if isinstance(source, DocumentSource):
        return type(source).__name__
    return str(source.get("class_path"))


def vocabulary_of(source: AnySource) -> Sequence[str]:
    """Return the closed vocabulary of a source.

    Raises:
        UserError: it has none.
    """
    if not isinstance(source, (str, DocumentSource)):
        source = make_object(DocumentSource, source)  # type: ignore[type-abstract]
    words = None if isinstance(source, str) else source.vocabulary()
    if words is None:
        raise UserError(
            f"the tokenizer is 'words', but the source {source_name(source)!r} has no closed "
            "vocabulary; give 'bytes', 'bpe:4096' or a folder, or a source whose vocabulary() "
            "returns its words"
        )
    return words


def own_splits(source: Mapping[str, Any] | DocumentSource, text_column: str) -> dict[str, Dataset]:
    """Return the documents of a user's source, by split.

    Raises:
        UserError: the class path names no ``DocumentSource``, or it returns no documents.
    """
    if not isinstance(source, DocumentSource):
        source = make_object(DocumentSource, source)  # type: ignore[type-abstract]
    name = type(source).__name__
    splits: Any = source.splits()
    if not isinstance(splits, Mapping) or "train" not in splits or not {*splits} <= {*NAMES}:
        keys = sorted(map(str, splits)) if isinstance(splits, Mapping) else type(splits).__name__
        raise UserError(
            f"splits() returns {keys}, in the source {name}; must be a dict with train, and "
            "optionally validation and test"
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
            f"the documents are a {type(documents).__name__}, in the source {name}; must be an "
            "iterable of texts or rows, or a datasets.Dataset"
        )
    rows = [_row(document, name, text_column) for document in documents]
    columns = (text_column, "id", "source_id", "kind")
    features = Features({column: Value("string") for column in columns})
    return Dataset.from_list(rows, features=features)


def _row(document: Any, name: str, text_column: str) -> dict[str, str]:
    """Return a document with all four columns."""
    row = document if isinstance(document, Mapping) else {text_column: document}
    if text_column not in row:
        raise UserError(
            f"a row has no column {text_column!r}, in the source {name}; give "
            f"text_column (it has {', '.join(map(str, row)) or 'none'}), or rows with a text"
        )
    text = row[text_column]
    check_text(text, text_column, f"the source {name}")
    return {
        text_column: text,
        "id": str(row.get("id", content_hash(text))),
        "source_id": str(row.get("source_id", name.partition(",")[0])),
        "kind": str(row.get("kind", "text")),
    }
