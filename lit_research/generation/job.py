"""``TextJob``: an engine writes texts into a ``datasets`` folder, one shard at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.generation.rows import Prompt, Refuse, is_failure, make_rows, refused_row
from lit_research.generation.shards import Review, Shards
from lit_research.lm.engines import Engine, Sampling
from lit_research.ranges import SHARE, check_range

if TYPE_CHECKING:
    from datasets import Dataset


class TextJob:
    """A ``datasets`` folder that an engine writes one shard at a time; resumable after each shard.

    For a caller with its own loop (Lightning's ``predict``); others call ``write_texts``. The
    content of a shard must be a function of the card and the shard's index.

    The folder has the columns ``text, id, source_id, kind, seed, finish_reason, tokens`` and those
    of the prompts. Rows without a usable text are left out: empty ones are counted in its card;
    failed and refused ones are counted there by reason, and listed in ``FOLDER.rejected.jsonl``.

    Args:
        folder: the ``datasets`` folder; its shards are in ``FOLDER.shards``.
        card: what determines the texts (weights, sampling, prompts); plain JSON data. A folder
            that was started with another card is refused.
        kind: what the texts are, a column of every row.
        what: name of the job, for messages.
        where: the option that ``folder`` comes from, for error messages.
        refuse: returns what is wrong with a text, or None; the card must name it.
        max_failed: maximum share of a shard's rows that the engine may fail to write. Beyond it the
            job stops and the shard is not written, since the server may be down.

    Raises:
        UserError: another job was started in the folder, or ``max_failed`` is not a share.
    """

    def __init__(
        self,
        folder: str | Path,
        card: Mapping[str, Any],
        *,
        kind: str,
        what: str = "Data set",
        where: str = "folder",
        refuse: Refuse | None = None,
        max_failed: float = 0.0,
    ) -> None:
        check_range(SHARE, f"in a {what.lower()}", max_failed=max_failed)
        self._shards = Shards(folder, card, what=what, where=where)
        self.kind, self.what, self.refuse, self.max_failed = kind, what, refuse, max_failed

    def has(self, shard: int) -> bool:
        """Return whether a shard, or the whole folder, is complete."""
        return self._shards.has(shard) or self.is_finished()

    def is_finished(self) -> bool:
        """Return whether the folder is complete."""
        return self._shards.is_finished()

    def write(
        self,
        shard: int,
        engine: Engine,
        prompts: Sequence[Prompt],
        sampling: Sampling,
        *,
        left_out: Sequence[Prompt] = (),
        reason: str = "left out",
    ) -> list[dict[str, Any]]:
        """Generate the texts of a shard and write the shard atomically.

        Args:
            shard: its index.
            engine: generates the texts.
            prompts: of the shard.
            sampling: its seed is one for all prompts of the shard together, or one for each, so
                that a text does not depend on the other prompts.
            left_out: prompts of the shard that the engine is not asked; they are counted as refused
                texts. A shard has a prompt of one or the other kind.
            reason: why they are left out.

        Returns:
            The rows, failures included.

        Raises:
            UserError: the engine failed on more than ``max_failed`` of the rows.
        """
        asked: Any = [prompt.prompt for prompt in prompts]
        completions = engine.generate(asked, **vars(sampling)) if asked else []
        rows = make_rows(
            prompts, completions, kind=self.kind, seeds=sampling.seed, refuse=self.refuse
        )
        self._check_failures(rows)
        rows += [refused_row(prompt, reason, kind=self.kind) for prompt in left_out]
        self._shards.write(shard, rows)
        return rows

    def _check_failures(self, rows: Sequence[Mapping[str, Any]]) -> None:
        failed = [row for row in rows if is_failure(row["finish_reason"])]
        if len(failed) > self.max_failed * len(rows):
            allowed = f", more than max_failed ({self.max_failed:g})" if self.max_failed else ""
            raise UserError(
                f"{len(failed)} of {len(rows)} texts of a shard were not written{allowed} "
                f"({failed[0]['id']!r}: {failed[0]['finish_reason']}), in the {self.what.lower()} "
                f"{self._shards.folder}; fix the cause and run the same command again, which "
                "resumes"
            )

    def rows(self, shards: Iterable[int]) -> Dataset:
        """Return the rows of complete shards, failures included, in the order of ``shards``."""
        return self._shards.rows(shards)

    def finish(
        self,
        count: int,
        *,
        review: Review | None = None,
        measured: Mapping[str, Any] | None = None,
    ) -> bool:
        """Write the folder unless a shard is missing; return whether the folder is complete.

        Args:
            count: number of shards of the job.
            review: takes the rows of all shards and returns for each why it is refused, or None;
                for what no text shows by itself, such as duplicates. The card must name it.
            measured: entry ``measured`` of the complete folder's card: what does not identify the
                job, such as seconds.

        Raises:
            UserError: no row has a usable text.
        """
        return self._shards.finish(count, review, measured)
