"""What the Conjecturer learns from in a round: its selection and weights (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch.utilities import rank_zero_warn

from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.guides import Guide, fill_failures
from lit_research.methods.self_play.monitor import RoundReport
from lit_research.methods.self_play.problems import Problem
from lit_research.methods.self_play.rewards import (
    conjecturer_rewards,
    overlong_weights,
    select_conjectures,
    select_stp_conjectures,
)
from lit_research.methods.self_play.rules import Rules


def conjecturer_weights(game: Game, report: RoundReport) -> dict[int, float]:
    """Return the weight of each conjecture that the Conjecturer learns from, by its number.

    The Guide is asked about those alone, to save compute. The report keeps what it said.
    """
    rules, played = game.rules, report.conjectures
    chosen = _chosen(rules, played)
    if not chosen:
        return {}
    scores = None
    if game.guide is not None:
        scores = _ask_guide(game, game.guide, report, chosen)
        if report.guide_failures == 1:
            rank_zero_warn(
                f"round {report.round}: the Guide graded none of {len(chosen)} conjectures, so the "
                "Conjecturer learns nothing from them"
            )
            return {}
    lengths = [len(played[i].written) for i in chosen]
    late = overlong_weights(lengths, game.writer.max_new_tokens, rules.overlong)
    if rules.conjecturer == "stp":
        weights = [1.0 if value is None else value for value in late]
    else:
        weights = conjecturer_rewards([played[i].solve_rate for i in chosen], scores, late)
    report.weights = dict(zip(chosen, weights, strict=True))
    return report.weights


def _ask_guide(game: Game, guide: Guide, report: RoundReport, chosen: Sequence[int]) -> list[float]:
    """Return the Guide's scores of the chosen conjectures."""
    targets = {target.target: target.statement for target in report.targets}
    played = report.conjectures
    pairs = [(played[i].statement, targets[played[i].target]) for i in chosen]
    own = game.worker.share(pairs)
    grades = game.worker.gather(game.archive.grade(guide, own, report.round))
    scores, report.guide_failures = fill_failures(grades)
    report.grades = dict(zip(chosen, grades, strict=True))
    report.guide_scores = dict(zip(chosen, scores, strict=True))
    return scores


def _chosen(rules: Rules, played: Sequence[Problem]) -> list[int]:
    """Return the numbers of the conjectures that may teach the Conjecturer."""
    rates = [problem.solve_rate for problem in played]
    if rules.conjecturer == "sgs":
        return select_conjectures(rates, rules.quantile)
    shortest = [
        min((len(r.proof or "") for r in problem.rollouts if r.verdict.proved), default=0)
        for problem in played
    ]
    lengths = [len(problem.statement.text) for problem in played]
    # STP drops the inelegant fifth of those made from one lemma; here none is, so of the round.
    return select_stp_conjectures(rates, shortest, lengths)
