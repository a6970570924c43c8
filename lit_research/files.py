"""Atomic file writes: written under a temporary name, made durable, then renamed.

A reader, or a run that is killed at any point, sees the old file or the complete new one.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def replacing(path: Path, *, only_writer: bool = False, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path in the folder of ``path``; what is written there replaces ``path``.

    After an error the temporary file is removed and ``path`` is as it was. A temporary file may
    be a symbolic link.

    Args:
        path: the file; missing parent folders are created.
        only_writer: no other process or thread writes this file at the same time, so that what a
            killed process left behind, a large file say, can be overwritten.
        durable: wait until the file is on the disk. False outlives a killed process, but not a
            power cut, after which the file may hold anything: call ``sync_all`` before it counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path, only_writer)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        if durable:
            sync(temporary)
        os.replace(temporary, path)
        if durable:
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path, *, only_writer: bool = False) -> Iterator[Path]:
    """Give an empty folder next to ``folder``; filled, it replaces ``folder`` and all in it.

    After an error it is removed and ``folder`` is as it was.

    Args:
        folder: the folder; missing parent folders are created.
        only_writer: as in ``replacing``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(folder, only_writer)
    old = temporary.with_name(f"{temporary.name}.old")
    for path in (temporary, old):
        shutil.rmtree(path, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.rglob("*"):
            sync(path)
        sync(temporary)
        _put_in_place(temporary, folder, old)
        sync(folder.parent)
    finally:
        for path in (temporary, old):
            shutil.rmtree(path, ignore_errors=True)


def _temporary(path: Path, only_writer: bool) -> Path:
    return path.with_name(f".{path.name}{'' if only_writer else '.' + secrets.token_hex(4)}.tmp")


def _put_in_place(new: Path, folder: Path, old: Path) -> None:
    """Rename ``new`` to ``folder``; no system call replaces a folder that is not empty."""
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except OSError:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        raise


def write_atomic(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write text, as UTF-8, or bytes to ``path``; ``durable`` as in ``replacing``."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, value: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write ``value`` for a reader: two spaces, keys in the order given."""
    write_atomic(path, json.dumps(value, indent=2) + "\n", durable=durable)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet."""
    from pyarrow import parquet

    with replacing(path) as temporary:
        parquet.write_table(table, temporary)


def append_line(file: Path, line: str) -> None:
    """Append a line in one durable write, so that runs side by side never mix theirs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    is_new = not file.exists()
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (line + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync(file.parent)


def sync_all(folder: Path) -> None:
    """Make all files in a folder durable, together: a disk takes many at once in the same time."""
    with ThreadPoolExecutor(16) as threads:
        for _ in threads.map(sync, folder.iterdir()):
            pass
    sync(folder)


def sync(path: Path) -> None:
    """Make what is written to a file or a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
