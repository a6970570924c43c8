"""Read documents from local files: which files of a folder to read, and their documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.storage import content_hash
from lit_research.text.rows import (
    OPENERS,
    ROW_KINDS,
    LocatedRow,
    has_column,
    kind_of,
    read_objects,
    read_text,
)

# fmt: off
TEXT_KINDS = (
    "txt", "md", "rst", "tex", "html", "py", "c", "h", "cc", "cpp", "go", "java", "js", "ts", "rs",
    "lean",
)
# fmt: on
KNOWN = (
    f"{' '.join(f'.{kind}' for kind in ROW_KINDS + TEXT_KINDS)}, perhaps with {' '.join(OPENERS)}"
)
# Next to data files, these describe the data and are not part of it.
_ABOUT = re.compile(r"(readme|licen[cs]e|notice|changelog|contributing|citation)\b", re.IGNORECASE)
SPLIT_NAMES = {
    "train": "train",
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    "test": "test",
}
_SPLIT = re.compile(rf"({'|'.join(SPLIT_NAMES)})(?![a-z])", re.IGNORECASE)
CHAT_COLUMNS = ("messages", "conversations", "conversation")


def find_files(path: Path, text_column: str) -> list[Path]:
    """Return the document files at ``path``: the file itself, or those under it, sorted by name.

    If a folder has row files (JSON, Parquet, tables) with the text column, only these are read, so
    that a README next to the data is not a document. Otherwise its text files are read, without row
    files (``package.json``, a table of results) and empty files. Skipped files are logged. Hidden
    files and folders are ignored.

    Raises:
        UserError: the file's kind is unknown, the folder holds no document, or it holds only row
            files and none has the text column.
    """
    if path.is_file():
        if kind_of(path) in ROW_KINDS + TEXT_KINDS:
            return [path]
        raise UserError(
            f"cannot read documents from a {path.suffix or 'suffix-less'} file, in {str(path)!r}; "
            f"give one of {KNOWN}, a folder of these, or a datasets folder"
        )
    known = _files_under(path, ROW_KINDS + TEXT_KINDS)
    files = [file for file in known if file.stat().st_size > 0]
    _log_skipped(path, [file for file in known if file.stat().st_size == 0], "empty")
    rows = [file for file in files if kind_of(file) in ROW_KINDS]
    texts = [file for file in files if kind_of(file) in TEXT_KINDS]
    documents = [file for file in texts if not _ABOUT.match(file.name)]
    has_text = {file: has_column(file, text_column) for file in rows}
    settings = [file for file in rows if has_text[file] is None]
    rows = [file for file in rows if has_text[file] is not None]
    if rows and (not documents or any(has_text[file] for file in rows)):
        _log_skipped(path, settings, "no rows")
        _log_skipped(path, documents, "texts next to rows")
        return rows
    _log_skipped(path, [*settings, *rows], f"rows without the column {text_column!r}")
    if texts:
        return texts
    what = f"{len(known)} files that hold none" if known else "no file"
    raise UserError(
        f"the corpus is empty (no document found, {what}), in folder {str(path)!r}; "
        f"expected files that end in one of {KNOWN}"
    )


def row_files(path: Path) -> list[Path]:
    """Return the row files at ``path``: the file itself, or those under it, sorted by name.

    Raises:
        UserError: there are none.
    """
    files = [path] if path.is_file() and kind_of(path) in ROW_KINDS else []
    files = _files_under(path, ROW_KINDS) if path.is_dir() else files
    if not files:
        raise UserError(
            f"there are no rows, in {str(path)!r}; give files that end in one of "
            f"{' '.join(f'.{kind}' for kind in ROW_KINDS)}, perhaps with {' '.join(OPENERS)}"
        )
    return files


def _files_under(folder: Path, kinds: tuple[str, ...]) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if kind_of(file) in kinds
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _log_skipped(folder: Path, files: list[Path], why: str) -> None:
    if files:
        some = ", ".join(file.relative_to(folder).as_posix() for file in files[:3])
        more = ", ..." if len(files) > 3 else ""
        rank_zero_info(f"Skipped in {folder}, {why}: {len(files)} files ({some}{more}).")


def files_by_split(path: Path, files: list[Path]) -> dict[str, list[Path]]:
    """Return the files of each split of a folder: train and at least one other.

    A file's split is the name of its folder under ``path``, or the prefix of its own name
    (``train-00000-of-00002.parquet``, ``valid.txt``), except for code. If some file has no split,
    or no file is in train, there is one split, ``train``, with all files.
    """
    splits: dict[str, list[Path]] = {}
    for file in files:
        folder, *below = file.relative_to(path).parts if path.is_dir() else (path.name,)
        name = folder
        if below and folder.lower() not in SPLIT_NAMES:
            name = file.name
        match = _SPLIT.match(name)
        by_name = kind_of(file) in (*ROW_KINDS, "txt")
        if match is None or not (by_name or (below and folder.lower() in SPLIT_NAMES)):
            return {"train": files}
        splits.setdefault(SPLIT_NAMES[match[1].lower()], []).append(file)
    return splits if len(splits) > 1 and "train" in splits else {"train": files}


def read_rows(files: list[str], root: str, text_column: str) -> Iterator[dict[str, str]]:
    """Yield ``{text, id, source_id, kind}`` of every document in ``files``.

    A text file is one document; its id is its path under ``root``. A row is a document; its id is
    its ``id`` column, or else a hash of its text (which does not change when rows are added). Empty
    documents are skipped.

    Raises:
        UserError: a row without text, a malformed line, a file that is not UTF-8.
    """
    for name in files:
        path = Path(name)
        relative = path.relative_to(root).as_posix() if name != root else path.name
        kind = kind_of(path)
        if kind in TEXT_KINDS:
            rows: Iterator[LocatedRow] = iter([("", {text_column: read_text(path)})])
            identity = relative
        else:
            rows, identity = read_objects(path), None
        for location, row in rows:
            text = _text(row, text_column, f"{name}{location}")
            if text:
                yield {
                    "text": text,
                    "id": str(row.get("id") or identity or content_hash(text)),
                    "source_id": str(row.get("source_id") or relative),
                    "kind": str(row.get("kind") or kind),
                }


def _text(row: Any, column: str, location: str) -> str:
    """Return the row's text, or raise a ``UserError`` that says why it has none."""
    if not isinstance(row, dict):
        raise UserError(
            f"a row is {type(row).__name__}, not an object, in {location}; "
            f'expected {{"{column}": "..."}}'
        )
    if column not in row:
        raise no_column(column, row, location)
    check_text(row[column], column, location)
    return row[column]


def no_column(column: str, columns: Any, location: str) -> UserError:
    """Return the error for rows without the text column, which lists their columns."""
    names = sorted(map(str, columns))
    hint = "set text_column"
    if chat := [name for name in CHAT_COLUMNS if name in names]:
        hint = f"{_chat_hint(chat[0])}, or set text_column"
    return UserError(
        f"there is no text column {column!r}, in {location}; "
        f"the columns are {', '.join(names) or 'none'} ({hint})"
    )


def _chat_hint(column: str) -> str:
    return (
        f"{column} holds chats: convert each to one text first, for example with "
        f"tokenizer.apply_chat_template(row[{column!r}], tokenize=False)"
    )


def check_text(value: Any, column: str, location: str) -> None:
    """Raise a ``UserError`` unless ``value`` is a text that can be encoded.

    A lone surrogate (half a character, which JSON allows) cannot.
    """
    if not isinstance(value, str):
        hint = "expected text"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            hint = _chat_hint(column)
        raise UserError(
            f"text column {column!r} holds {type(value).__name__}, not a string, in {location}"
            f"; {hint}"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"the text holds half a character (the lone surrogate {value[error.start]!a} at "
            f"position {error.start}), in {location}; remove it or write the whole pair"
        ) from error
