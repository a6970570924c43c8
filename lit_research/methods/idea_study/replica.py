"""The claim of the paper from its published means, and its tests on studies whose truth is known.

Nothing is trained: arms are analyses, run by ``test``. ``published`` are the 43 executed ideas, the
same for every seed, with ideas as the unit of its intervals. The others are simulated studies of
that size, one a seed, and for each 2,000 more with its fitted variances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, Verdict, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS = ("novelty", "excitement", "effectiveness", "overall")
_SOURCE = "data.init_args.source.init_args"
_QUIET: dict[str, Any] = {"trainer.enable_model_summary": False}


def _simulated(name: str, before: float, after: float) -> Arm:
    effects = {f"{_SOURCE}.effect_before": before, f"{_SOURCE}.effect_after": after}
    return Arm(name, "idea_study/tiny.yaml", {**_QUIET, **effects}, verb="test")


PUBLISHED = Arm("published", "idea_study/paper.yaml", _QUIET, verb="test")
EQUAL = _simulated("no-difference", 0.0, 0.0)
PLANTED = _simulated("lead-lost", 1.0, -0.5)
ARMS = [PUBLISHED, EQUAL, PLANTED]
NOMINAL, MARGIN = 0.05, 0.01


def _mean(results: Results, arm: Arm, name: str) -> np.ndarray:
    """Return a metric's mean over the four scores, one value a seed."""
    return np.mean([results[arm.name][f"test/{name}_{metric}"] for metric in METRICS], axis=0)


def _published(results: Results, metric: str) -> Claim:
    """Judge T-C of the published ideas: its 95% interval is over ideas."""
    effect, low, high = (
        results[PUBLISHED.name][f"test/fall_{metric}{end}"][0] for end in ("", "_low", "_high")
    )
    verdict: Verdict = "reproduced" if low > 0 else "contradicted" if high < 0 else "unresolved"
    told = f"Published ideas: those of AI fall more in {metric} (of 10 points; 95%, uncorrected)"
    return Claim(told, verdict, effect, (low, high), 1)


def verdicts(results: Results) -> list[Claim]:
    """Judge the claims; rates are shares of simulated studies, at the level 0.05."""
    return [
        *(_published(results, metric) for metric in METRICS),
        judge(
            "Simulated, no difference: the test over reviews (T-A) rejects more than 5%",
            _mean(results, EQUAL, "false_review") - NOMINAL,
        ),
        judge(
            "Simulated, no difference: the test of changes (T-C) keeps to 5%, within 1%",
            MARGIN - np.abs(_mean(results, EQUAL, "false_change") - NOMINAL),
        ),
        judge(
            "Simulated, a lead of 1 that becomes -0.5: fall found by T-C (points of 10)",
            _mean(results, PLANTED, "fall"),
        ),
    ]


def figure(results: Results) -> Figure:
    """Draw how much more AI's ideas fall, and how often each test rejects without a difference."""
    drawn, (falls, rates) = panels(1, 2)
    for place, metric in enumerate(METRICS):
        values = [
            results[PUBLISHED.name][f"test/fall_{metric}{e}"][0] for e in ("", "_low", "_high")
        ]
        falls.plot(values[1:], [place, place], color="C0")
        falls.plot(values[:1], [place], "o", color="C0")
        for name, color in (("review", "C1"), ("change", "C0")):
            shares = results[EQUAL.name][f"test/false_{name}_{metric}"]
            label = {"review": "T-A", "change": "T-C"}[name] if place == 0 else None
            rates.plot(shares, [place] * len(shares), "o", color=color, alpha=0.6, label=label)
    falls.axvline(0, color="grey", linewidth=0.8)
    rates.axvline(NOMINAL, color="grey", linewidth=0.8)
    for axes in (falls, rates):
        axes.set_yticks(range(len(METRICS)), METRICS)
        axes.invert_yaxis()
    falls.set(xlabel="how much more AI falls (95%)", title="published")
    rates.set(xlabel="share rejected at 0.05", title="no difference")
    rates.legend(frameon=False, fontsize=8)
    return drawn
