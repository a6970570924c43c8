"""A round of SGS: conjecture, attempt, judge, learn (section 3 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lit_research.lean import Statement, parse_statement
from lit_research.methods.base import datamodule
from lit_research.methods.self_play.archive import AttemptRecord, ConjectureRecord
from lit_research.methods.self_play.extraction import Extracted
from lit_research.methods.self_play.monitor import RoundReport, log_round
from lit_research.methods.self_play.players import CONJECTURER, SOLVER
from lit_research.methods.self_play.playing import Table
from lit_research.methods.self_play.problems import Problem, Sample
from lit_research.methods.self_play.state import PlayState

if TYPE_CHECKING:
    from lit_research.methods.self_play.module import SelfPlay

# Rounds whose tokens stay in the archive for a run that goes on from an earlier checkpoint.
KEPT_ROUNDS = 20


def play_round(module: SelfPlay, round_: int, batch: Sequence[int]) -> None:
    """Play a round on the targets of a batch; leaves the players and the state changed."""
    data, rules, state, table = datamodule(module.trainer), module.rules, module.state, module.table
    objective = module.objective
    targets = [
        Problem(theorem.id, _parsed(theorem.statement), theorem.header, number)
        for number in batch
        for theorem in [data.targets[number]]
        if objective.attempts_target(len(state.proofs.get(theorem.id, ())))
    ]
    unsolved = [t for t in targets if not state.is_solved(t.name)]
    report = RoundReport(round_, targets, known=[t.id for t in data.targets])
    conjectures = _conjectures(module, table, report, unsolved)
    problems = [*targets, *conjectures]
    table.attempt(problems, rules.attempts, (round_, "train"))
    state.generations += len(report.written) + rules.attempts * len(problems)
    _keep_proofs(state, round_, targets)
    solver = objective.samples(problems)
    if objective.rounds > 1:
        solver = state.with_recent(round_, solver, objective.rounds)
    weights = module.conjecturer_weights(report)
    report.solver = module.train_role(SOLVER, solver, round_)
    if rules.train_conjecturer and weights:
        samples = [
            Sample(conjectures[i].conjecture_prompt, conjectures[i].written, weight)
            for i, weight in weights.items()
        ]
        report.conjecturer = module.train_role(CONJECTURER, samples, round_)
    report.solver_problems = len({sample.group for sample in solver})
    known = [theorem.id for theorem in data.targets]
    state.history.append([round_, state.generations, state.share_solved(known)])
    if conjectures:
        state.keep_signs(len(conjectures), report.signs())
    _record(table, report)
    log_round(module, report)
    if rules.is_over(state.generations):
        module.trainer.should_stop = True


def _parsed(text: str) -> Statement:
    statement = parse_statement(text)
    assert statement is not None, "the data module refuses what is no statement"
    return statement


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


def _record(table: Table, report: RoundReport) -> None:
    """Write the round into the archive, in the first process; forget tokens, in each."""
    table.archive.drop_generations(report.round - KEPT_ROUNDS)
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
