"""A graph of steps, run shard by shard; what is computed is never computed again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError, nearest
from lit_research.seeds import derive_seed
from lit_research.stages.job import Job, Outcome
from lit_research.stages.reconcile import flow_table
from lit_research.stages.running import run_step
from lit_research.stages.shard_files import ShardFiles
from lit_research.stages.stage import Source, Stage
from lit_research.storage import content_hash

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Step:
    """A stage with its place in the graph.

    Attributes:
        stage: what is done.
        inputs: names of the steps whose rows it takes, in order; None: the step before it. A
            source has none.
    """

    stage: Stage
    inputs: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Result:
    """The rows of a pipeline's last step, and the counts of all steps.

    Attributes:
        outcome: of the last step.
        counts: of each step that it depends on, by its name, in order.
        cards: of each of them.
    """

    outcome: Outcome
    counts: Mapping[str, Mapping[str, Any]]
    cards: Mapping[str, Mapping[str, Any]]

    def dataset(self) -> Dataset:
        """Return the rows, mapped into memory."""
        from datasets import Dataset
        from datasets.table import InMemoryTable

        return Dataset(InMemoryTable(self.outcome.table()))

    def table(self) -> str:
        """Return the counts as Markdown."""
        return flow_table(self.counts)


@dataclass
class Pipeline:
    """Steps by name, in an order in which each comes after its inputs.

    The rows of a step are kept in ``FOLDER/NAME-HASH``; the hash is of the stage's card, the seed
    and the hashes of its inputs. So pipelines that share their first steps share that work, a
    change recomputes what depends on it, and a killed run resumes with the shard that it was at.

    Args:
        steps: stages, or ``Step`` with inputs, by name.
        folder: where the rows of all steps are kept.
        seed: of everything random; the same rows with the same seed, whatever the executor.

    Raises:
        UserError: a step takes rows from one that does not come before it, or from none.
    """

    steps: Mapping[str, Stage | Step]
    folder: str | Path
    seed: int = 0
    hashes: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._inputs: dict[str, tuple[str, ...]] = {}
        self._stages: dict[str, Stage] = {}
        self.hashes = {}
        before: str | None = None
        for name, given in self.steps.items():
            step = given if isinstance(given, Step) else Step(given)
            inputs = _inputs(name, step, before, list(self._stages))
            self._stages[name], self._inputs[name], before = step.stage, inputs, name
            identity = {"stage": step.stage.identity(), "seed": self._seed(name)}
            parts = [self.hashes[other] for other in inputs]
            self.hashes[name] = content_hash(json.dumps(identity, sort_keys=True), *parts)
        if not self._stages:
            raise UserError("a pipeline has no steps; give at least a source")

    def _seed(self, name: str) -> int:
        return derive_seed("step", self.seed, name) >> 1

    def files(self, name: str) -> ShardFiles:
        """Return the files of a step."""
        if name not in self.hashes:
            raise UserError(
                f"there is no step {name!r}, in a pipeline; {nearest(name, self.hashes)}"
            )
        return ShardFiles(Path(self.folder) / f"{name}-{self.hashes[name][:12]}")

    def run(
        self, last: str | None = None, *, executor: Executor | None = None, shown: bool = True
    ) -> Result:
        """Compute the rows of a step, and of those that it depends on.

        Args:
            last: name of the step; None: the last one.
            executor: computes shards in parallel, those of stages that need this process apart; its
                workers must see ``folder``. None computes all here.
            shown: whether bars are drawn.

        Raises:
            UserError: rows do not reconcile, a step is starved, or too many rows are rejected.
        """
        last = last or list(self._stages)[-1]
        self.files(last)
        outcomes: dict[str, Outcome] = {}
        cards: dict[str, Mapping[str, Any]] = {}
        for name in self.needed(last):
            job = Job(
                name=name,
                stage=self._stages[name],
                seed=self._seed(name),
                config=self.hashes[name],
                files=self.files(name),
                inputs=tuple(outcomes[other] for other in self._inputs[name]),
            )
            so_far = {other: outcomes[other].counts for other in outcomes}
            outcomes[name] = run_step(job, so_far, executor, shown)
            cards[name] = outcomes[name].card
        return Result(outcomes[last], {n: o.counts for n, o in outcomes.items()}, cards)

    def needed(self, last: str) -> list[str]:
        """Return the names of a step and all that it depends on, in order."""
        found, waiting = {last}, [last]
        while waiting:
            for other in self._inputs[waiting.pop()]:
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return [name for name in self._stages if name in found]


def _inputs(name: str, step: Step, before: str | None, known: Sequence[str]) -> tuple[str, ...]:
    where = f"in the step {name!r} of a pipeline"
    if not name or not all(c.isalnum() or c in "-_." for c in name):
        raise UserError(f"the name of a step is {name!r}; must be of letters, digits, '-_.'")
    if isinstance(step.stage, Source):
        if step.inputs:
            raise UserError(f"inputs are {list(step.inputs)}, {where}; a source has none")
        return ()
    inputs = step.inputs if step.inputs is not None else ((before,) if before else ())
    if not inputs:
        raise UserError(f"there are no inputs, {where}; must come after a source, or name one")
    for other in inputs:
        if other not in known:
            raise UserError(
                f"the input {other!r} is no earlier step, {where}; {nearest(other, known)}"
            )
    return inputs
