"""A round of SGS: conjecture, attempt, judge, learn (section 3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from lit_research.errors import UserError
from lit_research.lean import Statement, parse_statement
from lit_research.methods.base import datamodule
from lit_research.methods.self_play.archive import AttemptRecord, ConjectureRecord
from lit_research.methods.self_play.core import (
    cispo_advantages,
    conjecturer_rewards,
    expert_targets,
    in_solver_range,
    is_interior,
    overlong_weight,
    overlong_weights,
    select_conjectures,
    select_stp_conjectures,
    stp_weight,
    uses_try,
)
from lit_research.methods.self_play.extraction import Extracted
from lit_research.methods.self_play.guides import fill_failures
from lit_research.methods.self_play.monitor import RoundReport, log_round
from lit_research.methods.self_play.players import CONJECTURER, SOLVER
from lit_research.methods.self_play.playing import Problem, Rollout, Table
from lit_research.methods.self_play.state import KEPT_PROOFS, PlayState
from lit_research.methods.self_play.updates import Sample

if TYPE_CHECKING:
    from lit_research.methods.self_play.module import SelfPlay
    from lit_research.methods.self_play.reading import Theorem

Objective: TypeAlias = Literal["reinforce_half", "reinforce", "cispo", "expert_iteration", "stp"]
# Solve rates that an objective learns from: above 0, and at most this.
HIGHEST: dict[Objective, float] = {"reinforce_half": 0.5, "reinforce": 1.0, "stp": 0.5}
# Rounds whose tokens stay in the archive for a run that goes on from an earlier checkpoint.
KEPT_ROUNDS = 20


@dataclass(frozen=True)
class Rules:
    """The rules of a round.

    Args:
        attempts: at each problem, k.
        conjectures: for each unsolved target; 0 is reinforcement learning on the targets alone.
        conditioned: the Conjecturer is shown the target; False is the ablation.
        train_conjecturer: False freezes it.
        objective: of the Solver: ``reinforce_half`` (REINFORCE_1/2, the paper's), ``reinforce``,
            ``cispo``, ``expert_iteration`` or ``stp``.
        conjecturer: ``sgs``, or ``stp`` (seldom proved, not long statements with short proofs).
        quantile: the share of the solve rates between 0 and 1 up to which a conjecture may teach
            the Conjecturer; the easiest rest may not.
        overlong: share of ``max_new_tokens`` from which a text is penalised; 1: none is.
        drop_try: proofs that use the tactic ``try`` are not learned from.
        max_generations: the run ends with the round that reaches this many conjectures and
            attempts, the axis on which methods are compared; None is no limit.
    """

    attempts: int = 8
    conjectures: int = 1
    conditioned: bool = True
    train_conjecturer: bool = True
    objective: Objective = "reinforce_half"
    conjecturer: Literal["sgs", "stp"] = "sgs"
    quantile: float = 0.7
    overlong: float = 0.8
    drop_try: bool = True
    max_generations: int | None = None

    def __post_init__(self) -> None:
        where = "in rules of SelfPlay"
        if self.attempts < 2:
            raise UserError(f"attempts is {self.attempts}, {where}: give 2 or more")
        if self.conjectures < 0:
            raise UserError(f"conjectures is {self.conjectures}, {where}: give 0 or more")
        for name in ("quantile", "overlong"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(
                    f"{name} is {getattr(self, name)}, {where}: give a share from 0 to 1"
                )


def play_round(module: SelfPlay, round_: int, batch: Sequence[int]) -> None:
    """Play a round on the targets of a batch; leaves the players and the state changed."""
    data, rules, state, table = datamodule(module.trainer), module.rules, module.state, module.table
    targets = [
        Problem(theorem.id, _parsed(theorem.statement), theorem.header, number)
        for number in batch
        if _is_sampled(theorem := data.targets[number], rules, state)
    ]
    unsolved = [t for t in targets if not state.is_solved(t.name)]
    report = RoundReport(round_, targets, known=[t.id for t in data.targets])
    conjectures = _conjectures(module, table, report, unsolved)
    problems = [*targets, *conjectures]
    table.attempt(problems, rules.attempts, (round_, "train"))
    state.generations += len(report.written) + rules.attempts * len(problems)
    _keep_proofs(state, round_, targets)
    solver = solver_samples(problems, rules, state, module.hparams["max_new_tokens"])
    if rules.objective == "expert_iteration":
        state.keep_recent(round_, [(s.prompt, s.written) for s in solver])
        solver = [Sample(prompt, ids) for _, prompt, ids in state.recent]
    weights = _conjecturer_weights(module, table, report)
    report.solver = module.train_role(
        SOLVER, solver, cispo=rules.objective == "cispo", round_=round_
    )
    if rules.train_conjecturer and weights:
        samples = [
            Sample(conjectures[i].conjecture_prompt, _written(conjectures[i]), weight)
            for i, weight in weights.items()
        ]
        report.conjecturer = module.train_role(CONJECTURER, samples, cispo=False, round_=round_)
    report.solver_problems = len({sample.group for sample in solver})
    known = [theorem.id for theorem in data.targets]
    state.history.append([round_, state.generations, state.share_solved(known)])
    if conjectures:
        state.keep_signs(len(conjectures), report.signs())
    _record(table, report)
    log_round(module, report)
    if rules.max_generations is not None and state.generations >= rules.max_generations:
        module.trainer.should_stop = True


def _parsed(text: str) -> Statement:
    statement = parse_statement(text)
    assert statement is not None, "the data module refuses what is no statement"
    return statement


def _is_sampled(theorem: Theorem, rules: Rules, state: PlayState) -> bool:
    """Expert iteration leaves out the targets that have proofs enough."""
    if rules.objective != "expert_iteration":
        return True
    return bool(expert_targets([len(state.proofs.get(theorem.id, ()))], KEPT_PROOFS))


def _written(problem: Problem) -> tuple[int, ...]:
    assert problem.conjecture is not None
    return problem.conjecture.token_ids


def _conjectures(
    module: SelfPlay, table: Table, report: RoundReport, unsolved: list[Problem]
) -> list[Problem]:
    """Let the Conjecturer write; return what can be played."""
    rules = module.rules
    if rules.conjectures == 0 or not unsolved:
        return []
    report.written = table.conjecture(report.round, unsolved, rules.conjectures, rules.conditioned)
    known = [_parsed(theorem.statement) for theorem in datamodule(module.trainer).targets]
    report.conjectures, report.read = table.read_conjectures(report.written, known)
    return report.conjectures


def _keep_proofs(state: PlayState, round_: int, targets: list[Problem]) -> None:
    for target in targets:
        for rollout in target.rollouts:
            if rollout.verdict.proved and rollout.proof is not None:
                state.add_proof(target.name, rollout.proof, round_)


def solver_samples(
    problems: Sequence[Problem], rules: Rules, state: PlayState, limit: int
) -> list[Sample]:
    """Return what the Solver learns from.

    Selection is by solve rates before the filters for ``try`` and for length (the spec's
    corrections); a text that is too long has a negative weight instead of its reward.

    Args:
        problems: with their rollouts.
        rules: say which.
        state: proofs so far.
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
            samples.append(Sample(problem.prompt, written, weight, group=group))
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


def _conjecturer_weights(module: SelfPlay, table: Table, report: RoundReport) -> dict[int, float]:
    """Return the weight of each conjecture that the Conjecturer learns from, by its number.

    The Guide is asked about those alone, to save compute.
    """
    rules, played = module.rules, report.conjectures
    chosen = _chosen(rules, played)
    if not chosen:
        return {}
    scores = None
    if module.guide is not None and rules.conjecturer == "sgs":
        targets = {target.target: target.statement for target in report.targets}
        pairs = [(played[i].statement, targets[played[i].target]) for i in chosen]
        grades = table.gather(module.guide.score(table.share(pairs)))
        scores, report.guide_failures = fill_failures(grades)
        report.grades = dict(zip(chosen, grades, strict=True))
        report.guide_scores = dict(zip(chosen, scores, strict=True))
    lengths = [len(_written(played[i])) for i in chosen]
    late = overlong_weights(lengths, module.hparams["max_new_tokens"], rules.overlong)
    if rules.conjecturer == "stp":
        weights = [1.0 if value is None else value for value in late]
    else:
        weights = conjecturer_rewards([played[i].solve_rate for i in chosen], scores, late)
    report.weights = dict(zip(chosen, weights, strict=True))
    return report.weights


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
    return select_stp_conjectures(rates, shortest, lengths, [problem.target for problem in played])


def _record(table: Table, report: RoundReport) -> None:
    """Write the round into the archive, in the first process."""
    if table.rank != 0:
        return
    attempts = [
        AttemptRecord(
            report.round,
            problem.name,
            place,
            problem.conjecture is not None,
            problem.header,
            problem.statement.text,
            rollout.proof,
            rollout.verdict.proved,
            rollout.verdict.reason[:500],
            rollout.tokens,
        )
        for problem in [*report.targets, *report.conjectures]
        for place, rollout in enumerate(problem.rollouts)
    ]
    table.archive.add_attempts(attempts)
    table.archive.add_conjectures(_conjecture_records(report))
    table.archive.drop_generations(report.round - KEPT_ROUNDS)


def _conjecture_records(report: RoundReport) -> list[ConjectureRecord]:
    played = {problem.name: i for i, problem in enumerate(report.conjectures)}
    records: list[ConjectureRecord] = []
    for number, ((target, _, completion), found) in enumerate(
        zip(report.written, report.read, strict=True)
    ):
        record = ConjectureRecord(
            report.round, target.name, number, completion.text, None, _reason(found)
        )
        place = played.get(f"conjecture/{target.name}/{number}")
        if place is not None:
            grade = report.grades.get(place)
            problem = report.conjectures[place]
            record = replace(
                record,
                statement=problem.statement.text,
                solve_rate=problem.solve_rate,
                relevance=grade.relevance if grade else None,
                redundancy=grade.redundancy if grade else None,
                complexity=grade.complexity if grade else None,
                weight=report.weights.get(place),
            )
        records.append(record)
    return records


def _reason(found: Extracted) -> str:
    return "" if found.statement is not None else found.reason
