"""Writing into weights by writing text: the paper's metrics in a target of a few thousand weights.

The claims of Dataset Policy Gradient (Thrush et al. 2026, arXiv 2604.08423) at laptop scale. Every
number is of a fresh target, trained on texts that the generator wrote after its training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 400
EARLY = 100  # steps after which the baseline is compared
INIT = "model.init_args"
ACCURACY, PHI, LOSS = "val/pixel_accuracy", "val/phi", "val/loss_per_token"
READABLE = "val/readable"
RIGHT, CHANCE = 0.98, 0.70  # pixel accuracy


def _arm(name: str, changes: dict[str, Any] | None = None, config: str = "dpg/tiny.yaml") -> Arm:
    options = {
        "trainer.max_steps": STEPS,
        "trainer.val_check_interval": STEPS,
        "trainer.enable_model_summary": False,
    }
    return Arm(name, config, {**options, **(changes or {})})


def _untrained(arm: Arm) -> Arm:
    """Return the same with a generator that is not trained."""
    still = {
        "trainer.max_steps": 1,
        "trainer.val_check_interval": 1,
        f"{INIT}.optimizer.init_args.lr": 0.0,
    }
    return Arm(f"{arm.name}-untrained", arm.config, {**arm.options, **still})


BITMAP = _arm("bitmap")
SHUFFLED = _arm("bitmap-shuffled", {f"{INIT}.reward": "shuffled"})
SGD = _arm(
    "bitmap-sgd",
    # As it was measured: the official code's SGD has no decay.
    {
        f"{INIT}.inner.optimizer": "sgd",
        f"{INIT}.inner.lr": 1.0,
        f"{INIT}.inner.weight_decay": 1e-4,
    },
)
# The drawing that was measured, of as many pixels; tiny_67.yaml has the official code's.
ROWS_67 = ["###.###", "#.....#", "###...#", "#.#..#.", "###..#.", "......."]
SHAPE = _arm("67", {f"{INIT}.metric.init_args.rows": ROWS_67}, config="dpg/tiny_67.yaml")


def _qr(name: str, changes: dict[str, Any] | None = None) -> Arm:
    options = {"trainer.val_check_interval": 500, "trainer.enable_model_summary": False}
    return Arm(name, "dpg/qr_tiny.yaml", {**options, **(changes or {})})


QR = _qr("qr")
# The baseline is slow, not blind: with time it writes small pictures too, so both have few steps.
FEW = {"trainer.max_steps": EARLY, "trainer.val_check_interval": EARLY}
QR_EARLY = _qr("qr-early", FEW)
DATASET = _qr("qr-early-dataset", {**FEW, f"{INIT}.reward": "dataset"})
PICTURES = [BITMAP, SHUFFLED, SGD, SHAPE, QR, QR_EARLY, DATASET]
NORM = _arm("norm", {f"{INIT}.metric": {"class_path": "HeadNorm"}})
# No prompt has this word in it: they are single letters.
STRING = _arm(
    "string",
    {
        f"{INIT}.metric": {
            "class_path": "TextLoss",
            "init_args": {"texts": ["gradient"], "max_tokens": 16},
        }
    },
)
ARMS = [*PICTURES, NORM, _untrained(NORM), STRING, _untrained(STRING)]


def _values(results: Results, arm: Arm, metric: str) -> np.ndarray:
    return np.array(results[arm.name][metric])


def verdicts(results: Results) -> list[Claim]:
    """Judge the claims."""
    right = {arm.name: _values(results, arm, ACCURACY) for arm in PICTURES}
    best = right[BITMAP.name]
    norm, string = (
        (_values(results, arm, metric), _values(results, _untrained(arm), metric))
        for arm, metric in ((NORM, PHI), (STRING, LOSS))
    )
    margin = 1e-6  # an accuracy of exactly 0.98 is enough
    return [
        judge(
            f"Texts write a bitmap into a fresh target's head: pixel accuracy over {RIGHT}",
            best - RIGHT + margin,
        ),
        judge(f"The shape 67 likewise: over {RIGHT}", right[SHAPE.name] - RIGHT + margin),
        judge(
            f"Rewards dealt out to other texts do not: {CHANCE} minus pixel accuracy",
            CHANCE - right[SHUFFLED.name],
        ),
        judge(
            f"QR code, {EARLY} steps: rewards for texts beat those for data sets, accuracy gained",
            right[QR_EARLY.name] - right[DATASET.name],
        ),
        judge("Adam in the inner run beats SGD: pixel accuracy gained", best - right[SGD.name]),
        judge(
            "A QR code of 441 pixels is read by a decoder: share of the seeds over a half",
            _values(results, QR, READABLE) - 0.5,
        ),
        judge("The head's norm falls below that of an untrained generator's", norm[0] - norm[1]),
        judge(
            "A word that is in no prompt becomes likelier: nats a token saved",
            string[1] - string[0],
        ),
    ]


def figure(results: Results) -> Figure:
    """Draw the pixel accuracy of each arm, and what the other metrics gained."""
    figure, (pixels, others) = panels(1, 2, size=(4.5, 3.6), width_ratios=(3, 2))
    for position, arm in enumerate(PICTURES):
        values = _values(results, arm, ACCURACY)
        pixels.bar(position, values.mean(), color="0.85")
        pixels.plot([position] * len(values), values, "k.")
    pixels.set_xticks(range(len(PICTURES)), [arm.name for arm in PICTURES], rotation=20)
    pixels.set(ylabel="pixel accuracy of a fresh target (share of 1)", ylim=(0.4, 1.02))
    pixels.axhline(0.5, color="0.5", linestyle=":", linewidth=1)
    for position, (arm, metric, sign) in enumerate(((NORM, PHI, 1), (STRING, LOSS, -1))):
        gained = sign * (_values(results, arm, metric) - _values(results, _untrained(arm), metric))
        others.bar(position, gained.mean(), color="0.85")
        others.plot([position] * len(gained), gained, "k.")
    others.set_xticks([0, 1], ["norm of the head", "loss of a word (nats)"])
    others.set(ylabel="lower than with an untrained generator by")
    return figure
