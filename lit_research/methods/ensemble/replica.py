"""Over-fitting, weight decay against it, ensembles of over-fitted members, and their student.

The claims of "Pre-training under infinite compute" (Kim et al. 2025, arXiv 2509.14786) on 30,000
bytes of the embedded prose, with members of 107,000 parameters. The time scale of AdamW's decay is
1/(lr decay) steps: 0.26 passes in the paper at its best decay, 1.9 passes here at decay 3, since a
pass has 58 steps instead of 800. The same decay is therefore weaker here, and the arms go up to 30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.laws import fit
from lit_research.methods.arms import Arm, Results, Stage
from lit_research.methods.claims import Claim, Verdict, judge, paired_interval, pooled_stderr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "ensemble/replica.yaml"
USUAL, EPOCHS, DECAYS = 0.1, (8, 16, 32, 64), (0.1, 1.0, 3.0, 10.0, 30.0)
# Passes at which the usual decay over-fits, and the best decay there.
OVERFIT, BEST = 32, 3.0
MEMBERS = 5
EXPONENTS = (0.7, 1.3)  # of the K-curve: 1 if the members' errors are independent
# Over the pool's 5,000 windows: as many steps as the mixture of 468 real windows and the pool.
POOL_PASSES = 6
LOSS = "val/loss"


def _train(epochs: int, decay: float, members: int = 1) -> Arm:
    options: dict[str, Any] = {
        "trainer.max_epochs": epochs,
        "model.init_args.optimizer.init_args.weight_decay": decay,
        "model.init_args.seeds": members,
    }
    tags = {"epochs": epochs, "decay": decay, "members": members}
    name = f"{'members' if members > 1 else 'single'}-{epochs}-{decay:g}"
    return Arm(name, CONFIG, options, tags)


SINGLES = {
    (epochs, decay): _train(epochs, decay)
    for epochs in EPOCHS
    for decay in DECAYS
    if decay == USUAL or epochs == OVERFIT
}
ENSEMBLE = _train(OVERFIT, BEST, MEMBERS)
# The paper's rule for members: twice the passes and half the decay of another setting; here of one
# that is trained too short, and of the best single model.
SHORT, SHORT_RULE = _train(OVERFIT // 2, BEST, MEMBERS), _train(OVERFIT, BEST / 2, MEMBERS)
BEST_RULE = _train(2 * OVERFIT, BEST / 2, MEMBERS)

_POOL = Stage(
    "predict",
    "ensemble/pool_tiny.yaml",
    {
        "model.init_args.gather": ["{needs}/checkpoints/last.ckpt"],
        "data.init_args.folder": "{needs}/pool",
    },
)


def _student(name: str, share: float, passes: int = 16) -> Arm:
    options: dict[str, Any] = {
        "data.init_args.share": share,
        "data.init_args.passes": passes,
        "data.init_args.pool": "{needs}/pool",
        "trainer.val_check_interval": 1.0,
        "trainer.limit_val_batches": 1.0,
        "trainer.enable_model_summary": False,
    }
    return Arm(name, "ensemble/distill_tiny.yaml", options, needs=ENSEMBLE, before=(_POOL,))


STUDENTS = {
    "real": _student("student-real", 0.0),
    "both": _student("student-both", 0.75),
    "teachers": _student("student-teachers", 1.0, POOL_PASSES),
}
ARMS = [*SINGLES.values(), ENSEMBLE, SHORT, SHORT_RULE, BEST_RULE, *STUDENTS.values()]


def _loss(results: Results, arm: Arm, metric: str = LOSS) -> np.ndarray:
    return np.array(results[arm.name][metric])


def curve(results: Results, arm: Arm) -> np.ndarray:
    """Return the losses of 1..K members, one being the mean member, ``[seeds, K]``."""
    sizes = [_loss(results, arm, f"val/loss_k{k}") for k in range(2, MEMBERS + 1)]
    return np.stack([_loss(results, arm, "val/loss_member"), *sizes], axis=1)


def _gain(curve: np.ndarray) -> np.ndarray:
    """Return what 5 members gain over the mean member, ``[seeds]``."""
    gain: np.ndarray = curve[:, 0] - curve[:, -1]
    return gain


def _curve_claims(results: Results) -> list[Claim]:
    """Judge the curve of the best single model's members: does it fall, and with what exponent?"""
    losses = curve(results, ENSEMBLE)
    seeds = len(losses)
    falls: Verdict = "reproduced" if np.all(np.diff(losses, axis=1) < 0) else "contradicted"
    gain = _gain(losses)
    sizes = np.arange(1, MEMBERS + 1)
    law = fit("ensemble", sizes, losses.mean(axis=0), method="ls", noise=pooled_stderr(losses))
    (low, high), alpha = law.interval("alpha"), law.params["alpha"]
    inside = EXPONENTS[0] <= low and high <= EXPONENTS[1]
    outside = high < EXPONENTS[0] or low > EXPONENTS[1]
    verdict: Verdict = "reproduced" if inside else "contradicted" if outside else "unresolved"
    between = f"[{EXPONENTS[0]:g}, {EXPONENTS[1]:g}]"
    return [
        Claim(
            "Loss falls with every one of 5 members, for every seed: saved by 5",
            falls,
            float(gain.mean()),
            paired_interval(gain),
            seeds,
        ),
        Claim(f"It falls as E + A / K^alpha, {between}: alpha", verdict, alpha, (low, high), seeds),
    ]


