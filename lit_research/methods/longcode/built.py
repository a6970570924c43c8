"""What builders of repairs return, and the gate that every repair passes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lit_research.methods.longcode.grading import Grader
from lit_research.methods.longcode.items import RepairItem
from lit_research.methods.longcode.repair_runs import Runner, bound
from lit_research.methods.longcode.repair_solvers import NULL_PATCH
from lit_research.methods.longcode.trees import SourceTree


@dataclass
class Built:
    """Repairs and their trees.

    Attributes:
        items: in the order in which they were found.
        trees: the faulty trees, and the tests.
        dropped: how many candidates were dropped, by reason.
        notes: what a card must say.
        runs: in how many the tests agreed.
    """

    items: list[RepairItem] = field(default_factory=list)
    trees: dict[str, SourceTree] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    runs: int = 1

    def card(self) -> dict[str, Any]:
        """Return what a card says of how the repairs were made."""
        return {
            "dropped": dict(self.dropped),
            "notes": list(self.notes),
            "runs": self.runs,
            "flakiness": f"no test differed in {self.runs} runs with different hash seeds, orders "
            f"and time zones, which leaves rates of failure up to {bound(self.runs):.0%} a test "
            "at 95% confidence",
        }


def gated(built: Built, runner: Runner) -> Built:
    """Return what was built without the repairs that the grader, all guards on, gets wrong.

    An item's own patch must resolve it, and a patch that changes nothing must not. An own patch
    fails where a suite does not bear the sentinels and twins.
    """
    grader = Grader(
        built.trees,
        limits=runner.limits,
        python=runner.python,
        readable=runner.readable,
        level=runner.level,
        pool=runner.pool,
    )
    kept = []
    for item in built.items:
        own = grader.grade(item, item.patch)
        if not own.resolved:
            built.dropped[f"its own patch does not resolve it ({own.run})"] += 1
        elif grader.grade(item, NULL_PATCH).resolved is not False:
            built.dropped["a patch that changes nothing resolves it"] += 1
        else:
            kept.append(item)
    named = {item.tree for item in kept} | {item.tests for item in kept}
    built.items[:] = kept
    built.trees = {name: tree for name, tree in built.trees.items() if name in named}
    return built
