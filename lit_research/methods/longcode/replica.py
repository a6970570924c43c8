"""Near and far in random packages: full attention, a window, and a window that learns as it reads.

Three small models of equally many parameters learn to look up the default of a parameter in
packages of 512 tokens, and are asked at a distance that a window of 64 tokens over three layers
reaches, 16 tokens, and at one that it cannot, 256; also in longer packages. Effects are shares of
items answered right, in percent; 25 is chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "longcode/reader_tiny.yaml"
TRAINED = 512  # tokens
LENGTHS = (TRAINED, 1024, 2048)
NEAR, FAR = 16, 256  # tokens
WINDOW = 64
LAYERS = 3
CHANCE = 25.0
_LM = "model.init_args.lm"


def _arm(name: str, **options: Any) -> Arm:
    given = {
        "model.init_args.arm": name,
        "data.init_args.lengths": list(LENGTHS),
        "data.init_args.distances": [NEAR, FAR],
        "data.init_args.eval_items": 200,
        "trainer.limit_val_batches": 1.0,
        "trainer.num_sanity_val_steps": 0,
        "trainer.enable_model_summary": False,
        **options,
    }
    return Arm(name, CONFIG, given)


FULL = _arm("full")
SWA = _arm("swa", **{f"{_LM}.window": WINDOW})
E2E = _arm(
    "e2e",
    **{
        f"{_LM}.window": WINDOW,
        f"{_LM}.chunk": WINDOW,
        f"{_LM}.num_suffix_layers": 1,
        # Four MLPs of 96 have as many parameters as three of 128.
        f"{_LM}.intermediate_size": 96,
    },
)
ARMS = [FULL, SWA, E2E]


def accuracy(results: Results, arm: Arm, length: int, distance: int) -> np.ndarray:
    """Return the share of items answered right in percent, ``[seeds]``.

    Args:
        results: of all arms.
        arm: which one.
        length: of the items, in tokens.
        distance: between the evidence and the end of the code, in tokens.
    """
    return 100.0 * np.array(results[arm.name][f"val/accuracy_at_{length}_{distance}"])


def effects(results: Results) -> dict[str, list[float]]:
    """Return one value a seed for each claim, by its id; percent, or percentage points."""

    def at(arm: Arm, distance: int, length: int = TRAINED) -> np.ndarray:
        return accuracy(results, arm, length, distance)

    found = {
        "window_blind_beyond_reach": at(SWA, FAR) - CHANCE,
        "window_sees_within_reach": at(SWA, NEAR),
        "full_sees_at_trained_length": (at(FULL, NEAR) + at(FULL, FAR)) / 2,
        "ttt_over_window": at(E2E, FAR) - at(SWA, FAR),
        "full_over_ttt": at(FULL, FAR) - at(E2E, FAR),
        "full_near_over_far": at(FULL, NEAR) - at(FULL, FAR),
        "full_loses_in_four_times_the_length": at(FULL, NEAR) - at(FULL, NEAR, LENGTHS[-1]),
    }
    return {name: values.tolist() for name, values in found.items()}


def verdicts(results: Results) -> list[Claim]:
    """Judge the differences without a plan: is each above 0?"""
    compared = ("ttt_over_window", "full_over_ttt", "full_near_over_far")
    return [judge(name.replace("_", " "), effects(results)[name]) for name in compared]


def figure(results: Results) -> Figure:
    """Draw the accuracy of each arm near and far, a point a seed."""
    drawn, [axes] = panels()
    for number, arm in enumerate(ARMS):
        for shift, distance, color in ((-0.15, NEAR, "C0"), (0.15, FAR, "C1")):
            values = accuracy(results, arm, TRAINED, distance)
            label = f"{distance} tokens away" if number == 0 else None
            axes.plot(
                np.full(len(values), number + shift), values, "o", color=color, ms=3, label=label
            )
    axes.axhline(CHANCE, color="0.6", lw=0.8)
    axes.set_xticks(range(len(ARMS)), [arm.name for arm in ARMS])
    axes.set_ylabel("answered right (%)")
    axes.legend(frameon=False)
    return drawn
