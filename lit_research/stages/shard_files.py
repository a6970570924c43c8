"""The files of one step of a pipeline: its shards of rows, those of rejected rows, and its card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.files import replacing, write_json
from lit_research.stages.stage import Rejected

if TYPE_CHECKING:
    import pyarrow as pa


CARD = "card.json"


class ShardFiles:
    """A folder of Arrow files, each written atomically; a shard is there once its counts are.

    ``NNNNNN.arrow`` holds the rows of a shard, ``NNNNNN.rejected.jsonl`` the rejected ones, if any,
    and ``NNNNNN.json``, written last, how many there are. Files are read as they are used: a table
    of all shards takes little memory.

    Args:
        folder: of the step; its name holds a hash of all that the rows depend on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, shard: int) -> bool:
        """Return whether a shard is complete."""
        return self._path(shard, "json").is_file()

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
            replacing(self._path(shard, "arrow")) as temporary,
            pa.OSFile(str(temporary), "wb") as file,
            pa.ipc.new_file(file, rows.schema) as writer,
        ):
            writer.write_table(rows)
        if rejected:
            with (
                replacing(self._path(shard, "rejected.jsonl")) as temporary,
                temporary.open("w", encoding="utf-8") as lines,
            ):
                for one in rejected:
                    record = {"reason": one.reason, "detail": one.detail, "row": one.row}
                    lines.write(json.dumps(record, default=str) + "\n")
        write_json(self._path(shard, "json"), counts_of(rows, rejected, taken))

    def read(self, shard: int) -> pa.Table:
        """Return the rows of a shard, mapped into memory."""
        import pyarrow as pa

        with pa.memory_map(str(self._path(shard, "arrow"))) as file:
            return pa.ipc.open_file(file).read_all()

    def counts(self, shard: int) -> dict[str, Any]:
        """Return what ``counts_of`` says of a shard."""
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
        """Write the card, which makes the step complete."""
        write_json(self.folder / CARD, card)

    def _path(self, shard: int, suffix: str) -> Path:
        return self.folder / f"{shard:06d}.{suffix}"


def counts_of(rows: pa.Table, rejected: Sequence[Rejected], taken: int) -> dict[str, Any]:
    """Return the numbers of input rows, of rows that go on, and of rejected ones by reason."""
    reasons = Counter(one.reason for one in rejected)
    return {"in": taken, "out": len(rows), "rejected": dict(reasons.most_common())}
