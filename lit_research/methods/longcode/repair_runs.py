"""Runs of suites for builders: which tests pass, whatever the hash seed, the order and the zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lit_research.sandbox import Level, Limits, Pool
from lit_research.sandbox.suite_records import GUARDS, Guard, Suite, SuiteRun
from lit_research.sandbox.suites import SUITE_LIMITS, run_suite
from lit_research.seeds import derive_seed

RUNS = 10
"""Runs of the gate: no difference in 10 leaves up to 26% a run, at 95% confidence."""
FEW_TESTS = 20
"""A suite with fewer tests is flagged: a repair that breaks much may pass it."""
_ZONES = ("UTC", "Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Auckland")


def bound(runs: int, confidence: float = 0.95) -> float:
    """Return the largest rate of failure that so many runs without one do not exclude."""
    return 1 - (1 - confidence) ** (1 / runs)


def conditions(number: int, seed: int = 0) -> dict[str, Any]:
    """Return hash seed, order and time zone of a run; the first one is as pytest would run."""
    if number == 0:
        return {"hash_seed": 0, "order": None, "time_zone": "UTC"}
    return {
        "hash_seed": derive_seed("hash", seed, number) % 2**32,
        "order": derive_seed("order", seed, number),
        "time_zone": _ZONES[number % len(_ZONES)],
    }


@dataclass(frozen=True)
class Runner:
    """Runs suites of code that a builder knows; for ``Grader`` it is what it is for builders.

    Args:
        python: the interpreter; this one if None.
        readable: see ``run_suite``.
        limits: of one run.
        level: of isolation; the strongest that works if None.
        pool: one that has imported pytest, for runs under no conditions.
        guards: those that are on; the builder's own code forges nothing.
    """

    python: str | None = None
    readable: Sequence[Path] = ()
    limits: Limits = SUITE_LIMITS
    level: Level | None = None
    pool: Pool | None = field(default=None, compare=False)
    guards: frozenset[Guard] = GUARDS - {"sentinels", "twins", "names"}

    def run(
        self,
        files: Mapping[str, str],
        suite: Suite,
        condition: Mapping[str, Any] | None = None,
        guards: frozenset[Guard] | None = None,
    ) -> SuiteRun:
        """Run a suite against a tree."""
        chosen = self.guards if guards is None else guards
        if condition is None and self.pool is not None:
            return run_suite(
                files,
                suite,
                guards=chosen,
                limits=self.limits,
                readable=self.readable,
                pool=self.pool,
            )
        return run_suite(
            files,
            suite,
            guards=chosen,
            limits=self.limits,
            python=self.python,
            readable=self.readable,
            level=self.level,
            **(condition or {}),
        )

    def fitting(self, files: Mapping[str, str], suite: Suite) -> Suite:
        """Return the part of a suite whose sentinels run, and whether it starts processes.

        Args:
            files: a tree that passes the suite.
            suite: the tests.
        """
        for _ in range(3):
            run = self.run(files, suite, guards=GUARDS)
            if run.status != "tampered":
                break
            if run.unmarked and set(run.unmarked) != set(suite.run):
                kept = tuple(path for path in suite.run if path not in run.unmarked)
                suite = replace(suite, run=kept)
            elif "started a process" in run.reason:
                suite = replace(suite, starts_processes=True)
        return suite

    def always(
        self, files: Mapping[str, str], suite: Suite, runs: int, seed: int = 0
    ) -> tuple[set[str], set[str]]:
        """Return the tests that pass in all of so many runs, and those that do in none.

        What is in neither differs from run to run: a flaky test. A run that does not finish counts
        as one in which nothing passes.

        Args:
            files: the tree.
            suite: the tests.
            runs: how many.
            seed: of the conditions.
        """
        passed: list[set[str]] = []
        seen: set[str] = set()
        for number in range(runs):
            run = self.run(files, suite, conditions(number, seed))
            seen |= set(run.outcomes)
            passed.append(set(run.having("passed")) if run.status == "finished" else set())
        return set.intersection(*passed), seen.difference(*passed)
