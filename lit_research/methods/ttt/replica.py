"""Memory beyond the window: every arm on sequences that each follow their own permutation.

The claim of TTT-E2E (Tandon et al. 2025, arXiv 2512.23675) at laptop scale: a sliding window of 16
tokens over a task whose tokens recur after about 32. A model that was trained through its inner
loop learns the permutation while it reads; a window cannot, nor can an inner loop that the model
was not trained for. On real text, long source files as bytes, e2e is compared with the window and
with full attention of as many parameters.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, Verdict, paired_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "ttt/tiny.yaml"
ARM_NAMES = ("e2e", "first_order", "swa", "naive")
TWICE = 512  # tokens: twice the training length
_QUIET: dict[str, Any] = {"trainer.enable_model_summary": False, "trainer.val_check_interval": 300}


def _arm(name: str, **changes: Any) -> Arm:
    return Arm(name, CONFIG, {**_QUIET, **changes})


BY_NAME = {name: _arm(name, **{"model.init_args.arm": name}) for name in ARM_NAMES}
LARGE_CHUNK = _arm("e2e-chunk-64", **{"model.init_args.lm.chunk": 64})
LONG = _arm("e2e-twice", **{"data.init_args.eval_length": TWICE})
TASK = [*BY_NAME.values(), LARGE_CHUNK, LONG]

# Real text: files of more than 1,024 bytes, a window of 64; as many parameters in each.
TEXT_CONFIG = "ttt/tiny_text.yaml"
_TEXT: dict[str, Any] = {
    **_QUIET,
    "trainer.max_steps": 200,
    "trainer.val_check_interval": 200,
    "trainer.limit_val_batches": 32,
}
TEXT = {
    name: Arm(f"text-{name}", TEXT_CONFIG, {**_TEXT, "model.init_args.arm": name, **more})
    for name, more in {
        "e2e": {},
        "swa": {},
        "full": {"model.init_args.lm.intermediate_size": 240},  # 5 MLPs of 192 are 4 of 240
    }.items()
}
ARMS = [*TASK, *TEXT.values()]
FIRST, LAST, MEAN = "val/loss_first_eighth", "val/loss_last_eighth", "val/loss"
FROZEN = "val/loss_frozen"
CHANCE = math.log(32)  # nats, of the task's 32 tokens


def _values(results: Results, arm: Arm, metric: str) -> np.ndarray:
    return np.array(results[arm.name][metric])


def _above(claim: str, effect: np.ndarray, least: float) -> Claim:
    """Judge a claim that an effect, one value a seed, is above ``least``."""
    low, high = paired_interval(effect)
    verdict: Verdict = (
        "reproduced" if low > least else "contradicted" if high < least else "unresolved"
    )
    return Claim(claim, verdict, float(effect.mean()), (low, high), len(effect))


def verdicts(results: Results) -> list[Claim]:
    """Judge the claims; effects are in nats per token."""
    e2e = {m: _values(results, BY_NAME["e2e"], m) for m in (FIRST, LAST, MEAN)}
    swa, naive = BY_NAME["swa"], BY_NAME["naive"]
    gain = _values(results, swa, MEAN) - _values(results, naive, MEAN)
    return [
        _above(
            "e2e learns while it reads: first eighth over last, at least 1",
            e2e[FIRST] - e2e[LAST],
            1.0,
        ),
        _above(
            "The window alone does not: its last eighth over e2e's, at least 1.5",
            _values(results, swa, LAST) - e2e[LAST],
            1.5,
        ),
        _above(
            "Nor do inner steps without training for them: 0.05 minus their gain", 0.05 - gain, 0.0
        ),
        _above(
            "With the inner loop off it is near chance (3.47): 0.1 minus its lead",
            0.1 - (CHANCE - _values(results, BY_NAME["e2e"], FROZEN)),
            0.0,
        ),
        _above(
            "Larger chunks learn less: mean loss of chunk 64 over 16",
            _values(results, LARGE_CHUNK, MEAN) - e2e[MEAN],
            0.0,
        ),
        _above(
            "Loss goes on falling at twice the training length: last eighth at 256 over 512",
            e2e[LAST] - _values(results, LONG, LAST),
            0.0,
        ),
        _above(
            "The second order helps: mean loss of first_order over e2e",
            _values(results, BY_NAME["first_order"], MEAN) - e2e[MEAN],
            0.0,
        ),
        *(
            _above(
                f"Real text: mean loss of {told} over e2e",
                _values(results, TEXT[name], MEAN) - _values(results, TEXT["e2e"], MEAN),
                0.0,
            )
            for name, told in (("swa", "the window alone"), ("full", "full attention"))
        ),
    ]


def figure(results: Results) -> Figure:
    """Draw the loss of the first and the last eighth of each arm, seeds as points."""
    figure, [axes] = panels(size=(9.0, 3.6))
    for position, arm in enumerate(ARMS):
        for metric, color in ((FIRST, "C0"), (LAST, "C1")):
            values = _values(results, arm, metric)
            axes.plot([position] * len(values), values, "o", color=color, alpha=0.6)
    axes.set_xticks(range(len(ARMS)), [arm.name for arm in ARMS])
    axes.set(ylabel="loss (nats per token)", title="first (blue) and last (orange) eighth")
    return figure
