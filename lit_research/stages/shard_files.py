"""The files of one step of a pipeline: its shards of rows, those of rejected rows, and its card."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.files import replacing, sync_all, write_json
from lit_research.stages.stage import Rejected

if TYPE_CHECKING:
    import pyarrow as pa


CARD = "card.json"
_KINDS = ("arrow", "rejected.jsonl")
_READ = 1 << 20  # bytes at once


class ShardFiles:
    """A folder of Arrow files, each written atomically; a shard is there once its counts are.

    ``NNNNNN.arrow`` holds the rows of a shard, ``NNNNNN.rejected.jsonl`` the rejected ones, if any,
    and ``NNNNNN.json``, written last, how many there are, and checksums. A finished shard outlives
    a killed process at once. All are on the disk when the card is: to wait for each would take
    longer than most stages do. So after a power cut the files of an incomplete step may hold
    anything, and the checksums tell. Files are read as they are used: a table of all shards takes
    little memory.

    Args:
        folder: of the step; its name holds a hash of all that the rows depend on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, shard: int) -> bool:
        """Return whether a shard is complete, and as it was written."""
        try:
            return self.counts(shard)["crc32"] == self._checksums(shard)
        except (OSError, ValueError, KeyError):  # not there, or half a file
            return False

    def write(self, shard: int, rows: pa.Table, rejected: Sequence[Rejected], taken: int) -> None:
        """Write a shard.

        Args:
            shard: its index.
            rows: that go on.
            rejected: that do not.
            taken: number of input rows.
        """
        import pyarrow as pa

        with (
            replacing(self._path(shard, "arrow"), durable=False) as temporary,
            pa.OSFile(str(temporary), "wb") as file,
            pa.ipc.new_file(file, rows.schema) as writer,
        ):
            writer.write_table(rows)
        self._path(shard, "rejected.jsonl").unlink(missing_ok=True)  # of a run that was killed
        if rejected:
            with (
                replacing(self._path(shard, "rejected.jsonl"), durable=False) as temporary,
                temporary.open("w", encoding="utf-8") as lines,
            ):
                for one in rejected:
                    record = {"reason": one.reason, "detail": one.detail, "row": one.row}
                    lines.write(json.dumps(record, default=str) + "\n")
        counts = {**counts_of(rows, rejected, taken), "crc32": self._checksums(shard)}
        write_json(self._path(shard, "json"), counts, durable=False)

    def read(self, shard: int) -> pa.Table:
        """Return the rows of a shard, mapped into memory."""
        import pyarrow as pa

        with pa.memory_map(str(self._path(shard, "arrow"))) as file:
            return pa.ipc.open_file(file).read_all()

    def counts(self, shard: int) -> dict[str, Any]:
        """Return what ``counts_of`` says of a shard, and ``crc32`` of its files by their kind."""
        return json.loads(self._path(shard, "json").read_text(encoding="utf-8"))

    def rejected(self, shard: int) -> Iterator[dict[str, Any]]:
        """Yield ``reason, detail, row`` of each rejected row of a shard."""
        path = self._path(shard, "rejected.jsonl")
        if path.is_file():
            with path.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)

    def read_card(self) -> dict[str, Any] | None:
        """Return the card of the complete step; None if it is not complete."""
        path = self.folder / CARD
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def write_card(self, card: dict[str, Any]) -> None:
        """Write the card, which makes the step complete; before it, all else is on the disk."""
        sync_all(self.folder)
        write_json(self.folder / CARD, card)

    def _checksums(self, shard: int) -> dict[str, int]:
        paths = {kind: self._path(shard, kind) for kind in _KINDS}
        return {kind: _crc32(path) for kind, path in paths.items() if path.is_file()}

    def _path(self, shard: int, suffix: str) -> Path:
        return self.folder / f"{shard:06d}.{suffix}"


def _crc32(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while part := file.read(_READ):
            found = zlib.crc32(part, found)
    return found


def counts_of(rows: pa.Table, rejected: Sequence[Rejected], taken: int) -> dict[str, Any]:
    """Return the numbers of input rows, of rows that go on, and of rejected ones by reason."""
    reasons = Counter(one.reason for one in rejected)
    return {"in": taken, "out": len(rows), "rejected": dict(reasons.most_common())}
