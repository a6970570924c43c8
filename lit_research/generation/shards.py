"""The files of a text-writing job: shards that survive interruption, then one folder."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.generation.rows import OWN_COLUMNS, is_rejected
from lit_research.messages import LOGGER, announce
from lit_research.text.documents import CARD, write_documents

if TYPE_CHECKING:
    from datasets import Dataset

MANIFEST = "job.json"
# What the card of a complete folder has in addition.
COUNTED = {"tokens", "finish_reasons", "empty", "rejected", "documents", "bytes", "content_hash"}
COUNTED |= {"measured"}
_BATCH = 1000  # rows read at a time

Review: TypeAlias = "Callable[[Dataset], Sequence[str | None]]"
"""Returns for each row of all shards why it is refused, or None."""


class Shards:
    """The shards of a job in ``FOLDER.shards``, each an Arrow file that is written atomically.

    An existing shard is never overwritten. Its content must be a function of the card and its
    index; a job that was interrupted at any point then ends with the same folder.

    Args:
        folder: the ``datasets`` folder that the job writes.
        card: what determines the texts; plain JSON data.
        what: name of the job, for messages.
        where: the option that ``folder`` comes from, for error messages.

    Raises:
        UserError: the folder has the shards of another job.
    """

    def __init__(
        self, folder: str | Path, card: Mapping[str, Any], *, what: str, where: str
    ) -> None:
        self.folder, self.what, self.where = Path(folder), what, where
        self.card: dict[str, Any] = json.loads(json.dumps(card))
        self.shard_folder = self.folder.with_name(f"{self.folder.name}.shards")
        self._refuse_another_job()
        if not (self.shard_folder / MANIFEST).is_file():
            write_atomic(self.shard_folder / MANIFEST, json.dumps(self.card, indent=1))

    def _refuse_another_job(self) -> None:
        for path in (self.shard_folder / MANIFEST, self.folder / CARD):
            started = _read_card(path)
            keys = dict.fromkeys([*self.card, *(started.keys() - COUNTED)])
            different = [key for key in keys if started.get(key) != self.card.get(key)]
            if started and different:
                raise UserError(
                    f"a {self.what.lower()} with another {', '.join(different)} was started, in "
                    f"{path.parent}; give another {self.where}, or delete that folder"
                )

    @property
    def rejected_file(self) -> Path:
        """The JSON lines file of the rejected rows; it exists if there are any."""
        return self.folder.with_name(f"{self.folder.name}.rejected.jsonl")

    def _path(self, shard: int) -> Path:
        return self.shard_folder / f"{shard:06d}.arrow"

    def has(self, shard: int) -> bool:
        """Return whether a shard is complete."""
        return self._path(shard).is_file()

    def write(self, shard: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write a shard atomically.

        Args:
            shard: its index.
            rows: with the columns ``OWN_COLUMNS``, and the same further ones in every row.
        """
        write_atomic(self._path(shard), _arrow_bytes(rows))

    def is_finished(self) -> bool:
        """Return whether the folder of this job is complete."""
        card = _read_card(self.folder / CARD)
        return all(card.get(key) == value for key, value in self.card.items())

    def rows(self, shards: Iterable[int]) -> Dataset:
        """Return the rows of complete shards, in the order of ``shards``."""
        from datasets import Dataset, concatenate_datasets

        return concatenate_datasets([Dataset.from_file(str(self._path(s))) for s in shards])

    def finish(
        self,
        count: int,
        review: Review | None = None,
        measured: Mapping[str, Any] | None = None,
    ) -> bool:
        """Write the folder unless a shard is missing; return whether the folder is complete.

        Any number of processes may call this after their last shard; the last one to do so writes
        the folder. A complete folder is left alone, since others may be reading it.

        Args:
            count: number of shards of the job.
            review: refuses rows in the light of all others.
            measured: entries of the complete card that do not identify the job.

        Raises:
            UserError: no row has a usable text.
        """
        from filelock import FileLock

        with FileLock(f"{self.folder}.finish.lock"):
            if self.is_finished():
                announce(f"{self.what}: already complete, in {self.folder}")
                return True
            missing = sum(not self.has(shard) for shard in range(count))
            if missing:
                announce(
                    f"{self.what}: {missing} of {count} shards are still missing; other processes "
                    "write them, or the same command run again"
                )
                return False
            self._join(count, review, measured)
            return True

    def _join(self, count: int, review: Review | None, measured: Mapping[str, Any] | None) -> None:
        rows = self.rows(range(count))
        if review is not None:
            rows = _refused(rows, review(rows))
        totals, kept, rejected = _sort_out(rows)
        if not kept:
            raise UserError(
                f"none of {len(rows)} texts is usable ({_main_reason(totals)}), in "
                f"{self.shard_folder}; fix the cause and delete that folder"
            )
        if measured is not None:
            totals["measured"] = dict(measured)
        self.rejected_file.unlink(missing_ok=True)
        if rejected:
            lines = [json.dumps(row, default=str) for row in rows.select(rejected)]
            write_atomic(self.rejected_file, "".join(f"{line}\n" for line in lines))
        write_documents(rows.select(kept), self.folder, {**self.card, **totals})
        tokens = "" if totals["tokens"] is None else f", {totals['tokens']} tokens"
        LOGGER.info(  # from whichever process has come last
            f"{self.what}: {len(kept)} texts{tokens}, in {self.folder}"
            + (f"; {len(rejected)} rejected ({_main_reason(totals)})" if rejected else "")
        )


