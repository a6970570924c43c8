"""The conjectures that the Conjecturer trains on in a round, and their weights (section 3.2)."""

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
    """Return the weight of each conjecture that the Conjecturer trains on, by its index.

    The Guide grades only these, to save compute. Fills in the grades and weights of the report.
    """
    rules, conjectures = game.rules, report.conjectures
    selected = _select(rules, conjectures)
    if not selected:
        return {}
    scores = None
    if game.guide is not None:
        scores = _guide_scores(game, game.guide, report, selected)
        if report.guide_failures == 1:
            rank_zero_warn(
                f"round {report.round}: none of {len(selected)} grades of the Guide could be "
                "parsed, so the Conjecturer is not trained"
            )
            return {}
    lengths = [len(conjectures[i].written) for i in selected]
    penalties = overlong_weights(lengths, game.writer.max_new_tokens, rules.overlong)
    if rules.conjecturer == "stp":
        weights = [1.0 if penalty is None else penalty for penalty in penalties]
    else:
        rates = [conjectures[i].solve_rate for i in selected]
        weights = conjecturer_rewards(rates, scores, penalties)
    report.weights = dict(zip(selected, weights, strict=True))
    return report.weights


def _guide_scores(
    game: Game, guide: Guide, report: RoundReport, selected: Sequence[int]
) -> list[float]:
    """Return the Guide's scores of the selected conjectures."""
    targets = {target.target: target.statement for target in report.targets}
    conjectures = [report.conjectures[i] for i in selected]
    pairs = [(problem.statement, targets[problem.target]) for problem in conjectures]
    share = game.worker.share(pairs)
    grades = game.worker.gather(game.archive.grade(guide, share, report.round))
    scores, report.guide_failures = fill_failures(grades)
    report.grades = dict(zip(selected, grades, strict=True))
    report.guide_scores = dict(zip(selected, scores, strict=True))
    return scores


def _select(rules: Rules, conjectures: Sequence[Problem]) -> list[int]:
    """Return the indices of the conjectures that the Conjecturer trains on."""
    rates = [problem.solve_rate for problem in conjectures]
    if rules.conjecturer == "sgs":
        return select_conjectures(rates, rules.quantile)
    shortest = [
        min((len(r.proof or "") for r in problem.rollouts if r.verdict.proved), default=0)
        for problem in conjectures
    ]
    lengths = [len(problem.statement.text) for problem in conjectures]
    # STP drops the inelegant fifth of the conjectures made from each lemma. Here they are not made
    # from lemmas, so it is the fifth of the round.
    return select_stp_conjectures(rates, shortest, lengths)
