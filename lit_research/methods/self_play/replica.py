"""Self-play against the real Lean kernel at laptop scale: does the Conjecturer collapse unguided?

The claims of SGS (Bailey et al. 2026, arXiv 2604.20209) with a transformer of 0.4M parameters as
Solver and Conjecturer. All arms have the same targets and the same statements to warm up with, and
those that are compared the same number of generations. What is asserted are the signs of the
collapse (figure 2); solve rates are reported with their intervals, whatever they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INIT, RULES = "model.init_args", "model.init_args.rules"
GENERATIONS = 32_000
LONG = 64_000  # of the two that the collapse is seen in: it feeds on itself, and starts slowly
SOLVED, HELD_OUT = "self_play/solve_rate", "val/pass_at_k"
MESSY, LENGTH = "val/disjunctive_share", "val/conclusion_length_tokens"  # of the last rounds
INTERIOR = "val/interior_share"
TARGET_MESSY, TARGET_LENGTH = (
    "val/target_disjunctive_share",
    "val/target_conclusion_length_tokens",
)
NEAR = 0.1  # of the target set's share of disjunctive conclusions

# The seed of the run is that of the weights and of the sampling; all play the same game.
GAME: dict[str, Any] = {
    "data.init_args.seed": 0,
    "data.init_args.size": 160,
    "data.init_args.held_out": 40,
    # Room for conclusions to grow: a text is overlong from four fifths of this on.
    f"{INIT}.max_new_tokens": 128,
    "trainer.enable_model_summary": False,
}
# The Conjecturer must write what is mostly well formed and the Solver prove what is mostly true:
# with half of the statements and none but their own proofs, an update of the Conjecturer is of a
# dozen texts and leaves it speechless.
WARM = Arm(
    "warm",
    "self_play/tiny.yaml",
    {
        **GAME,
        "data.init_args.warm": 1600,
        f"{INIT}.lm.max_position_embeddings": 256,
        f"{INIT}.warm_start.prove_lemmas": True,
        f"{INIT}.warm_start.alternatives": 2,
        f"{INIT}.warm_start.epochs": 6,
        f"{INIT}.warm_start.batch_size": 32,
        "trainer.max_steps": 1,
        "checkpoint.export_hf": True,
    },
)


def _arm(name: str, changes: dict[str, Any] | None = None, config: str = "tiny.yaml") -> Arm:
    """Return an arm that goes on from the warm start of its seed, the same for all arms."""
    options = {
        **GAME,
        f"{INIT}.lm": {"folder": "{needs}/hf/solver"},
        f"{INIT}.warm_start": None,
        f"{INIT}.update.batch_size": 16,
        # A round pays some fifty conjectures: one pass over them is three steps.
        f"{INIT}.update.epochs": 6,
        f"{RULES}.max_generations": GENERATIONS,
        "trainer.max_steps": 100,
        "trainer.val_check_interval": 100,
    }
    return Arm(name, f"self_play/{config}", {**options, **(changes or {})}, needs=WARM)


SIX = {f"{RULES}.conjectures": 6}
SGS = _arm("sgs", SIX)
LONGER = {**SIX, f"{RULES}.max_generations": LONG}
SGS_LONG = _arm("sgs-long", LONGER)
NO_GUIDE = _arm("no-guide-long", LONGER, "tiny_no_guide.yaml")
NO_CONDITION = _arm("no-condition", {**SIX, f"{RULES}.conditioned": False}, "tiny_no_guide.yaml")
FROZEN = _arm("frozen", SIX, "tiny_frozen.yaml")
RL = _arm("rl", config="tiny_rl.yaml")
# As in the paper: batches of twice as many, a third of the learning rate.
CISPO = _arm(
    "cispo",
    {
        **SIX,
        f"{RULES}.objective": "cispo",
        f"{INIT}.update.batch_size": 32,
        f"{INIT}.optimizer.init_args.lr": 1.0e-4,
    },
)
PLAYED = [SGS_LONG, NO_GUIDE, SGS, NO_CONDITION, FROZEN, RL, CISPO]
ARMS = [WARM, *PLAYED]


def _values(results: Results, arm: Arm, metric: str) -> np.ndarray:
    return np.array(results[arm.name][metric])


def verdicts(results: Results) -> list[Claim]:
    """Judge the claims."""
    messy = {arm.name: _values(results, arm, MESSY) for arm in (SGS_LONG, NO_GUIDE)}
    length = {arm.name: _values(results, arm, LENGTH) for arm in (SGS_LONG, NO_GUIDE)}
    solved = {arm.name: _values(results, arm, SOLVED) for arm in PLAYED}
    target = _values(results, SGS_LONG, TARGET_MESSY)
    return [
        judge(
            "Without a Guide conclusions turn disjunctive: share over SGS's",
            messy[NO_GUIDE.name] - messy[SGS_LONG.name],
        ),
        judge(
            "Without a Guide conclusions grow: tokens over SGS's",
            length[NO_GUIDE.name] - length[SGS_LONG.name],
        ),
        judge(
            f"SGS stays within {NEAR} of the targets' disjunctive share: margin",
            NEAR - abs(messy[SGS_LONG.name] - target),
        ),
        judge(
            "Under a CISPO Solver fewer conjectures are solved at times: share below SGS's",
            _values(results, SGS, INTERIOR) - _values(results, CISPO, INTERIOR),
        ),
        judge(
            f"SGS solves more targets than without a Guide at {LONG:,} generations: share",
            solved[SGS_LONG.name] - solved[NO_GUIDE.name],
        ),
        *[
            judge(
                f"SGS solves more targets than {arm.name} at {GENERATIONS:,} generations: share",
                solved[SGS.name] - solved[arm.name],
            )
            for arm in (RL, FROZEN, NO_CONDITION, CISPO)
        ],
    ]


def figure(results: Results) -> Figure:
    """Draw the signs of the collapse and the solve rates of the arms."""
    shown_metrics = {
        MESSY: "share of disjunctive conclusions",
        LENGTH: "conclusion length (tokens)",
        INTERIOR: "conjectures solved at times",
        SOLVED: "share of the targets solved",
        HELD_OUT: "held-out pass@k",
    }
    drawing, places = panels(1, len(shown_metrics), size=(2.4, 3.6))
    for axes, (metric, label) in zip(places, shown_metrics.items(), strict=True):
        shown = [arm for arm in PLAYED if metric in results[arm.name]]
        for place, arm in enumerate(shown):
            values = _values(results, arm, metric)
            axes.bar(place, values.mean(), color="0.85")
            axes.plot([place] * len(values), values, "k.")
        level = {MESSY: TARGET_MESSY, LENGTH: TARGET_LENGTH}.get(metric)
        if level is not None:
            axes.axhline(_values(results, SGS_LONG, level).mean(), color="0.5", linestyle=":")
        names = [arm.name for arm in shown]
        axes.set_xticks(range(len(shown)), names, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_title(label, fontsize="small")
    return drawing
