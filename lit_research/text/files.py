"""Local files -> rows: JSON, JSON lines, Parquet and plain text, one row at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.text.storage import content_hash

ROW_SUFFIXES = (".jsonl", ".json", ".parquet")
# fmt: off
TEXT_SUFFIXES = (
    ".txt", ".md", ".rst", ".tex", ".html", ".py", ".c", ".h", ".cc", ".cpp", ".go", ".java",
    ".js", ".ts", ".rs", ".lean",
)
# fmt: on


def find_files(path: Path) -> list[Path]:
    """Return the document files at ``path``: itself, or those under it in order of their names.

    A folder that holds rows (JSON, Parquet) is read for these alone, so that a README beside the
    data is no document. Hidden files and folders are skipped.

    Raises:
        UserError: the file's kind is unknown, or the folder holds no document.
    """
    known = ROW_SUFFIXES + TEXT_SUFFIXES
    if path.is_file():
        if path.suffix.lower() in known:
            return [path]
        raise UserError(
            f"cannot read documents from a {path.suffix or 'suffix-less'} file; in {str(path)!r}; "
            f"give one of {' '.join(known)}, a folder of these, or a datasets folder"
        )
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in known
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    rows = [file for file in files if file.suffix.lower() in ROW_SUFFIXES]
    if not files:
        raise UserError(
            f"the corpus is empty: no document found; in folder {str(path)!r}; "
            f"expected files that end in one of {' '.join(known)}"
        )
    return rows or files


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
        kind = path.suffix.lower().lstrip(".")
        if path.suffix.lower() in TEXT_SUFFIXES:
            rows: Iterator[tuple[str, Any]] = iter([("", {text_column: _read_text(path)})])
            identity = relative
        else:
            rows, identity = read_objects(path, kind), None
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
        raise UserError(
            f"there is no text column {column!r}; in {place}; "
            f"the columns are {', '.join(sorted(map(str, row))) or 'none'} (set text_column)"
        )
    if not isinstance(row[column], str):
        raise UserError(
            f"text column {column!r} holds {type(row[column]).__name__}, not a string; "
            f"in {place}; expected text"
        )
    return row[column]


def read_objects(path: Path, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield (place inside the file for a message, row)."""
    if kind == "parquet":
        return _read_parquet(path)
    with path.open("rb") as file:
        is_list = file.read(64).lstrip().startswith(b"[")
    return _read_list(path) if is_list else _read_lines(path)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error


def _read_lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield f", line {number}", json.loads(line)
                except json.JSONDecodeError as error:
                    raise UserError(
                        f"malformed JSON: {error.msg} at column {error.colno}; in {path}, "
                        f"line {number}; expected one JSON object a line"
                    ) from error
                except UnicodeDecodeError as error:
                    raise _not_utf8(path, error) from error


def _read_list(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        rows = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f"malformed JSON: {error.msg} at column {error.colno}; in {path}, line {error.lineno}; "
            "expected a list of objects"
        ) from error
    for number, row in enumerate(rows):
        yield f", row {number}", row


def _read_parquet(path: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                yield f", row {number}", row
                number += 1
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"cannot read Parquet: {str(error).splitlines()[0]}; in {path}; expected a whole file"
        ) from error


def _not_utf8(path: Path, error: UnicodeDecodeError) -> UserError:
    return UserError(
        f"byte {error.start} is not UTF-8 ({error.reason}); in {path}; expected UTF-8 text"
    )
