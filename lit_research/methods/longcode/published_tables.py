"""LongSWE-Bench's tables, and what a row of SWE-bench must have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.methods.longcode.published_files import ReleaseFiles

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER, SPLIT = "LongSWE_Bench", "test"
INSTANCE_COLUMNS = (
    "instance_id",
    "repo",
    "base_commit",
    "problem_statement",
    "patch",
    "FAIL_TO_PASS",
    "PASS_TO_PASS",
)
"""Columns that an instance of SWE-bench must have."""


def names_of_tests(value: Any, column: str) -> tuple[str, ...]:
    """Return the names of tests in a column, which is a list or JSON text of one.

    Raises:
        UserError: it is neither.
    """
    try:
        names = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{column} is {str(value)[:80]!r}; must be a list of tests, or JSON of one")
    return tuple(names)


def check_instance(row: Any) -> None:
    """Refuse a row that is no instance of SWE-bench.

    Raises:
        UserError: a column is missing or of another type.
    """
    for name in INSTANCE_COLUMNS:
        value = row.get(name) if isinstance(row, Mapping) else None
        if not isinstance(value, str | list if name.endswith("TO_PASS") else str):
            raise UserError(f"there is no {name!r}; must have {', '.join(INSTANCE_COLUMNS)}")


def arrow_files(release: ReleaseFiles, bucket: str) -> list[str]:
    """Return the tables of a bucket: ``LongSWE_Bench/32K/test/*.arrow``."""
    wanted = {(FOLDER, bucket, SPLIT), (bucket, SPLIT)}
    found = [
        name
        for name in release.names
        if name.endswith(".arrow")
        and (PurePosixPath(name).parts[:-1] in wanted or PurePosixPath(name).parts[-4:-1] in wanted)
    ]
    if not found:
        raise UserError(
            f"the bucket {bucket} is missing in {str(release.path)!r}, which has "
            f"{', '.join(release.names[:6]) or 'nothing'}; must hold {FOLDER}/{bucket}/{SPLIT}/"
            "*.arrow, or leave the bucket out of buckets"
        )
    return sorted(found)


def read_tables(release: ReleaseFiles, names: Sequence[str]) -> pa.Table:
    """Return the rows of tables of Arrow, one below the other.

    Raises:
        UserError: a file is no table, or their columns differ.
    """
    import pyarrow as pa

    tables = []
    for name in names:
        try:
            table = pa.ipc.open_stream(pa.BufferReader(release.read(name))).read_all()
            table.validate(full=True)  # what a damaged file says may lie outside of its buffers
        except (pa.ArrowException, OSError) as error:
            raise UserError(
                f"{name!r} of {str(release.path)!r} is no table of Arrow: {error}; "
                "download it again"
            ) from error
        tables.append(table)
    try:
        return pa.concat_tables(tables)
    except pa.ArrowException as error:
        raise UserError(
            f"the tables of {names[0]!r} differ in their columns, in {str(release.path)!r}; "
            "download it again"
        ) from error


def features_of(table: pa.Table) -> dict[str, Any]:
    """Return the types of a table's columns, as plain data that ``datasets`` reads.

    Those that the file's own metadata names are not asked: they may be of anything.
    """
    from datasets import Features

    return dict(Features.from_arrow_schema(table.schema.remove_metadata()).to_dict())
