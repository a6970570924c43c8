"""Self-play with the real Lean kernel at laptop scale: does an unguided Conjecturer collapse?

The claims of SGS (Bailey et al. 2026, arXiv 2604.20209) with a transformer of 0.4M parameters as
Solver and Conjecturer. All arms have the same targets and the same statements for the warm start,
and arms that are compared have the same number of generations. The claims are about the collapse
statistics (figure 2); solve rates are reported with their intervals, whatever the outcome.
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
LONG = 64_000  # of the two arms that show the collapse, which is self-reinforcing and starts slowly
SOLVED, HELD_OUT = "self_play/solve_rate", "val/pass_at_k"
DISJUNCTIVE, LENGTH = "val/disjunctive_share", "val/conclusion_length_tokens"  # of the last rounds
INTERIOR = "val/interior_share"
TARGET_DISJUNCTIVE, TARGET_LENGTH = (
    "val/target_disjunctive_share",
    "val/target_conclusion_length_tokens",
)
NEAR = 0.1  # largest distance to the targets' share of disjunctive conclusions

# The seed of a run is that of the weights and of the sampling; the data are the same for all seeds.
GAME: dict[str, Any] = {
    "data.init_args.seed": 0,
    "data.init_args.size": 160,
    "data.init_args.held_out": 40,
    # Room for conclusions to grow: a text is overlong above four fifths of this.
    f"{INIT}.max_new_tokens": 128,
    "trainer.enable_model_summary": False,
}
# The Conjecturer must write mostly well-formed statements and the Solver prove most true ones: with
# half of the statements and only their own proofs, an update of the Conjecturer has a dozen texts,
# after which it writes nothing valid.
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
    """Return an arm that starts from the warm start of its seed, which all arms share."""
    options = {
        **GAME,
        f"{INIT}.lm": {"folder": "{needs}/hf/solver"},
        f"{INIT}.warm_start": None,
        f"{INIT}.update.batch_size": 16,
        # A round rewards about fifty conjectures: one pass over them is three steps.
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
    disjunctive = {arm.name: _values(results, arm, DISJUNCTIVE) for arm in (SGS_LONG, NO_GUIDE)}
    length = {arm.name: _values(results, arm, LENGTH) for arm in (SGS_LONG, NO_GUIDE)}
    solved = {arm.name: _values(results, arm, SOLVED) for arm in PLAYED}
    target = _values(results, SGS_LONG, TARGET_DISJUNCTIVE)
    return [
        judge(
            "Without a Guide conclusions turn disjunctive: share over SGS's",
            disjunctive[NO_GUIDE.name] - disjunctive[SGS_LONG.name],
        ),
        judge(
            "Without a Guide conclusions grow: tokens over SGS's",
            length[NO_GUIDE.name] - length[SGS_LONG.name],
        ),
        judge(
            f"SGS stays within {NEAR} of the targets' disjunctive share: margin",
            NEAR - abs(disjunctive[SGS_LONG.name] - target),
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
    """Draw the collapse statistics and the solve rates of the arms."""
    titles = {
        DISJUNCTIVE: "share of disjunctive conclusions",
        LENGTH: "conclusion length (tokens)",
        INTERIOR: "partially solved conjectures",
        SOLVED: "share of the targets solved",
        HELD_OUT: "held-out pass@k",
    }
    drawing, all_axes = panels(1, len(titles), size=(2.4, 3.6))
    for axes, (metric, title) in zip(all_axes, titles.items(), strict=True):
        shown = [arm for arm in PLAYED if metric in results[arm.name]]
        for position, arm in enumerate(shown):
            values = _values(results, arm, metric)
            axes.bar(position, values.mean(), color="0.85")
            axes.plot([position] * len(values), values, "k.")
        target_metric = {DISJUNCTIVE: TARGET_DISJUNCTIVE, LENGTH: TARGET_LENGTH}.get(metric)
        if target_metric is not None:
            target = _values(results, SGS_LONG, target_metric).mean()
            axes.axhline(target, color="0.5", linestyle=":")
        names = [arm.name for arm in shown]
        axes.set_xticks(range(len(shown)), names, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_title(title, fontsize="small")
    return drawing
