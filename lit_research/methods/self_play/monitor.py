"""Reporting a round: its metrics, histograms and examples in TensorBoard, a line on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from lit_research.figures import add_text, code_block
from lit_research.methods.self_play.collapse import (
    collapse_statistics,
    disjunctive_share,
    mean_conclusion_length,
)
from lit_research.methods.self_play.extraction import Extracted
from lit_research.methods.self_play.guides import Grade
from lit_research.methods.self_play.problems import Problem
from lit_research.methods.self_play.updates import UpdateReport
from lit_research.metrics import gather_objects

if TYPE_CHECKING:
    from lit_research.lean import ServerCounts
    from lit_research.lm.engines import Completion
    from lit_research.methods.self_play.game import Game
    from lit_research.methods.self_play.state import PlayState

SHOWN = 6  # conjectures, and proofs, in TensorBoard


@dataclass
class RoundReport:
    """What happened in a round.

    Attributes:
        round: number of the round.
        targets: the attempted targets.
        target_ids: ids of all targets of the run.
        written: target, prompt and completion of each text of the Conjecturer.
        read: what was extracted from each completion.
        conjectures: those that are valid and new, and were attempted.
        grades: of the Guide, by index in ``conjectures``; None for an unparseable one.
        guide_scores: scores by index in ``conjectures``, failures filled in.
        guide_failures: share of the Guide's answers that could not be parsed.
        weights: of the Conjecturer's samples, by index in ``conjectures``.
        solver: the Solver's update.
        conjecturer: the Conjecturer's update.
        solver_problems: number of problems that the Solver learned from.
    """

    round: int
    targets: list[Problem]
    target_ids: Sequence[str]
    written: list[tuple[Problem, list[int], Completion]] = field(default_factory=list)
    read: list[Extracted] = field(default_factory=list)
    conjectures: list[Problem] = field(default_factory=list)
    grades: dict[int, Grade | None] = field(default_factory=dict)
    guide_scores: dict[int, float] = field(default_factory=dict)
    guide_failures: float = 0.0
    weights: dict[int, float] = field(default_factory=dict)
    solver: UpdateReport = field(default_factory=UpdateReport)
    conjecturer: UpdateReport = field(default_factory=UpdateReport)
    solver_problems: int = 0

    def metrics(self) -> dict[str, float]:
        """Return the scalar metrics of the round, without those that are undefined."""
        rollouts = [r for p in [*self.targets, *self.conjectures] for r in p.rollouts]
        entropies = [-sum(r.completion.log_probs) / r.tokens for r in rollouts if r.tokens]
        metrics = {
            "pass_at_k": _mean([float(p.solve_rate > 0) for p in self.targets]),
            "pass_at_1": _mean([p.solve_rate for p in self.targets]),
            # The mean over the tokens of each rollout, then over rollouts, in nats.
            "solver_entropy": _mean(entropies),
            "proof_length_tokens": _mean([float(r.tokens) for r in rollouts]),
            "unreadable_share": _mean([float(r.proof is None) for r in rollouts]),
            "trained_problems": float(self.solver_problems),
            "trained_samples": float(self.solver.samples),
            "solver_loss": self.solver.loss,
            "solver_steps": float(self.solver.steps),
        }
        statements = [p.statement for p in self.targets]
        metrics |= {
            "target_disjunctive_share": disjunctive_share(statements),
            "target_conclusion_length_tokens": mean_conclusion_length(statements),
        }
        if self.written:
            metrics["valid_conjecture_share"] = len(self.conjectures) / len(self.written)
        if self.conjectures:
            rates = [p.solve_rate for p in self.conjectures]
            metrics |= {
                "conjectures": float(len(self.conjectures)),
                **collapse_statistics(self.conjectures),
                "conjecture_pass_at_1": _mean(rates),
                "conjectures_never_proved": _mean([float(rate == 0) for rate in rates]),
                "conjectures_always_proved": _mean([float(rate == 1) for rate in rates]),
                "rewarded_conjectures": float(len(self.weights)),
                "conjecturer_loss": self.conjecturer.loss,
            }
        if self.weights:
            rewarded = [self.conjectures[i] for i in self.weights]
            metrics["r_solve"] = _mean([1 - p.solve_rate for p in rewarded])
        if self.guide_scores:
            metrics["r_guide"] = _mean(list(self.guide_scores.values()))
            metrics["guide_failure_share"] = self.guide_failures
        return {name: value for name, value in metrics.items() if value == value}  # not nan


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def round_metrics(game: Game, report: RoundReport) -> dict[str, float]:
    """Return the logged metrics of a round. Call it on every rank."""
    state = game.state
    metrics = report.metrics() | {
        "round": float(report.round),
        "generations": float(state.generations),
        "solved": float(len(set(state.proofs) & set(report.target_ids))),
        "solve_rate": state.share_solved(report.target_ids),
    }
    lean = _lean_metrics(gather_objects(game.verifier.counts))
    return {
        **{f"self_play/{name}": value for name, value in metrics.items()},
        **{f"lean/{name}": value for name, value in lean.items()},
    }


def round_line(state: PlayState, report: RoundReport) -> str:
    """Return one line about a round, for the screen."""
    solved = len(set(state.proofs) & set(report.target_ids))
    new = sum(1 for first in state.solved_in.values() if first == report.round)
    return (
        f"round {report.round}: {solved} of {len(report.target_ids)} targets solved "
        f"({new} new), {len(report.conjectures)} of {len(report.written)} conjectures played, "
        f"learned from {report.solver.samples} samples and {len(report.weights)} conjectures"
    )


def show_round(trainer: Trainer, report: RoundReport) -> None:
    """Show histograms of solve rates, conjectures and proofs in TensorBoard."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger) and trainer.is_global_zero:
            for name, problems in (("target", report.targets), ("conjecture", report.conjectures)):
                rates = torch.tensor([p.solve_rate for p in problems])
                if len(rates):
                    logger.experiment.add_histogram(
                        f"self_play/{name}_rates", rates, trainer.global_step
                    )
    if report.conjectures:
        add_text(trainer, "self_play/conjectures", code_block(_conjecture_text(report)))
    proofs = _proof_text(report)
    if proofs:
        add_text(trainer, "self_play/proofs", code_block(proofs))


