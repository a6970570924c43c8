"""SBP against its controls, on a world whose relations are known.

The claims of "Synthetic bootstrapped pretraining" (Yang et al. 2025, arXiv 2509.15248) on
``TwoFormats``: documents in two formats, where format B of half of the topics is rare. What SBP can
add is format B of the rare topics. All arms but the tuned repetition read the same number of
tokens, 8 times R. "Any fresh text helps" is what the controls are for: pairs at random,
self-distillation, near-duplicates, R with the formats in SBP's proportions. The ceiling of any
synthesizer is the exact posterior: the siblings themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results, Stage
from lit_research.methods.claims import Claim, judge
from lit_research.methods.sbp.measures import recovered_share
from lit_research.methods.sbp.two_formats import KINDS, TwoFormats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lit_research.stats import Inference

BASE, JOINT, WRITE = (f"sbp/{name}_tiny.yaml" for name in ("base", "joint", "write"))
TUNE = "sbp/tiny.yaml"
DOCUMENTS, LENGTH, WINDOW, PASSES = 3412, 15, 64, 8  # of R: documents, and tokens of each
TOKENS = PASSES * (DOCUMENTS * LENGTH // WINDOW) * WINDOW
SHARES = (1 / 3, 1 / 8)  # of the tokens that are synthetic
OPTIMIZER = "model.init_args.optimizer.init_args"
SYNTHETIC = "data.init_args.synthetic"
DECAYS, FEWER_PASSES = (0.1, 1.0), (2, 4)
RARE, COMMON, A = "rare_b", "common_b", "a"


def synthetic_documents(share: float) -> int:
    """Return how many documents of the world are a share of the tokens of a run."""
    return round(share * TOKENS / LENGTH)


def _repetition(passes: int, decay: float) -> Arm:
    options: dict[str, Any] = {
        "data.init_args.passes": passes,
        f"{OPTIMIZER}.weight_decay": decay,
        "trainer.val_check_interval": 0.125,
    }
    tags = {"passes": passes, "decay": decay}
    return Arm(f"repetition-{passes}-{decay:g}", BASE, options, tags)


def _tuned(pairs: str, **finder: Any) -> Arm:
    options: dict[str, Any] = {
        "model.init_args.lm.folder": "{needs}/hf",
        "data.init_args.pairs": pairs,
    }
    if finder:
        options["data.init_args.finder"] = finder
    return Arm(f"tuned-{pairs}", TUNE, options, {"pairs": pairs}, needs=BASE_ARM)


def _written(name: str, needs: Arm, share: float, **options: Any) -> Arm:
    """Return the arm of a model trained on R and what the needed arm's model writes."""
    folder = f"{{needs}}/texts-{synthetic_documents(share)}"
    write = Stage(
        "predict",
        WRITE,
        {
            "model.init_args.lm.folder": "{needs}/hf",
            "data.init_args.folder": folder,
            "data.init_args.synthetic_tokens": synthetic_documents(share) * LENGTH,
            **options,
        },
    )
    return Arm(name, JOINT, {SYNTHETIC: folder}, {"share": share}, needs=needs, before=(write,))


def _part(name: str, documents: int, **options: Any) -> Arm:
    """Return the arm of a model trained on R and documents of the world itself."""
    source = {
        "class_path": "lit_research.methods.sbp.TwoFormats",
        "init_args": {"documents": documents, **options},
    }
    return Arm(name, JOINT, {SYNTHETIC: source}, {"share": documents * LENGTH / TOKENS})


def sbp_share_b(share: float) -> float:
    """Return the share of all documents that SBP has in format B: d2 has the format d1 has not."""
    in_b = 1 - TwoFormats().kind_shares()[A]
    return (1 - share) * in_b + share * (1 - in_b)


REPETITIONS = {
    (passes, decay): _repetition(passes, decay)
    for passes in (*FEWER_PASSES, PASSES)
    for decay in DECAYS
}
BASE_ARM = REPETITIONS[PASSES, DECAYS[0]]
RELATED, RANDOM = _tuned("related"), _tuned("random")
# Nearly equal documents of this world are of one format and topic and share most of their words.
NEAR = _tuned("near_duplicates", near_duplicate=0.6, shingle=1)
MAIN = SHARES[0]
SBP = {share: _written(f"sbp-{share:.3f}", RELATED, share) for share in SHARES}
_REST = DOCUMENTS * (PASSES - 1)  # documents of a run that passes once over R
_IN_B = 1 - TwoFormats().kind_shares()[A]
CONTROLS = {
    "random pairs": _written("random-pairs", RANDOM, MAIN),
    "near-duplicates": _written("near-duplicates", NEAR, MAIN),
    "self-distillation": _written(
        "self-distillation", BASE_ARM, MAIN, **{"data.init_args.conditional": False}
    ),
    "reweighted": _part(
        "reweighted",
        _REST,
        part="reweighted",
        share_b=round((PASSES * sbp_share_b(MAIN) - _IN_B) / (PASSES - 1), 4),
    ),
}
POSTERIOR = _part("exact-posterior", synthetic_documents(MAIN), part="posterior")
ORACLE = _part("oracle", _REST, part="fresh")
ARMS = [
    *REPETITIONS.values(),
    RELATED,
    RANDOM,
    NEAR,
    *SBP.values(),
    *CONTROLS.values(),
    POSTERIOR,
    ORACLE,
]


