"""Megadocs in a world of records, where a rephrase needs no language model.

The claims of "Data-efficient pre-training by scaling synthetic megadocs" (Kim et al. 2026, arXiv
2603.18534) on 300 records, with models of two layers. Arms have equal numbers of steps, an equal
share of synthetic windows and the same rephrases; the control ``shuffled`` has the tokens, lengths
and real copies of ``stitched``, and pieces of different sources in a megadoc. What a megadoc should
teach is measured on long passages about new entities, whose late values were stated before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge
from lit_research.methods.megadocs.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "megadocs/records.yaml"
GENERATIONS = (1, 2, 4, 8)
MIDDLE = 4  # of the arms with one number of generations
# Over the real text, and the weight decay, of the tuned arms; the best is to be inside.
PASSES, DECAYS = (4, 8, 16), (3.0, 10.0, 30.0)
SHORT, TUNING = "val/loss_of_short", "val/loss_of_tuning"

_DATA = "data.init_args"
_RECORDS = "lit_research.methods.megadocs.Records"
_DECAY = "model.init_args.optimizer.init_args.weight_decay"
_QUIET: dict[str, Any] = {"trainer.enable_model_summary": False}


def _arm(
    name: str,
    part: str,
    generations: int = MIDDLE,
    real: str = "last",
    options: dict[str, Any] | None = None,
) -> Arm:
    """Return an arm of synthetic text; its options say all of the source, which is one value."""
    given = {"part": part, "generations": generations, "real": real}
    source = {f"{_DATA}.synthetic": {"class_path": _RECORDS, "init_args": given}}
    return Arm(name, CONFIG, {**_QUIET, **source, **(options or {})}, given)


def _tuned(part: str, passes: int, decay: float) -> Arm:
    setting = {f"{_DATA}.passes": passes, _DECAY: decay}
    name = f"{part}-{passes}-passes-decay-{decay:g}"
    if part == "simple":
        return _arm(name, part, options=setting)
    alone = {f"{_DATA}.synthetic": None, f"{_DATA}.share": None}
    return Arm(name, CONFIG, {**_QUIET, **alone, **setting}, {"part": part})


BY_GENERATIONS = {
    (part, generations): _arm(f"{part}-{generations}", part, generations)
    for part in ("simple", "stitched", "shuffled")
    for generations in GENERATIONS
}
FIRST = _arm("stitched-first", "stitched", real="first")
STRETCHED = _arm("stretched", "stretched")
MASKED = {
    part: _arm(f"{part}-masked", part, options={f"{_DATA}.mask_across_documents": True})
    for part in ("stitched", "shuffled")
}
SETTINGS = [(passes, decay) for passes in PASSES for decay in DECAYS]
TUNED = {
    part: {setting: _tuned(part, *setting) for setting in SETTINGS} for part in ("real", "simple")
}
ARMS = [
    *BY_GENERATIONS.values(),
    FIRST,
    STRETCHED,
    *MASKED.values(),
    *(arm for arms in TUNED.values() for arm in arms.values()),
]


def short(results: Results, arm: Arm) -> np.ndarray:
    """Return the i.i.d. loss on short real documents, in nats a token, ``[seeds]``."""
    return np.array(results[arm.name][SHORT])


def late(results: Results, arm: Arm) -> np.ndarray:
    """Return the loss of values repeated late in long passages, in nats a value, ``[seeds]``.

    Each style comes last equally often.
    """
    styles = World.styles
    last_a, last_others = (
        np.array(results[arm.name][f"val/loss_of_late_values_last_{last}"])
        for last in ("a", "others")
    )
    return (last_a + (styles - 1) * last_others) / styles


def saved_by_repetition(results: Results, arm: Arm) -> np.ndarray:
    """Return the loss of first values minus that of late ones, in nats a value, ``[seeds]``.

    Over-fitting, which is stronger the fewer generations there are, raises both.
    """
    return np.array(results[arm.name]["val/loss_of_first_values"]) - late(results, arm)


def best(results: Results, part: str) -> Arm:
    """Return the tuned arm with the least mean loss on the short documents for tuning."""
    return min(TUNED[part].values(), key=lambda arm: float(np.mean(results[arm.name][TUNING])))


def slopes(gaps: np.ndarray) -> np.ndarray:
    """Return the slope in log2 G of each seed's gaps, ``[seeds]``.

    Args:
        gaps: of each number of generations and seed, ``[G, seeds]``.
    """
    slope: np.ndarray = np.polyfit(np.log2(GENERATIONS), gaps, 1)[0]
    return slope


def effects(results: Results) -> dict[str, list[float]]:
    """Return one value a seed for each claim of the plan, by its id; above 0 is for the claim."""
    by_part = {
        part: np.array([late(results, BY_GENERATIONS[part, g]) for g in GENERATIONS])
        for part in ("simple", "stitched", "shuffled")
    }
    saved = {
        part: [saved_by_repetition(results, BY_GENERATIONS[part, g]) for g in GENERATIONS]
        for part in ("simple", "stitched")
    }
    middle = GENERATIONS.index(MIDDLE)
    stitching = by_part["simple"] - by_part["stitched"]
    grouping = by_part["shuffled"] - by_part["stitched"]
    simple_short, stitched_short, shuffled_short = (
        short(results, BY_GENERATIONS[part, MIDDLE]) for part in ("simple", "stitched", "shuffled")
    )
    real, simple = (short(results, best(results, part)) for part in ("real", "simple"))
    values = {
        "grouping": grouping[middle],
        "stitching": stitching[middle],
        "stitching_slope": slopes(stitching),
        "rephrases": real - simple,
        "stitched_short": simple_short - stitched_short,
        "grouping_short": shuffled_short - stitched_short,
        "stretched_short": simple_short - short(results, STRETCHED),
        "last": late(results, FIRST) - by_part["stitched"][middle],
        "masked_grouping": late(results, MASKED["shuffled"]) - late(results, MASKED["stitched"]),
        "grouping_slope": slopes(grouping),
        "repetition_slope": slopes(np.subtract(saved["stitched"], saved["simple"])),
    }
    return {name: value.tolist() for name, value in values.items()}


def verdicts(results: Results) -> list[Claim]:
    """Judge every effect by itself, without a plan."""
    return [judge(name, values) for name, values in effects(results).items()]


def figure(results: Results) -> Figure:
    """Draw late values and short documents against G, and the tuned arms against passes."""
    figure, (values, documents, passes) = panels(1, 3, size=(4.0, 3.8))
    for part in ("simple", "stitched", "shuffled"):
        arms = [BY_GENERATIONS[part, g] for g in GENERATIONS]
        _draw(values, GENERATIONS, [late(results, arm) for arm in arms], part)
        _draw(documents, GENERATIONS, [short(results, arm) for arm in arms], part)
    for arm in (FIRST, STRETCHED, *MASKED.values()):
        documents.plot([MIDDLE], short(results, arm).mean(), "x", label=arm.name)
        if arm is not STRETCHED:  # it has never seen the other styles of a passage
            values.plot([MIDDLE], late(results, arm).mean(), "x", label=arm.name)
    prior = World(seed=0).prior_entropy()
    values.axhline(prior, linestyle=":", linewidth=1, color="0.4", label="nothing known")
    values.set(xlabel="generations, G (count)", ylabel="late values (nats a value)")
    documents.set(xlabel="generations, G (count)", ylabel="short documents (nats a token)")
    for part, tuned in TUNED.items():
        for decay in DECAYS:
            losses = [short(results, tuned[number, decay]) for number in PASSES]
            _draw(passes, PASSES, losses, f"{part}, decay {decay:g}")
    passes.set(xlabel="passes over the real text (count)", ylabel="short documents (nats a token)")
    for axes, x in ((values, GENERATIONS), (documents, GENERATIONS), (passes, PASSES)):
        axes.set_xscale("log")
        axes.set_xticks(x, list(map(str, x)))
        axes.minorticks_off()
        axes.legend(frameon=False, fontsize=7)
    return figure


def _draw(axes: Any, x: Any, losses: list[np.ndarray], label: str) -> None:
    """Draw means with a line and the seeds as points."""
    [line] = axes.plot(x, [loss.mean() for loss in losses], "-", label=label)
    for value, loss in zip(x, losses, strict=True):
        axes.plot([value] * len(loss), loss, ".", color=line.get_color(), alpha=0.5)
