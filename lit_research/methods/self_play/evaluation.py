"""Validation and test: pass@k on held-out theorems, the run's proofs verified anew, the law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from lit_research.errors import UserError
from lit_research.figures import add_text, code_block, text_table
from lit_research.lean import Attempt, parse_statement
from lit_research.methods.base import datamodule
from lit_research.methods.self_play.problems import Problem
from lit_research.methods.self_play.rewards import (
    disjunctive_share,
    mean_conclusion_length,
    pass_at_k,
)

if TYPE_CHECKING:
    from lit_research.lean.corpus.theorem_files import Theorem
    from lit_research.methods.self_play.module import SelfPlay


UNCERTAIN = ("timeout", "memory", "crashed", "server")  # kinds of verdicts that say nothing
DROPPED = 100_000  # generations before which the law does not hold (appendix A of the paper)


def problems_of(theorems: list[Theorem]) -> list[Problem]:
    """Return theorems as problems that can be attempted."""
    problems = []
    for number, theorem in enumerate(theorems):
        statement = parse_statement(theorem.statement)
        assert statement is not None, "the data module refuses what is no statement"
        problems.append(Problem(theorem.id, statement, theorem.header, number))
    return problems


class Evaluation:
    """Collects the theorems of an evaluation, then attempts all of them at once.

    Args:
        module: whose Solver attempts them.
        stage: ``val`` or ``test``.
    """

    def __init__(self, module: SelfPlay, stage: str) -> None:
        self.module, self.stage = module, stage
        self.theorems: list[Theorem] = []

    def add(self, batch: dict[str, Any]) -> None:
        """Take the theorems of a batch."""
        held_out = datamodule(self.module.trainer).held_out
        self.theorems += [held_out[number] for number in batch["targets"]]

    def finish(self) -> None:
        """Attempt the theorems; log pass@1, pass@k and pass@k of each family.

        The command ``validate`` attempts the targets too. The sampling's seed is always the same,
        so that what changes is the Solver.
        """
        module = self.module
        if self.theorems:
            self._attempt(self.stage, self.theorems)
        targets = datamodule(module.trainer).targets
        if targets:  # none where all theorems of a file are held out
            self._finish_targets(targets)
        for name, value in module.state.recent_signs().items():
            module.log_result(f"{self.stage}/{name}", value)
        module.log_result("self_play/generations", float(module.state.generations))

    def _finish_targets(self, targets: list[Theorem]) -> None:
        """Attempt the targets if that is the verb; log which are solved and what they are like."""
        module = self.module
        if module.trainer.state.fn == TrainerFn.VALIDATING:
            self._attempt(f"{self.stage}/targets", targets)
        statements = [problem.statement for problem in problems_of(targets)]
        values = {
            f"{self.stage}/target_disjunctive_share": disjunctive_share(statements),
            f"{self.stage}/target_conclusion_length_tokens": mean_conclusion_length(statements),
            "self_play/solve_rate": module.state.share_solved([t.id for t in targets]),
        }
        for name, value in values.items():
            module.log_result(name, value)

    def _attempt(self, name: str, theorems: list[Theorem]) -> None:
        """Attempt theorems, and log what came of it under ``name``."""
        module, k = self.module, self.module.eval_attempts
        problems = problems_of(theorems)
        # Round -1: what is generated here is kept no longer than it must be.
        module.table.attempt(problems, k, (-1, name))
        right = [sum(r.verdict.proved for r in problem.rollouts) for problem in problems]
        self.module.log_result(f"{name}/pass_at_1", _mean([c / k for c in right]))
        self.module.log_result(
            f"{name}/pass_at_k", _mean([pass_at_k(k, c, k) for c in right]), prog_bar=True
        )
        families: dict[str, list[float]] = {}
        for theorem, correct in zip(theorems, right, strict=True):
            families.setdefault(theorem.tag or "untagged", []).append(float(correct > 0))
        for tag, found in families.items():
            self.module.log_result(f"{name}/pass_at_k_{tag}", _mean(found))

    def replay(self) -> None:
        """Verify every proof of the run anew, and fit the law of its solve rate.

        Raises:
            UserError: a proof that was counted is not one.
        """
        module, state = self.module, self.module.state
        targets = {theorem.id: theorem for theorem in datamodule(module.trainer).targets}
        known = {problem.name: problem for problem in problems_of([*targets.values()])}
        recorded = [
            Attempt(known[name].statement.text, proof, known[name].header)
            for name in sorted(state.proofs)
            for proof in state.proofs[name]
            if name in known
        ]
        attempts = list(dict.fromkeys([*recorded, *module.archive.proved()]))
        verdicts = dict(zip(attempts, module.lean.verify(attempts), strict=True))
        # A busy machine, not the proof, may be to blame for these.
        open_ = [attempt for attempt, verdict in verdicts.items() if verdict.kind in UNCERTAIN]
        verdicts |= dict(zip(open_, module.lean.verify(open_), strict=True))
        unverified = [attempt for attempt in open_ if verdicts[attempt].kind in UNCERTAIN]
        wrong = [a for a, v in verdicts.items() if not v.proved and v.kind not in UNCERTAIN]
        self.module.log_result("test/proofs", float(len(attempts)))
        self.module.log_result("test/refuted", float(len(wrong)))
        self.module.log_result("test/unverified", float(len(unverified)))
        if targets:
            self._report(targets)
        if unverified:
            reason = verdicts[unverified[0]].reason
            rank_zero_warn(
                f"{len(unverified)} of {len(attempts)} recorded proofs could not be verified "
                f"anew, in two tries: {reason}"
            )
        if wrong:
            raise UserError(
                f"{len(wrong)} of {len(attempts)} recorded proofs do not verify, the first one "
                f"{wrong[0].statement!r} by {wrong[0].proof!r} ({verdicts[wrong[0]].reason}), of "
                "the run's checkpoint and archive: the Lean or its library has changed since, or a "
                "file was damaged"
            )

    def _report(self, targets: dict[str, Theorem]) -> None:
        state = self.module.state
        tags = sorted({theorem.tag or "untagged" for theorem in targets.values()})
        rows = [["family", "targets", "solved"]]
        for tag in tags:
            ids = [i for i, theorem in targets.items() if (theorem.tag or "untagged") == tag]
            rows.append([tag, str(len(ids)), f"{state.share_solved(ids):.3f}"])
        rows.append(["all", str(len(targets)), f"{state.share_solved(list(targets)):.3f}"])
        table = text_table(rows)
        law = _law_report(state.history)
        rank_zero_info(f"\n{table}\n\n{law}")
        add_text(self.module.trainer, "self_play/solved", code_block(table))
        add_text(self.module.trainer, "law/robustness", code_block(law))


def _law_report(history: list[list[float]]) -> str:
    """Return the sigmoid law of the cumulative solve rate with its robustness, in words.

    The paper's recipe: points under 100,000 generations are dropped, and the first one that is left
    is the origin. A run that is shorter than ten times that keeps all of its rounds.
    """
    from lit_research.laws import anchor
    from lit_research.laws.robustness import robustness

    generations = np.array([point[1] for point in history])
    solved = np.array([point[2] for point in history])
    long = len(history) > 0 and generations[-1] >= 10 * DROPPED
    try:
        law, C, rate = anchor(generations, solved, drop_below=DROPPED if long else 1)
        return robustness(law, C, rate).report()
    except UserError as refusal:
        return f"No fit of the solve rate's law: {refusal}"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
