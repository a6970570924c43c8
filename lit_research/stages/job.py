"""A step that is ready to be run, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lit_research.stages.shard_files import ShardFiles
from lit_research.stages.stage import Filter, Selection, Source, Stage

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Outcome:
    """The rows of a complete step.

    Attributes:
        files: of the step.
        card: of the step.
    """

    files: ShardFiles
    card: Mapping[str, Any]

    @property
    def shards(self) -> int:
        """Number of shards."""
        return self.card["shards"]

    @property
    def counts(self) -> Mapping[str, Any]:
        """Rows in, out, and rejected by reason."""
        return self.card["counts"]

    def table(self) -> pa.Table:
        """Return all rows, mapped into memory."""
        import pyarrow as pa

        parts = [self.files.read(shard) for shard in range(self.shards)]
        return pa.concat_tables(parts, promote_options="permissive")

    def rejected(self) -> Iterator[dict[str, Any]]:
        """Yield ``reason, detail, row`` of each rejected row."""
        for shard in range(self.shards):
            yield from self.files.rejected(shard)


@dataclass(frozen=True)
class Job:
    """A step that is ready to be run.

    Attributes:
        name: of the step.
        stage: what is done.
        seed: of the step.
        config: hash of all that its rows depend on.
        files: where its rows are kept.
        inputs: the complete steps whose rows it takes.
    """

    name: str
    stage: Stage
    seed: int
    config: str
    files: ShardFiles
    inputs: tuple[Outcome, ...]

    @property
    def where(self) -> str:
        """The end of messages."""
        return f"in the step {self.name!r} ({self.stage.name})"

    @property
    def is_subset(self) -> bool:
        """Whether its rows are some of its inputs', whatever the stage does."""
        return isinstance(self.stage, (Filter, Selection))

    def shards(self) -> list[tuple[ShardFiles, int]]:
        """Return the input shard of each shard; of a source, shards of its own."""
        if isinstance(self.stage, Source):
            return [(self.files, index) for index in range(self.stage.shard_count())]
        return [(one.files, index) for one in self.inputs for index in range(one.shards)]
