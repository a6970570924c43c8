"""Documents out to datatrove and back, for corpora that one machine cannot hold.

Shards are the JSONL or Parquet files that datatrove's own readers and writers use, with the columns
``text, id, source_id, kind``: what is not text or id is metadata there. ``load_documents`` reads
what comes back. datatrove is imported where it is used.
"""

from __future__ import annotations

import gzip
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from lit_research.errors import UserError
from lit_research.files import replacing
from lit_research.ranges import Range, check_range
from lit_research.storage import writing
from lit_research.text.documents import COLUMNS

if TYPE_CHECKING:
    from datasets import Dataset

ShardKind = Literal["jsonl", "parquet"]
_SUFFIXES = {"jsonl": ".jsonl.gz", "parquet": ".parquet"}


def write_shards(
    documents: Dataset, folder: str | Path, shards: int, kind: ShardKind = "jsonl"
) -> list[Path]:
    """Write documents as shards that datatrove reads, each atomically; return their files.

    Args:
        documents: with the columns ``text, id, source_id, kind``.
        folder: may hold shards of an earlier, interrupted call, which are replaced.
        shards: number of files, each a run of consecutive documents; at most that of documents.
        kind: ``jsonl`` (compressed by gzip) or ``parquet``.

    Raises:
        UserError: a column is missing, another kind, too many shards, or other files in the folder.
    """
    folder = Path(folder).expanduser()
    _check_kind(kind, "in write_shards")
    if missing := [column for column in COLUMNS if column not in documents.column_names]:
        raise UserError(
            f"there is no column {missing[0]!r}, in the documents for {str(folder)!r}; documents "
            f"have the columns {', '.join(COLUMNS)}"
        )
    allowed = Range(at_least=1, at_most=len(documents))
    check_range(allowed, f"in write_shards of {len(documents)} documents", shards=shards)
    files = [folder / f"{number:05d}{_SUFFIXES[kind]}" for number in range(shards)]
    present = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    if others := sorted(present - {file.name for file in files}):
        raise UserError(
            f"the folder {str(folder)!r} holds other files ({others[0]}), for {shards} shards; "
            "give a new folder"
        )
    chosen = documents.select_columns(list(COLUMNS))
    for number, file in enumerate(files):
        part = chosen.shard(shards, number, contiguous=True)
        with writing(folder), replacing(file, only_writer=True) as temporary:
            _write(part, temporary, kind)
    return files


def datatrove_reader(folder: str | Path, kind: ShardKind = "jsonl", **options: Any) -> Any:
    """Return datatrove's reader of the shards of ``write_shards``, the first step of a pipeline.

    Args:
        folder: of the shards.
        kind: as in ``write_shards``.
        **options: of ``JsonlReader`` or ``ParquetReader``.

    Raises:
        UserError: another kind, or datatrove is not installed.
    """
    _check_kind(kind, "in datatrove_reader")
    name = {"jsonl": "JsonlReader", "parquet": "ParquetReader"}[kind]
    return _step("readers", name, folder, {"glob_pattern": f"*{_SUFFIXES[kind]}", **options})


def datatrove_writer(folder: str | Path, kind: ShardKind = "jsonl", **options: Any) -> Any:
    """Return datatrove's writer of shards that ``load_documents`` reads, with their columns.

    Metadata of other names is written too, and ``load_documents`` ignores it.

    Args:
        folder: of the shards.
        kind: as in ``write_shards``.
        **options: of ``JsonlWriter`` or ``ParquetWriter``.

    Raises:
        UserError: another kind, or datatrove is not installed.
    """
    _check_kind(kind, "in datatrove_writer")
    name = {"jsonl": "JsonlWriter", "parquet": "ParquetWriter"}[kind]
    return _step("writers", name, folder, {"expand_metadata": True, **options})


def _write(documents: Dataset, file: Path, kind: ShardKind) -> None:
    if kind == "parquet":
        documents.to_parquet(str(file))
        return
    # Without a name and a time in the header: equal documents, equal bytes.
    with file.open("wb") as opened, gzip.GzipFile("", "wb", fileobj=opened, mtime=0) as lines:
        for row in documents:
            lines.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


def _check_kind(kind: str, where: str) -> None:
    if kind not in get_args(ShardKind):
        raise UserError(f"kind is {kind!r}, {where}; must be jsonl or parquet")


def _step(part: str, name: str, folder: str | Path, options: dict[str, Any]) -> Any:
    """Return a step of datatrove, which may ask for a package itself."""
    try:
        module = importlib.import_module(f"datatrove.pipeline.{part}")
        return getattr(module, name)(str(folder), **options)
    except ImportError as error:
        raise UserError(
            f"datatrove cannot be used ({error}), for its {name}; "
            "pip install 'lit_research[datatrove]'"
        ) from error
