"""How often a test finds a difference, and how often it finds one that is not there."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.methods.idea_study.components import Components, Design
from lit_research.methods.idea_study.simulated import TESTS, simulate_p
from lit_research.ranges import COUNT, Range, check_range
from lit_research.stats import wilson


@dataclass(frozen=True)
class Power:
    """How often a test finds something.

    Attributes:
        test: one of ``TESTS``.
        share: of simulated studies with p below alpha.
        interval: 95%, Wilson's, of the share.
        false_share: the same where the arms do not differ; more than alpha is too optimistic.
        false_interval: its interval.
    """

    test: str
    share: float
    interval: tuple[float, float]
    false_share: float
    false_interval: tuple[float, float]


def power(
    components: Components,
    design: Design,
    *,
    alpha: float = 0.05,
    studies: int = 2_000,
    seed: int = 0,
) -> list[Power]:
    """Return the power of the tables' tests, two-sided, by simulation; and their false alarms.

    Args:
        components: such as ``fit_components`` returns.
        design: of the study that is planned.
        alpha: level of the tests.
        studies: simulated, for each of both.
        seed: of the draws.
    """
    check_range(Range(above=0, below=1), "in power", alpha=alpha)
    check_range(COUNT, "in power", studies=studies)
    runs = [
        simulate_p(which, design, studies, seed)
        for which in (components, components.without_effect())
    ]
    found = []
    for test in TESTS:
        counts = [int((run[test] < alpha).sum()) for run in runs]
        (share, interval), (false_share, false_interval) = (
            (count / studies, wilson(count, studies)) for count in counts
        )
        found.append(Power(test, share, interval, false_share, false_interval))
    return found
