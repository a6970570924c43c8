"""Files of rows, one row at a time: JSON, JSON lines, CSV, TSV and Parquet, compressed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import zlib
from bz2 import BZ2File
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lit_research.errors import UserError

ROW_KINDS = ("jsonl", "json", "parquet", "csv", "tsv")
# The location of a row inside its file, for messages, and the row.
LocatedRow = tuple[str, Any]

# A cell of a CSV file may be a long text; the default limit is 131,072 characters.
csv.field_size_limit(2**31 - 1)


def _open_zst(path: Path) -> IO[bytes]:
    import pyarrow as pa

    stream: Any = pa.input_stream(str(path), compression="zstd")
    return io.BufferedReader(stream)


OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": BZ2File,
    ".xz": lzma.open,
    ".zst": _open_zst,
}


def kind_of(path: Path) -> str:
    """Return the kind of a file: its suffix without the dot, or without that of its compression.

    ``a.jsonl.gz`` is ``jsonl``; ``a.gz`` is ``txt``.
    """
    suffix = path.suffix.lower()
    if suffix in OPENERS:
        suffix = path.with_suffix("").suffix.lower() or ".txt"
        suffix = "" if suffix == ".parquet" else suffix  # Parquet has its own compression
    return suffix.lstrip(".")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, decompressed.

    Raises:
        UserError: it cannot be read, or its compression is damaged.
    """
    opener = OPENERS.get(path.suffix.lower())
    try:
        with opener(path) if opener else path.open("rb") as file:
            yield file
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:  # damage, from bz2 and Arrow's zstd
            raise _damaged(path, error) from error
        raise UserError(
            f"cannot read the file ({error.strerror}), in {path}; give a file that you may read"
        ) from error


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"cannot decompress ({error}), in {path}; expected a whole {path.suffix} file")


def read_text(path: Path) -> str:
    """Return the whole file as text.

    Raises:
        UserError: it cannot be read or is not UTF-8.
    """
    with opened(path) as file:
        data = file.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(str(path), error) from error


def read_objects(path: Path) -> Iterator[LocatedRow]:
    """Yield (location inside the file, row) of a file whose kind is in ``ROW_KINDS``.

    A JSON file is a list of rows, one row, or lines of rows.

    Raises:
        UserError: the file is malformed, is not UTF-8 or cannot be read.
    """
    kind = kind_of(path)
    if kind == "parquet":
        return _read_parquet(path)
    if kind in ("csv", "tsv"):
        return _read_table(path, "," if kind == "csv" else "\t")
    return _read_json(path) if _is_one_value(path) else _read_lines(path)


def has_column(path: Path, column: str) -> bool | None:
    """Return whether the first row has a column; None if a JSON file holds no rows at all.

    JSON files may also be settings of programs (``package.json``): one object, perhaps with
    comments.

    Raises:
        UserError: as ``read_objects``, except for a JSON file.
    """
    is_json = kind_of(path) == "json"
    try:
        rows = (row for _, row in read_objects(path))
        row: Any = next(rows, {})
        if isinstance(row, dict) and column in row:
            return True
        alone = next(rows, None) is None
    except UserError:
        if is_json:
            return None
        raise
    return None if is_json and (alone or not isinstance(row, dict)) else False


def _is_one_value(path: Path) -> bool:
    """Return whether a JSON file is a single value, rather than lines of objects."""
    with opened(path) as file:
        head = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"["):
        return True
    if kind_of(path) != "json":
        return False
    with opened(path) as file:
        lines = (line for line in file if line.strip())
        try:
            return not isinstance(json.loads(next(lines, b"{}")), dict)
        except ValueError:
            return True


def _read_lines(path: Path) -> Iterator[LocatedRow]:
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield f", line {number}", json.loads(line)
                except json.JSONDecodeError as error:
                    raise UserError(
                        f"malformed JSON ({error.msg} at column {error.colno}), in {path}, "
                        f"line {number}; expected one JSON object a line"
                    ) from error
                except UnicodeDecodeError as error:
                    raise _not_utf8(f"{path}, line {number}", error) from error


def _read_json(path: Path) -> Iterator[LocatedRow]:
    try:
        rows = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f"malformed JSON ({error.msg} at column {error.colno}), in {path}, line {error.lineno}"
            "; expected a list of objects, or one object a line"
        ) from error
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        yield f", row {number}", row


def _read_table(path: Path, delimiter: str) -> Iterator[LocatedRow]:
    """Read CSV or TSV whose first line names the columns."""
    with opened(path) as file:
        rows = csv.DictReader(_decoded(path, file), delimiter=delimiter, strict=True)
        try:
            for row in rows:
                if None in row or None in row.values():
                    raise UserError(
                        f"a row has {'more' if None in row else 'fewer'} cells than the "
                        f"{len(rows.fieldnames or ())} columns, in {path}, line {rows.line_num}; "
                        "quote cells that hold the delimiter or a line break"
                    )
                yield f", line {rows.line_num}", row
        except csv.Error as error:
            raise UserError(
                f"malformed table ({error}), in {path}, line {rows.line_num}; expected cells "
                f"separated by {delimiter!r} under a first line that names the columns"
            ) from error


def _decoded(path: Path, file: IO[bytes]) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(f"{path}, line {number}", error) from error


def _read_parquet(path: Path) -> Iterator[LocatedRow]:
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
            f"cannot read Parquet ({str(error).splitlines()[0]}), in {path}; expected a whole file"
        ) from error


def _not_utf8(location: str, error: UnicodeDecodeError) -> UserError:
    return UserError(
        f"byte {error.start} is not UTF-8 ({error.reason}), in {location}; expected UTF-8 text"
    )
