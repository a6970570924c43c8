"""A round of SGS: conjecture, attempt, judge, learn (section 3 of the paper)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lit_research.lean.corpus import Theorem
from lit_research.methods.self_play.archive import AttemptRecord, ConjectureRecord
from lit_research.methods.self_play.attempts import (
    attempt,
    problem_of,
    read_conjectures,
    write_conjectures,
)
from lit_research.methods.self_play.conjecturer import conjecturer_weights
from lit_research.methods.self_play.extraction import Extracted
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.monitor import RoundReport
from lit_research.methods.self_play.objectives import likelihood_loss
from lit_research.methods.self_play.players import CONJECTURER, ROLES, SOLVER, Role
from lit_research.methods.self_play.problems import Problem, Sample
from lit_research.methods.self_play.state import PlayState
from lit_research.methods.self_play.updates import UpdateReport, train_player
from lit_research.seeds import numbered_seed

# Rounds whose generations stay in the archive, for a run that resumes from an earlier checkpoint.
KEPT_ROUNDS = 20


def play_round(
    game: Game,
    round_: int,
    theorems: Sequence[Theorem],
    batch: Sequence[int],
    weigh: Callable[[Game, RoundReport], dict[int, float]] = conjecturer_weights,
) -> RoundReport:
    """Play a round; changes the players, the state and the archive.

    Args:
        game: what the round is played with; its ``optimizers`` must have both players.
        round_: number of the round.
        theorems: all targets.
        batch: indices of the targets of this round.
        weigh: returns the weights of the conjectures that the Conjecturer learns from.
    """
    rules, state, objective = game.rules, game.state, game.objective
    target_ids = [theorem.id for theorem in theorems]
    targets = [
        problem_of(theorems[index], index)
        for index in batch
        if objective.attempts_target(len(state.proofs.get(target_ids[index], ())))
    ]
    report = RoundReport(round_, targets, target_ids)
    _conjecture(game, report, theorems)
    problems = [*targets, *report.conjectures]
    attempt(game, problems, rules.attempts, (round_, "train"))
    state.generations += len(report.written) + rules.attempts * len(problems)
    _keep_proofs(state, round_, targets)
    _learn(game, report, problems, weigh)
    state.history.append([round_, state.generations, state.share_solved(target_ids)])
    if report.conjectures:
        state.keep_collapse_statistics(report.conjectures)
    _record(game, report)
    return report


def _conjecture(game: Game, report: RoundReport, theorems: Sequence[Theorem]) -> None:
    """Let the Conjecturer write conjectures for the unsolved targets."""
    unsolved = [t for t in report.targets if not game.state.is_solved(t.name)]
    if game.rules.conjectures and unsolved:
        report.written = write_conjectures(game, report.round, unsolved)
        statements = [problem_of(theorem, i).statement for i, theorem in enumerate(theorems)]
        report.conjectures, report.read = read_conjectures(game, report.written, statements)


def _learn(
    game: Game,
    report: RoundReport,
    problems: Sequence[Problem],
    weigh: Callable[[Game, RoundReport], dict[int, float]],
) -> None:
    """Train both players; fills in the updates of the report."""
    objective, round_ = game.objective, report.round
    solver_samples = objective.samples(problems)
    if objective.rounds > 1:
        solver_samples = game.state.with_recent(round_, solver_samples, objective.rounds)
    report.solver_problems = len({sample.group for sample in solver_samples})
    weights = weigh(game, report)
    report.solver = train_role(game, SOLVER, solver_samples, round_)
    if game.rules.train_conjecturer and weights:
        conjectures = report.conjectures
        conjecturer_samples = [
            Sample(conjectures[i].conjecture_prompt, conjectures[i].written, weight)
            for i, weight in weights.items()
        ]
        report.conjecturer = train_role(game, CONJECTURER, conjecturer_samples, round_)


def train_role(game: Game, role: Role, samples: Sequence[Sample], round_: int) -> UpdateReport:
    """Train a player on the samples of a round: the Solver by its objective's loss."""
    is_solver, objective = role == SOLVER, game.objective
    return train_player(
        game.players,
        role,
        samples,
        game.update,
        game.optimizers[role],
        seed=numbered_seed(game.seed, round_) * 2 + ROLES.index(role),
        loss=objective.loss if is_solver else likelihood_loss,
        keep_groups=is_solver and objective.keeps_groups,
        worker=game.worker,
    )


def _keep_proofs(state: PlayState, round_: int, targets: list[Problem]) -> None:
    for target in targets:
        for rollout in target.rollouts:
            if rollout.verdict.proved and rollout.proof is not None:
                state.add_proof(target.name, rollout.proof, round_)


def _record(game: Game, report: RoundReport) -> None:
    """Add the round to the archive, on rank 0; drop old generations, on every rank."""
    game.archive.drop_generations(report.round - KEPT_ROUNDS)
    if game.worker.rank != 0:
        return
    attempts = [
        AttemptRecord(
            report.round,
            problem.name,
            attempt_index,
            problem.conjecture is not None,
            problem.header,
            problem.statement.text,
            rollout.proof,
            rollout.verdict.proved,
            rollout.verdict.reason[:500],
            rollout.tokens,
        )
        for problem in [*report.targets, *report.conjectures]
        for attempt_index, rollout in enumerate(problem.rollouts)
    ]
    game.archive.add_attempts(attempts)
    game.archive.add_conjectures(_conjecture_records(report))


def _conjecture_records(report: RoundReport) -> list[ConjectureRecord]:
    index_of = {problem.name: i for i, problem in enumerate(report.conjectures)}
    records: list[ConjectureRecord] = []
    for number, ((target, _, completion), extracted) in enumerate(
        zip(report.written, report.read, strict=True)
    ):
        record = ConjectureRecord(
            report.round, target.name, number, completion.text, None, _reason(extracted)
        )
        index = index_of.get(f"conjecture/{target.name}/{number}")
        if index is not None:
            grade = report.grades.get(index)
            problem = report.conjectures[index]
            record = replace(
                record,
                statement=problem.statement.text,
                solve_rate=problem.solve_rate,
                relevance=grade.relevance if grade else None,
                redundancy=grade.redundancy if grade else None,
                complexity=grade.complexity if grade else None,
                weight=report.weights.get(index),
            )
        records.append(record)
    return records


def _reason(extracted: Extracted) -> str:
    return "" if extracted.statement is not None else extracted.reason
