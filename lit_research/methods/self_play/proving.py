"""``predict``: prove the theorems of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.files import append_line
from lit_research.lm import weights_fingerprint
from lit_research.methods.base import datamodule
from lit_research.methods.self_play.evaluation import problems_of
from lit_research.methods.self_play.players import SOLVER

if TYPE_CHECKING:
    from lit_research.methods.self_play.module import SelfPlay


class ProofWriter:
    """Attempts theorems and appends a line for each to a JSONL file.

    A line: ``id``, ``statement``, ``proved``, ``proof`` (the shortest one, or null), ``attempts``,
    ``weights`` (which Solver). A theorem is not repeated that this Solver has proved, or attempted
    as often as is asked for.

    Args:
        module: whose Solver.
        file: where to; None is ``predict-step=N/proofs.jsonl`` in the run's folder.
    """

    def __init__(self, module: SelfPlay, file: str | None) -> None:
        self.module = module
        self.file = Path(file) if file else Path(module.trainer.log_dir or ".") / "proofs.jsonl"
        self.weights = weights_fingerprint(module.players.model(SOLVER))
        self.attempts = module.eval_attempts
        self.done: dict[str, bool] = {}
        if self.file.is_file():
            lines = [json.loads(line) for line in self.file.read_text().splitlines()]
            self.done = {
                line["statement"]: line["proved"]
                for line in lines
                if line["weights"] == self.weights
                and (line["proved"] or line["attempts"] >= self.attempts)
            }

    def prove(self, batch: dict[str, Any]) -> int:
        """Attempt the theorems of a batch; return how many were proved."""
        module = self.module
        theorems = [datamodule(module.trainer).attempted[number] for number in batch["targets"]]
        asked = problems_of(theorems)
        problems = [problem for problem in asked if problem.statement.text not in self.done]
        place = (-1, "predict", *(problem.name for problem in problems))
        module.table.attempt(problems, self.attempts, place)
        for problem in problems:
            proofs = [r.proof for r in problem.rollouts if r.verdict.proved and r.proof]
            best = min(proofs, key=len, default=None)
            self.done[problem.statement.text] = best is not None
            if module.trainer.is_global_zero:
                line = {
                    "id": problem.name,
                    "statement": problem.statement.text,
                    "proved": best is not None,
                    "proof": best,
                    "attempts": self.attempts,
                    "weights": self.weights,
                }
                append_line(self.file, json.dumps(line, ensure_ascii=False))
        return sum(self.done[problem.statement.text] for problem in asked)

    def finish(self) -> None:
        """Say what was proved."""
        rank_zero_info(
            f"{sum(self.done.values())} of {len(self.done)} theorems proved: {self.file}"
        )
