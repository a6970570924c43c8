"""Validation and test: pass@k on held-out theorems and on the targets, as metrics."""

from __future__ import annotations

from collections.abc import Sequence

from lit_research.evals import mean_pass_at_k
from lit_research.lean.corpus import Theorem
from lit_research.methods.self_play.attempts import attempt, problem_of
from lit_research.methods.self_play.collapse import disjunctive_share, mean_conclusion_length
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.state import PlayState


def pass_metrics(game: Game, name: str, theorems: Sequence[Theorem], k: int) -> dict[str, float]:
    """Attempt theorems; return pass@1, pass@k and pass@k of each family under ``name``.

    The sampling seed is fixed, so that only the Solver changes between evaluations.

    Args:
        game: whose Solver attempts them.
        name: prefix of the metrics: ``val``, ``test`` or ``val/targets``.
        theorems: at least one.
        k: attempts at each.
    """
    problems = [problem_of(theorem, i) for i, theorem in enumerate(theorems)]
    # As round -1, generations are dropped from the archive after the next round of training.
    attempt(game, problems, k, (-1, name))
    proved = [[r.verdict.proved for r in problem.rollouts] for problem in problems]
    families: dict[str, list[list[bool]]] = {}
    for theorem, attempts in zip(theorems, proved, strict=True):
        families.setdefault(theorem.tag or "untagged", []).append(attempts)
    results = {
        "pass_at_1": mean_pass_at_k(proved, 1),
        "pass_at_k": mean_pass_at_k(proved, k),
        **{f"pass_at_k_{tag}": mean_pass_at_k(family, k) for tag, family in families.items()},
    }
    return {f"{name}/{metric}": result.value for metric, result in results.items()}


def target_metrics(state: PlayState, stage: str, targets: Sequence[Theorem]) -> dict[str, float]:
    """Return the share of solved targets, and the collapse statistics of the targets themselves."""
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
        targets: of the run; empty if all theorems of a file are held out.
        k: attempts at each theorem.
        attempt_targets: also attempt the targets.
    """
    metrics: dict[str, float] = {}
    if held_out:
        metrics |= pass_metrics(game, stage, held_out, k)
    if targets and attempt_targets:
        metrics |= pass_metrics(game, f"{stage}/targets", targets, k)
    if targets:
        metrics |= target_metrics(game.state, stage, targets)
    collapse = game.state.recent_collapse_statistics()
    metrics |= {f"{stage}/{name}": value for name, value in collapse.items()}
    return metrics | {"self_play/generations": float(game.state.generations)}
