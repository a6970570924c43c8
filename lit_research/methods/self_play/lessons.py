"""What each player learns from in a round: which texts, with which weights (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lightning.pytorch.utilities import rank_zero_warn

from lit_research.methods.self_play.core import (
    cispo_advantages,
    conjecturer_rewards,
    in_solver_range,
    is_interior,
    overlong_weight,
    overlong_weights,
    select_conjectures,
    select_stp_conjectures,
    stp_weight,
    uses_try,
)
from lit_research.methods.self_play.guides import Guide, fill_failures
from lit_research.methods.self_play.monitor import RoundReport
from lit_research.methods.self_play.playing import Problem, Rollout, Table
from lit_research.methods.self_play.rules import Objective, Rules
from lit_research.methods.self_play.updates import Sample

if TYPE_CHECKING:
    from lit_research.methods.self_play.module import SelfPlay

# Solve rates that an objective learns from: above 0, and at most this.
HIGHEST: dict[Objective, float] = {"reinforce_half": 0.5, "reinforce": 1.0, "stp": 0.5}


def solver_samples(problems: Sequence[Problem], rules: Rules, limit: int) -> list[Sample]:
    """Return what the Solver learns from.

    Selection is by solve rates before the filters for ``try`` and for length (the spec's
    corrections); a text that is too long has a negative weight instead of its reward.

    Args:
        problems: with their rollouts.
        rules: say which.
        limit: L_max, in tokens.
    """
    if rules.objective == "cispo":
        return _cispo_samples(problems, rules, limit)
    if rules.objective == "expert_iteration":
        taken = [problem.conjecture is None for problem in problems]
    else:
        rates = [problem.solve_rate for problem in problems]
        taken = in_solver_range(rates, HIGHEST[rules.objective])
    samples: list[Sample] = []
    for group, problem in enumerate(problems):
        for rollout in problem.rollouts if taken[group] else ():
            if not rollout.verdict.proved or (rules.drop_try and uses_try(rollout.proof or "")):
                continue
            weight = overlong_weight(rollout.tokens, limit, rules.overlong)
            if weight is None:
                length, seconds = len(rollout.proof or ""), rollout.verdict.seconds
                weight = stp_weight(length, seconds) if rules.objective == "stp" else 1.0
            written = rollout.completion.token_ids
            # Proofs of earlier rounds join those of expert iteration: a target is one there.
            of = problem.target if rules.objective == "expert_iteration" else group
            samples.append(Sample(problem.prompt, written, weight, group=of))
    return samples


def _shaped_reward(rollout: Rollout, rules: Rules, limit: int) -> float:
    """CISPO's reward: an overlong text, right or wrong, has the negative value; ``try`` has 0."""
    late = overlong_weight(rollout.tokens, limit, rules.overlong)
    if late is not None:
        return late
    tried = rules.drop_try and uses_try(rollout.proof or "")
    return float(rollout.verdict.proved and not tried)


def _cispo_samples(problems: Sequence[Problem], rules: Rules, limit: int) -> list[Sample]:
    taken = is_interior([problem.solve_rate for problem in problems])
    groups = [
        (number, problem)
        for number, problem in enumerate(problems)
        if taken[number] and all(r.tokens for r in problem.rollouts)
    ]
    rewards = [[_shaped_reward(r, rules, limit) for r in problem.rollouts] for _, problem in groups]
    return [
        Sample(problem.prompt, r.completion.token_ids, worth, r.completion.log_probs, number)
        for (number, problem), of_group in zip(groups, cispo_advantages(rewards), strict=True)
        if any(of_group)
        for r, worth in zip(problem.rollouts, of_group, strict=True)
    ]


def conjecturer_weights(module: SelfPlay, report: RoundReport) -> dict[int, float]:
    """Return the weight of each conjecture that the Conjecturer learns from, by its number.

    The Guide is asked about those alone, to save compute. The report keeps what it said.
    """
    rules, played = module.rules, report.conjectures
    chosen = _chosen(rules, played)
    if not chosen:
        return {}
    scores = None
    if module.guide is not None:
        scores = _ask_guide(module.guide, module.table, report, chosen)
        if report.guide_failures == 1:
            rank_zero_warn(
                f"round {report.round}: the Guide graded none of {len(chosen)} conjectures, so the "
                "Conjecturer learns nothing from them"
            )
            return {}
    lengths = [len(played[i].written) for i in chosen]
    late = overlong_weights(lengths, module.hparams["max_new_tokens"], rules.overlong)
    if rules.conjecturer == "stp":
        weights = [1.0 if value is None else value for value in late]
    else:
        weights = conjecturer_rewards([played[i].solve_rate for i in chosen], scores, late)
    report.weights = dict(zip(chosen, weights, strict=True))
    return report.weights


def _ask_guide(
    guide: Guide, table: Table, report: RoundReport, chosen: Sequence[int]
) -> list[float]:
    """Return the Guide's scores of the chosen conjectures."""
    targets = {target.target: target.statement for target in report.targets}
    played = report.conjectures
    pairs = [(played[i].statement, targets[played[i].target]) for i in chosen]
    grades = table.gather(table.archive.grade(guide, table.share(pairs), report.round))
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