def loss(results: Results, arm: Arm, kind: str) -> np.ndarray:
    """Return the loss of an arm on a kind of document, nats a word, ``[seeds]``.

    Args:
        results: of all arms.
        arm: which one.
        kind: one of ``KINDS``, or ``mixture``: as documents are in R.
    """
    if kind != "mixture":
        return np.array(results[arm.name][f"val/loss_of_{kind}"])
    shares = TwoFormats().kind_shares()
    return np.asarray(sum(shares[name] * loss(results, arm, name) for name in KINDS))


def tuned_repetition(results: Results, kind: str) -> np.ndarray:
    """Return the losses of the repetition arm with the lowest mean on this kind, ``[seeds]``.

    Chosen for each kind of document by itself, to the advantage of repetition.
    """
    losses = [loss(results, arm, kind) for arm in REPETITIONS.values()]
    return min(losses, key=lambda values: float(values.mean()))


def effects(results: Results) -> dict[str, list[float]]:
    """Return one value a seed for each claim of the plan, by its id; nats a word."""
    sbp = {kind: loss(results, SBP[MAIN], kind) for kind in (*KINDS, "mixture")}
    found = {
        f"{name.replace(' ', '_').replace('-', '_')}_over_sbp": loss(results, arm, RARE) - sbp[RARE]
        for name, arm in CONTROLS.items()
    }
    found["repetition_over_sbp"] = tuned_repetition(results, RARE) - sbp[RARE]
    found["posterior_over_sbp"] = loss(results, POSTERIOR, RARE) - sbp[RARE]
    found["repetition_over_posterior"] = tuned_repetition(results, RARE) - loss(
        results, POSTERIOR, RARE
    )
    for kind in (A, COMMON):
        found[f"repetition_over_sbp_{kind}"] = tuned_repetition(results, kind) - sbp[kind]
    found["random_pairs_over_sbp_mixture"] = (
        loss(results, CONTROLS["random pairs"], "mixture") - sbp["mixture"]
    )
    found["share_eighth_over_third"] = loss(results, SBP[SHARES[1]], RARE) - sbp[RARE]
    found["gain_of_d1"] = np.array(results[RELATED.name]["val/gain_of_d1"])
    found["gain_of_d1_random"] = -np.array(results[RANDOM.name]["val/gain_of_d1"])
    return {name: np.asarray(values).tolist() for name, values in found.items()}


def recovered(results: Results) -> dict[str, Inference]:
    """Return the share of the oracle's gain on the mixture that SBP and each control recover.

    Raises:
        UserError: the oracle is no better than the tuned repetition.
    """
    base, oracle = tuned_repetition(results, "mixture"), loss(results, ORACLE, "mixture")
    arms = {"SBP": SBP[MAIN], **CONTROLS, "exact posterior": POSTERIOR}
    return {
        name: recovered_share(base, loss(results, arm, "mixture"), oracle)
        for name, arm in arms.items()
    }


def verdicts(results: Results) -> list[Claim]:
    """Judge the effects without a plan: is each above 0?"""
    return [judge(name.replace("_", " "), values) for name, values in effects(results).items()]


def figure(results: Results) -> Figure:
    """Draw the loss on each kind of document for every arm, and the recovered shares."""
    figure, (losses, shares) = panels(1, 2, size=(6.2, 4.6))
    arms = {
        "tuned repetition": None,
        **CONTROLS,
        "SBP, 1/8": SBP[SHARES[1]],
        "SBP, 1/3": SBP[MAIN],
        "exact posterior": POSTERIOR,
        "oracle": ORACLE,
    }
    rows = np.arange(len(arms))
    for kind, marker in zip(KINDS, "osD", strict=True):
        values = [
            tuned_repetition(results, kind) if arm is None else loss(results, arm, kind)
            for arm in arms.values()
        ]
        [line] = losses.plot(
            [value.mean() for value in values], rows, marker, label=kind.replace("_", " ")
        )
        for row, value in zip(rows, values, strict=True):
            losses.plot(value, [row] * len(value), "|", color=line.get_color(), alpha=0.6)
    losses.set_yticks(rows, list(arms))
    losses.set(xlabel="validation loss (nats per word)")
    losses.legend(frameon=False, fontsize=8)
    _draw_recovered(shares, results)
    return figure


def _draw_recovered(axes: Any, results: Results) -> None:
    """Draw recovered shares with their intervals, or say why there are none."""
    axes.set(xlabel="share of the oracle's gain on the mixture (1)")
    try:
        found = recovered(results)
    except UserError:
        axes.text(0.5, 0.5, "the oracle is no better\nthan tuned repetition", ha="center")
        axes.set_yticks([])
        return
    for row, share in enumerate(found.values()):
        low, high = np.clip(share.interval, share.effect - 10, share.effect + 10)
        axes.plot([low, high], [row, row], "-", color="0.6")
        axes.plot([share.effect], [row], "o", color="C0")
    axes.axvline(0, linewidth=1, color="0.4")
    axes.axvline(1, linewidth=1, linestyle=":", color="0.4")
    axes.set_yticks(range(len(found)), list(found))