def _read_card(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _arrow_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa

    # Explicit, so that a shard in which all prompts failed has the same types as the others.
    types: dict[str, pa.DataType] = dict.fromkeys(OWN_COLUMNS, pa.string())
    types |= {"seed": pa.uint64(), "tokens": pa.int64()}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table({name: pa.array(column, types.get(name)) for name, column in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _refused(rows: Dataset, reasons: Sequence[str | None]) -> Dataset:
    """Return the rows with the reasons of a review; one that was rejected before keeps its own."""
    column = [
        f"refused: {reason}" if reason and not is_rejected(old) else old
        for old, reason in zip(rows["finish_reason"], reasons, strict=True)
    ]
    changed = rows.remove_columns("finish_reason").add_column("finish_reason", column)
    return changed.select_columns(rows.column_names)


def _sort_out(rows: Dataset) -> tuple[dict[str, Any], list[int], list[int]]:
    """Return the counts for the card, and the indices of the kept and of the rejected rows."""
    kept: list[int] = []
    rejected: list[int] = []
    finish_reasons, rejections = Counter[str](), Counter[str]()
    tokens: int | None = 0
    index = 0
    for batch in rows.select_columns(["text", "finish_reason", "tokens"]).iter(_BATCH):
        unknown = tokens is None or None in batch["tokens"]
        tokens = None if unknown else tokens + sum(batch["tokens"])
        for text, reason in zip(batch["text"], batch["finish_reason"], strict=True):
            if is_rejected(reason):
                rejected.append(index)
                rejections[_without_numbers(reason)] += 1
            else:
                finish_reasons[reason] += 1
                if text:
                    kept.append(index)
            index += 1
    totals = {
        "tokens": tokens,
        "finish_reasons": dict(sorted(finish_reasons.items())),
        "empty": index - len(kept) - len(rejected),
        "rejected": dict(rejections.most_common()),
    }
    return totals, kept, rejected


def _without_numbers(reason: str) -> str:
    """Return a reason without its numbers, so that similar ones are counted together."""
    return re.sub(r"\d+", "#", reason)[:200]


def _main_reason(totals: Mapping[str, Any]) -> str:
    """Return the most common reason for rejection, or that the texts are empty."""
    for reason, count in totals["rejected"].items():
        return f"{count}x {reason}"
    return f"{totals['empty']}x empty"
