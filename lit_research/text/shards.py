"""Text that is written over hours, in shards that a kill does not lose."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.text.documents import CARD, write_documents

MANIFEST = "pool.json"


class TextShards:
    """A ``datasets`` folder in the making, as shards in ``FOLDER.shards``.

    Shards that are there are left alone. What is in a shard must follow from the card and the
    shard's number: then a folder that was interrupted at any point becomes the same folder.

    Args:
        folder: the folder to be.
        card: what makes its texts.
        what: it is, for messages.
        where: the folder is given, for messages.

    Raises:
        UserError: the shards of other texts are there.
    """

    def __init__(
        self, folder: str | Path, card: dict[str, Any], *, what: str = "Data set", where: str
    ) -> None:
        self.folder, self.card, self.what = Path(folder), card, what
        self.shards = self.folder.with_name(f"{self.folder.name}.shards")
        path = self.shards / MANIFEST
        if path.is_file():
            begun = json.loads(path.read_text())
            other = [key for key, value in card.items() if begun.get(key) != value]
            if other:
                raise UserError(
                    f"a {what.lower()} with another {', '.join(other)} was begun in {self.shards}: "
                    f"give another {where}, or delete that one"
                )
        else:
            write_atomic(path, json.dumps(card, indent=1))

    def _path(self, shard: int) -> Path:
        return self.shards / f"{shard:06d}.json"

    def has(self, shard: int) -> bool:
        """Whether a shard is there already."""
        return self._path(shard).is_file()

    def write(self, shard: int, rows: Sequence[Mapping[str, Any]], tokens: int) -> None:
        """Write a shard whole or not at all.

        Args:
            shard: its number.
            rows: with the columns ``text, id, source_id, kind``.
            tokens: in them.
        """
        write_atomic(self._path(shard), json.dumps({"tokens": tokens, "rows": rows}))

    def finish(self, count: int) -> None:
        """Write the folder from the first ``count`` shards; empty texts are left out.

        A whole one stays as it is: somebody may be reading it.
        """
        from filelock import FileLock

        with FileLock(f"{self.folder}.finish.lock"):
            if self._is_finished():
                rank_zero_info(f"{self.what}: complete already, in {self.folder}")
                return
            self._join(count)

    def _is_finished(self) -> bool:
        path = self.folder / CARD
        card = json.loads(path.read_text()) if path.is_file() else {}
        return all(card.get(key) == value for key, value in self.card.items())

    def _join(self, count: int) -> None:
        from datasets import Dataset

        shards = [json.loads(self._path(n).read_text()) for n in range(count)]
        rows = [row for shard in shards for row in shard["rows"] if row["text"]]
        tokens = sum(shard["tokens"] for shard in shards)
        write_documents(Dataset.from_list(rows), self.folder, {**self.card, "tokens": tokens})
        rank_zero_info(f"{self.what}: {len(rows)} texts, {tokens} tokens, in {self.folder}")
