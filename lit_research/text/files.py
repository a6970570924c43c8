"""Local files -> documents: which files of a folder are read, and each document of them."""

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
    Placed,
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
# Beside data, these are about the data and no part of them.
_ABOUT = re.compile(r"(readme|licen[cs]e|notice|changelog|contributing|citation)\b", re.IGNORECASE)
SPLIT_NAMES = {
    "train": "train",
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    "test": "test",
}
_SPLIT = re.compile(rf"({'|'.join(SPLIT_NAMES)})(?![a-z])", re.IGNORECASE)
CHAT_COLUMNS = ("messages", "conversations", "conversation")


def find_files(path: Path, text_column: str) -> list[Path]:
    """Return the document files at ``path``: itself, or those under it in order of their names.

    A folder with rows (JSON, Parquet, tables) that have the text column is read for these alone, so
    that a README beside the data is no document. Else it is read for its texts, and rows among
    them (``package.json``, a table of results) are left out, as are empty files. A line says what
    is left out. Hidden files and folders are skipped.

    Raises:
        UserError: the file's kind is unknown, the folder holds no document, or it holds rows alone
            and none has the text column.
    """
    if path.is_file():
        if kind_of(path) in ROW_KINDS + TEXT_KINDS:
            return [path]
        raise UserError(
            f"cannot read documents from a {path.suffix or 'suffix-less'} file; in {str(path)!r}; "
            f"give one of {KNOWN}, a folder of these, or a datasets folder"
        )
    found = _files_under(path, ROW_KINDS + TEXT_KINDS)
    files = [file for file in found if file.stat().st_size > 0]
    _say_left_out(path, [file for file in found if file.stat().st_size == 0], "empty")
    rows = [file for file in files if kind_of(file) in ROW_KINDS]
    texts = [file for file in files if kind_of(file) in TEXT_KINDS]
    documents = [file for file in texts if not _ABOUT.match(file.name)]
    has_text = {file: has_column(file, text_column) for file in rows}
    settings = [file for file in rows if has_text[file] is None]
    rows = [file for file in rows if has_text[file] is not None]
    if rows and (not documents or any(has_text[file] for file in rows)):
        _say_left_out(path, settings, "no rows")
        _say_left_out(path, documents, "texts beside rows")
        return rows
    _say_left_out(path, [*settings, *rows], f"rows without the column {text_column!r}")
    if texts:
        return texts
    what = f"{len(found)} files that hold none" if found else "no file"
    raise UserError(
        f"the corpus is empty: no document found, {what}; in folder {str(path)!r}; "
        f"expected files that end in one of {KNOWN}"
    )


def row_files(path: Path) -> list[Path]:
    """Return the files of rows at ``path``: itself, or those under it in order of their names.

    Raises:
        UserError: there is none.
    """
    files = [path] if path.is_file() and kind_of(path) in ROW_KINDS else []
    files = _files_under(path, ROW_KINDS) if path.is_dir() else files
    if not files:
        raise UserError(
            f"there are no rows; in {str(path)!r}; give files that end in one of "
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


def _say_left_out(folder: Path, files: list[Path], why: str) -> None:
    if files:
        some = ", ".join(file.relative_to(folder).as_posix() for file in files[:3])
        more = ", ..." if len(files) > 3 else ""
        rank_zero_info(f"Left out of {folder}, {why}: {len(files)} files ({some}{more}).")


def files_by_split(path: Path, files: list[Path]) -> dict[str, list[Path]]:
    """Return the files of each split that a folder has by itself: train and at least one other.

    A file's split is the name of the folder under ``path`` that it lies in, or how its own name
    begins (``train-00000-of-00002.parquet``, ``valid.txt``), code excepted. Where some file is of
    no split, or train is not among them, there is one, ``train``, with all.
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

    A text file is one document whose id is its path under ``root``; a row is a document whose id
    is its ``id`` column, else a hash of its text (which stays the same when rows are added).
    Documents without a character are skipped.

    Raises:
        UserError: a row without text, a malformed line, a file that is not UTF-8.
    """
    for name in files:
        path = Path(name)
        relative = path.relative_to(root).as_posix() if name != root else path.name
        kind = kind_of(path)
        if kind in TEXT_KINDS:
            rows: Iterator[Placed] = iter([("", {text_column: read_text(path)})])
            identity = relative
        else:
            rows, identity = read_objects(path), None
        for place, row in rows:
            text = _text(row, text_column, f"{name}{place}")
            if text:
                yield {
                    "text": text,
                    "id": str(row.get("id") or identity or content_hash(text)),
                    "source_id": str(row.get("source_id") or relative),
                    "kind": str(row.get("kind") or kind),
                }


def _text(row: Any, column: str, place: str) -> str:
    """Return the row's text, or say why it has none."""
    if not isinstance(row, dict):
        raise UserError(
            f"a row is {type(row).__name__}, not an object; in {place}; "
            f'expected {{"{column}": "..."}}'
        )
    if column not in row:
        raise no_column(column, row, place)
    check_text(row[column], column, place)
    return row[column]


def no_column(column: str, columns: Any, place: str) -> UserError:
    """Return the error of rows without the text column, with the columns that they have."""
    names = sorted(map(str, columns))
    hint = "set text_column"
    if chat := [name for name in CHAT_COLUMNS if name in names]:
        hint = f"{_chat_hint(chat[0])}, or set text_column"
    return UserError(
        f"there is no text column {column!r}; in {place}; "
        f"the columns are {', '.join(names) or 'none'} ({hint})"
    )


def _chat_hint(column: str) -> str:
    return (
        f"{column} holds chats: write each as one text first, for example with "
        f"tokenizer.apply_chat_template(row[{column!r}], tokenize=False)"
    )


def check_text(value: Any, column: str, place: str) -> None:
    """Raise a ``UserError`` unless ``value`` is a text that can be written down.

    A lone surrogate (half a character, which JSON can hold) cannot.
    """
    if not isinstance(value, str):
        hint = "expected text"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            hint = _chat_hint(column)
        raise UserError(
            f"text column {column!r} holds {type(value).__name__}, not a string; in {place}; {hint}"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"the text holds half a character, the lone surrogate {value[error.start]!a} at "
            f"position {error.start}; in {place}; remove it or write the whole pair"
        ) from error