def _lean_metrics(rank_counts: Sequence[ServerCounts]) -> dict[str, float]:
    """Return the counts of the servers of all processes, which run concurrently."""
    metrics: dict[str, float] = {}
    for counts in rank_counts:
        verdicts = {kind.replace(" ", "_"): count for kind, count in counts.by_kind.items()}
        for name, count in {**verdicts, "starts": counts.starts, "lost": counts.lost}.items():
            metrics[name] = metrics.get(name, 0.0) + count
    seconds = max(counts.seconds for counts in rank_counts)
    if seconds:
        metrics["attempts_per_s"] = sum(counts.run for counts in rank_counts) / seconds
    return metrics


def _conjecture_text(report: RoundReport) -> str:
    """Return some conjectures with their grades and weights, the largest weights first."""
    order = sorted(
        range(len(report.conjectures)), key=lambda i: -report.weights.get(i, float("-inf"))
    )
    blocks = []
    for i in order[:SHOWN]:
        problem, grade = report.conjectures[i], report.grades.get(i)
        grade_text = (
            f", Guide {grade.score} (relevance {grade.relevance}, redundancy {grade.redundancy}, "
            f"complexity {grade.complexity})"
            if grade
            else ""
        )
        weight_text = f", weight {report.weights[i]:.2f}" if i in report.weights else ""
        target = next(t for t in report.targets if t.target == problem.target)
        blocks.append(
            f"for    {target.statement.text}\nwrote  {problem.statement.text}\n"
            f"       solve rate {problem.solve_rate:.2f}{grade_text}{weight_text}"
        )
    return "\n\n".join(blocks)


def _proof_text(report: RoundReport) -> str:
    """Return proofs of the hardest solved targets."""
    solved = sorted((p for p in report.targets if p.solve_rate > 0), key=lambda p: p.solve_rate)
    blocks = []
    for problem in solved[:SHOWN]:
        proof = next(r.proof for r in problem.rollouts if r.verdict.proved)
        body = "\n".join(f"  {line}" for line in (proof or "").strip().splitlines())
        blocks.append(f"{problem.statement.text} := by\n{body}")
    return "\n\n".join(blocks)