def verdicts(results: Results) -> list[Claim]:
    """Judge the claims; effects are in nats per byte unless they say otherwise."""
    usual = {epochs: _loss(results, SINGLES[epochs, USUAL]) for epochs in EPOCHS}
    tuned = {decay: _loss(results, SINGLES[OVERFIT, decay]) for decay in DECAYS}
    best = min(DECAYS, key=lambda decay: tuned[decay].mean())
    best_single = curve(results, ENSEMBLE)
    short, short_rule, best_rule = (curve(results, a) for a in (SHORT, SHORT_RULE, BEST_RULE))
    real, both, teachers = (_loss(results, STUDENTS[name]) for name in STUDENTS)
    return [
        judge("Usual decay over-fits: loss at 32 passes minus 16", usual[32] - usual[16]),
        judge(
            f"A decay of {best:g} beats the usual 0.1 at 32 passes: loss saved",
            tuned[USUAL] - tuned[best],
        ),
        judge(
            f"The best decay is inside: loss of {DECAYS[-1]:g} over that of {best:g}",
            tuned[DECAYS[-1]] - tuned[best],
        ),
        *_curve_claims(results),
        judge(
            "Twice 16 passes, half of decay 3: more gain from 5 members",
            _gain(short_rule) - _gain(short),
        ),
        judge(
            "Twice 16 passes, half of decay 3: a better ensemble of 5, loss saved",
            short[:, -1] - short_rule[:, -1],
        ),
        judge(
            "Twice 32 passes, half of decay 3 (the best single model): more gain from 5 members",
            _gain(best_rule) - _gain(best_single),
        ),
        judge(
            "Twice 32 passes, half of decay 3: a better ensemble of 5, loss saved",
            best_single[:, -1] - best_rule[:, -1],
        ),
        judge("A student of real and teachers' text beats real alone: loss saved", real - both),
        judge("A student needs real text: loss without it over loss with it", teachers - both),
        judge(
            "The student of 5 members beats the best single model: loss saved",
            tuned[best] - both,
        ),
    ]


def figure(results: Results) -> Figure:
    """Draw loss against passes, against decay and against members."""
    figure, (passes, decay, members) = panels(1, 3, size=(4.0, 3.8))
    _draw(passes, EPOCHS, [_loss(results, SINGLES[e, USUAL]) for e in EPOCHS], "decay 0.1")
    passes.set(xscale="log", xlabel="passes (count)", ylabel="validation loss (nats per byte)")
    passes.set_xticks(EPOCHS, list(map(str, EPOCHS)))
    _draw(decay, DECAYS, [_loss(results, SINGLES[OVERFIT, d]) for d in DECAYS], "32 passes")
    decay.set(xscale="log", xlabel="weight decay (1)")
    decay.set_xticks(DECAYS, [f"{d:g}" for d in DECAYS])
    sizes = range(1, MEMBERS + 1)
    for arm in (SHORT, SHORT_RULE, ENSEMBLE, BEST_RULE):
        label = f"{arm.tags['epochs']} passes, decay {arm.tags['decay']:g}"
        _draw(members, sizes, list(curve(results, arm).T), label)
    for name, arm in STUDENTS.items():
        loss = _loss(results, arm).mean()
        members.axhline(loss, linestyle=":", linewidth=1, color="0.4")
        members.annotate(f"student: {name}", (1, loss), fontsize=7, va="bottom")
    members.set(xlabel="members (count)")
    for axes in (passes, decay, members):
        axes.minorticks_off()
        axes.legend(frameon=False, fontsize=8)
    return figure


def _draw(axes: Any, x: Any, losses: list[np.ndarray], label: str) -> None:
    """Draw means with a line and the seeds as points."""
    [line] = axes.plot(x, [loss.mean() for loss in losses], "-", label=label)
    for value, loss in zip(x, losses, strict=True):
        axes.plot([value] * len(loss), loss, ".", color=line.get_color(), alpha=0.5)
