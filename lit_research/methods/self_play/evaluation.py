"""Validation and test: pass@k on held-out theorems and on the targets, as metrics."""

from __future__ import annotations

from collections.abc import Sequence

from lit_research.evals import pass_at_k
from lit_research.lean.corpus import Theorem
from lit_research.methods.self_play.attempts import attempt, problem_of
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.rewards import disjunctive_share, mean_conclusion_length
from lit_research.methods.self_play.state import PlayState


def pass_metrics(game: Game, name: str, theorems: Sequence[Theorem], k: int) -> dict[str, float]:
    """Attempt theorems; return pass@1, pass@k and pass@k of each family under ``name``.

    The sampling's seed is always the same, so that what changes is the Solver.

    Args:
        game: whose Solver attempts them.
        name: ``val``, ``test`` or ``val/targets``.
        theorems: one or more.
        k: attempts at each.
    """
    problems = [problem_of(theorem, i) for i, theorem in enumerate(theorems)]
    # Round -1: what is generated here is kept no longer than it must be.
    attempt(game, problems, k, (-1, name))
    right = [sum(r.verdict.proved for r in problem.rollouts) for problem in problems]
    families: dict[str, list[float]] = {}
    for theorem, correct in zip(theorems, right, strict=True):
        families.setdefault(theorem.tag or "untagged", []).append(float(correct > 0))
    return {
        f"{name}/pass_at_1": _mean([correct / k for correct in right]),
        f"{name}/pass_at_k": _mean([pass_at_k(k, correct, k) for correct in right]),
        **{f"{name}/pass_at_k_{tag}": _mean(solved) for tag, solved in families.items()},
    }


def target_metrics(state: PlayState, stage: str, targets: Sequence[Theorem]) -> dict[str, float]:
    """Return which targets are solved so far, and what their conclusions are like."""
    statements = [problem_of(theorem, i).statement for i, theorem in enumerate(targets)]
    return {
        f"{stage}/target_disjunctive_share": disjunctive_share(statements),
        f"{stage}/target_conclusion_length_tokens": mean_conclusion_length(statements),
        "self_play/solve_rate": state.share_solved([theorem.id for theorem in targets]),
    }


def evaluate(
    game: Game,
    stage: str,
    held_out: Sequence[Theorem],
    targets: Sequence[Theorem],
    k: int,
    *,
    attempt_targets: bool = False,
) -> dict[str, float]:
    """Return the metrics of a validation or a test.

    Args:
        game: whose Solver is evaluated.
        stage: ``val`` or ``test``.
        held_out: theorems to attempt; may be empty.
        targets: of the run; empty where all theorems of a file are held out.
        k: attempts at each theorem.
        attempt_targets: attempt the targets too.
    """
    metrics: dict[str, float] = {}
    if held_out:
        metrics |= pass_metrics(game, stage, held_out, k)
    if targets and attempt_targets:
        metrics |= pass_metrics(game, f"{stage}/targets", targets, k)
    if targets:
        metrics |= target_metrics(game.state, stage, targets)
    metrics |= {f"{stage}/{name}": v for name, v in game.state.recent_signs().items()}
    return metrics | {"self_play/generations": float(game.state.generations)}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
