"""Where rows come from: files, names on the hub, the complete steps of other pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.ranges import COUNT, check_range
from lit_research.stages.stage import Source
from lit_research.storage import content_hash

if TYPE_CHECKING:
    import pyarrow as pa


class Rows(Source):
    """Rows that are given: a list of dictionaries, or a table.

    Args:
        rows: with the same columns each, a string ``id`` among them.
        name: of the data, for cards.
        rows_per_shard: in each shard but the last.

    Raises:
        UserError: there are no rows, or they have no ``id``.
    """

    def __init__(self, rows: Any, *, name: str = "rows", rows_per_shard: int = 1024) -> None:
        import pyarrow as pa

        check_range(COUNT, f"in the source {name!r}", rows_per_shard=rows_per_shard)
        self._table = rows if isinstance(rows, pa.Table) else _table(list(rows))
        if not len(self._table):
            raise UserError(f"there are no rows, in the source {name!r}; give at least one")
        if "id" not in self._table.column_names:
            raise UserError(
                f"rows have no 'id', in the source {name!r}; they have "
                f"{', '.join(self._table.column_names)}"
            )
        self._name, self._size = name, rows_per_shard

    @cached_property
    def _hash(self) -> str:
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._table.schema) as writer:
            writer.write_table(self._table.combine_chunks())
        return content_hash(bytes(memoryview(sink.getvalue())))

    def card(self) -> dict[str, Any]:
        """Return the name and a hash of the content."""
        return {"name": self._name, "rows_per_shard": self._size, "content": self._hash}

    def shard_count(self) -> int:
        """Return the number of shards."""
        return -(-len(self._table) // self._size)

    def shard(self, index: int, seed: int) -> pa.Table:
        """Return the rows of a shard."""
        return self._table.slice(index * self._size, self._size)


class Files(Source):
    """Rows of JSON lines, JSON, Parquet, CSV or TSV files, compressed or not; each file a shard.

    A row without an ``id`` gets one: a hash of the file's name and its place.

    Args:
        paths: of files, or one of them; a folder stands for the row files in it, sorted by name.
        columns: new names of columns, by the names in the file; others keep theirs.
        limit: rows read at most of each file; None: all.

    Raises:
        UserError: there is no such file.
    """

    def __init__(
        self,
        paths: str | list[str],
        *,
        columns: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> None:
        from lit_research.text.rows import ROW_KINDS, kind_of

        check_range(COUNT, "in a source of files", limit=limit)
        self._files: list[Path] = []
        for given in [paths] if isinstance(paths, str) else paths:
            path = Path(given).expanduser()
            found = [path] if path.is_file() else sorted(path.glob("*"))
            found = [file for file in found if kind_of(file) in ROW_KINDS and file.is_file()]
            if not found:
                raise UserError(
                    f"there are no rows at {given!r}; give a file, or a folder of files, of "
                    f"{', '.join(ROW_KINDS)}"
                )
            self._files += found
        self._columns, self._limit = dict(columns or {}), limit

    def card(self) -> dict[str, Any]:
        """Return the names of the files, and hashes of their content."""
        files = {str(number): file for number, file in enumerate(self._files)}
        hashes = [[file.name, content_hash(file.read_bytes())] for file in files.values()]
        return {"files": hashes, "columns": self._columns, "limit": self._limit}

    def shard_count(self) -> int:
        """Return the number of files."""
        return len(self._files)

    def shard(self, index: int, seed: int) -> pa.Table:
        """Return the rows of a file."""
        from lit_research.text.rows import read_objects

        file, rows = self._files[index], []
        for place, (where, row) in enumerate(read_objects(file)):
            if place == self._limit:
                break
            if not isinstance(row, Mapping):
                raise UserError(f"{where} of {file} is {row!r:.60}; must be a row with columns")
            named = {str(self._columns.get(name, name)): value for name, value in row.items()}
            given = named.get("id")
            named["id"] = content_hash(file.name, str(place))[:16] if given is None else str(given)
            rows.append(named)
        return _table(rows)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as a table with the columns of all of them; pyarrow takes those of the first."""
    import pyarrow as pa

    columns = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in columns})
