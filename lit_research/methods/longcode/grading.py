"""Grade repairs: apply the answer, run the item's suite in a sandbox, and say whether it resolves.

As in the paper a repair resolves its item if and only if all tests of ``fail_to_pass`` and of
``pass_to_pass`` pass. A test that did not run to its end, was skipped, or failed as expected has
not passed (the paper counts an expected failure as a pass: code under test can raise one).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lit_research.files import write_json
from lit_research.methods.longcode.items import RepairItem
from lit_research.methods.longcode.patches import Patched, PatchFormat, PatchStatus, patch_files
from lit_research.methods.longcode.repair_suites import item_suite
from lit_research.methods.longcode.trees import SourceTree
from lit_research.progress import counting
from lit_research.sandbox import Level, Limits, Pool
from lit_research.sandbox.suite_records import GUARDS, Guard, SuiteRun, SuiteStatus
from lit_research.sandbox.suites import SUITE_LIMITS, environment, run_suite
from lit_research.storage import content_hash

_FORMAT = "2"  # of what is cached
_ATTEMPTS = 2  # where the sandbox fails
_KEPT = {"finished", "tampered", "stopped"}  # what another run would not change


@dataclass(frozen=True)
class Verdict:
    """What a repair is worth.

    Attributes:
        item: the item's id.
        patch: what became of the answer.
        run: how the suite ended; None where it was not run.
        resolved: whether all tests pass; None where nothing can be said (``infrastructure``).
        fail_to_pass: how many of these tests passed.
        pass_to_pass: how many of these tests passed.
        fail_to_pass_total: of how many.
        pass_to_pass_total: of how many.
        reason: in words; empty where it is resolved.
        repaired: hunks of the answer with wrong counts.
        seconds: of the suite.
        grader: who says so; ``local`` is never the official score of SWE-bench.
    """

    item: str
    patch: PatchStatus
    run: SuiteStatus | None
    resolved: bool | None
    fail_to_pass: int = 0
    pass_to_pass: int = 0
    fail_to_pass_total: int = 0
    pass_to_pass_total: int = 0
    reason: str = ""
    repaired: int = 0
    seconds: float = 0.0
    grader: str = "local"

    @property
    def partial(self) -> bool:
        """Whether some of ``fail_to_pass`` pass, not all, and all of ``pass_to_pass``."""
        some = 0 < self.fail_to_pass < self.fail_to_pass_total
        return self.run == "finished" and some and self.pass_to_pass == self.pass_to_pass_total


@dataclass(frozen=True)
class Grader:
    """Grades repairs of items; any thread may use it.

    Args:
        trees: the source trees and the trees of tests, by name.
        cache: a folder of verdicts, by item, patch, environment and suite; None keeps none.
        guards: see ``run_suite``; those of the sandbox, and ``paths`` for answers too.
        limits: of one run.
        python: the interpreter of the suites; this one if None.
        readable: see ``run_suite``.
        level: of isolation; the strongest that works if None.
        require: the weakest level that is acceptable.
        pool: one that has imported pytest: a run then starts in a fraction of the time.
    """

    trees: Mapping[str, SourceTree]
    cache: Path | None = None
    guards: frozenset[Guard] = GUARDS
    limits: Limits = SUITE_LIMITS
    python: str | None = None
    readable: Sequence[Path] = ()
    level: Level | None = None
    require: Level | None = None
    pool: Pool | None = field(default=None, compare=False)

    def grade(
        self,
        item: RepairItem,
        answer: str,
        form: PatchFormat = "diff",
        *,
        hash_seed: int | None = None,
        order: int | None = None,
        time_zone: str | None = None,
    ) -> Verdict:
        """Return the verdict on an answer.

        Args:
            item: what was asked.
            answer: what the solver wrote.
            form: how it was asked to write it.
            hash_seed: see ``run_suite``.
            order: see ``run_suite``.
            time_zone: see ``run_suite``.

        Raises:
            UserError: the suite cannot run here, whatever the answer is.
        """
        tree = self.trees[item.tree]
        allows = "paths" not in self.guards
        patched = patch_files(tree.files, answer, form, allows_protected=allows)
        if patched.files is None:
            return Verdict(
                item.id,
                patched.status,
                None,
                False,
                fail_to_pass_total=len(item.fail_to_pass),
                pass_to_pass_total=len(item.pass_to_pass),
                reason=patched.reason,
            )
        options: dict[str, Any] = {"hash_seed": hash_seed, "order": order, "time_zone": time_zone}
        place = self._place(item, patched, options)
        if (known := _read(place)) is not None:
            return known
        suite = item_suite(item, self.trees)
        for _ in range(_ATTEMPTS):
            run = run_suite(
                patched.files,
                suite,
                guards=self.guards,
                limits=self.limits,
                python=self.python,
                readable=self.readable,
                level=self.level,
                require=self.require,
                pool=self.pool,
                **options,
            )
            if run.status != "infrastructure":
                break
        verdict = judged(item, patched, run)
        if place is not None and verdict.run in _KEPT:
            write_json(place, asdict(verdict), durable=False)
        return verdict

    def grade_all(
        self,
        pairs: Sequence[tuple[RepairItem, str]],
        executor: Executor | None = None,
        form: PatchFormat = "diff",
    ) -> Iterator[Verdict]:
        """Yield the verdict on each item and answer, in order.

        Args:
            pairs: items and answers.
            executor: grades many at once; threads will do, since the work is in other processes.
                One after the other if None.
            form: how the answers are written.
        """
        with counting("Grading repairs", len(pairs), unit="answers", delay=2) as done:
            if executor is None:
                verdicts = (self.grade(item, answer, form) for item, answer in pairs)
            else:
                futures = [executor.submit(self.grade, *pair, form) for pair in pairs]
                verdicts = (future.result() for future in futures)
            for verdict in verdicts:
                done(1)
                yield verdict

    def _place(
        self, item: RepairItem, patched: Patched, options: Mapping[str, object]
    ) -> Path | None:
        if self.cache is None:
            return None
        assert patched.files is not None
        new = SourceTree("patched", patched.files, item.origin)
        key = content_hash(
            _FORMAT,
            json.dumps([item.id, item.fail_to_pass, item.pass_to_pass, patched.repaired]),
            new.sha256(),
            self.trees[item.tests].sha256() if item.tests else "",
            environment(self.python),
            json.dumps([sorted(self.guards), asdict(self.limits), options], sort_keys=True),
        )
        return self.cache / key[:2] / f"{key}.json"


def judged(item: RepairItem, patched: Patched, run: SuiteRun) -> Verdict:
    """Return the verdict on a run of an item's suite."""
    counts = [
        sum(run.outcomes.get(test) == "passed" for test in tests)
        for tests in (item.fail_to_pass, item.pass_to_pass)
    ]
    totals = [len(item.fail_to_pass), len(item.pass_to_pass)]
    is_whole = run.status == "finished" and counts == totals
    reason = run.reason
    if not reason and not is_whole:
        wrong = next(
            test
            for test in (*item.fail_to_pass, *item.pass_to_pass)
            if run.outcomes.get(test) != "passed"
        )
        reason = f"{wrong}: {run.outcomes.get(wrong, 'not run')}"
    return Verdict(
        item.id,
        patched.status,
        run.status,
        None if run.status == "infrastructure" else is_whole,
        fail_to_pass=counts[0],
        pass_to_pass=counts[1],
        fail_to_pass_total=totals[0],
        pass_to_pass_total=totals[1],
        reason=reason,
        repaired=patched.repaired,
        seconds=run.seconds,
    )


def _read(place: Path | None) -> Verdict | None:
    """Return a kept verdict; None for one that is not there, or not whole."""
    if place is None:
        return None
    try:
        return Verdict(**json.loads(place.read_text()))
    except (OSError, ValueError, TypeError):
        return None
