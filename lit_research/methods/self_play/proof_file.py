"""``predict``: attempts theorems and writes their proofs to a JSONL file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info

from lit_research.files import append_line
from lit_research.lean.corpus import Theorem
from lit_research.lm import weights_fingerprint
from lit_research.methods.self_play.attempts import attempt, problem_of
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.players import SOLVER


class ProofFile:
    """Attempts theorems and appends a line for each to a JSONL file.

    A line: ``id``, ``statement``, ``proved``, ``proof`` (the shortest one, or null), ``attempts``,
    ``weights`` (a fingerprint of the Solver's). A theorem is skipped if the file shows that this
    Solver has proved it, or attempted it at least as often.

    Args:
        game: whose Solver attempts them.
        file: the JSONL file; created if it is missing.
        attempts: at each theorem.
    """

    def __init__(self, game: Game, file: Path, attempts: int) -> None:
        self.game, self.file, self.attempts = game, file, attempts
        self.weights = weights_fingerprint(game.players.model(SOLVER))
        self.done: dict[str, bool] = {}
        if self.file.is_file():
            lines = [json.loads(line) for line in self.file.read_text().splitlines()]
            self.done = {
                line["statement"]: line["proved"]
                for line in lines
                if line["weights"] == self.weights
                and (line["proved"] or line["attempts"] >= self.attempts)
            }

    def prove(self, theorems: Sequence[Theorem]) -> int:
        """Attempt theorems; return the number of proved ones."""
        requested = [problem_of(theorem, i) for i, theorem in enumerate(theorems)]
        problems = [problem for problem in requested if problem.statement.text not in self.done]
        seed_path = (-1, "predict", *(problem.name for problem in problems))
        attempt(self.game, problems, self.attempts, seed_path)
        for problem in problems:
            proofs = [r.proof for r in problem.rollouts if r.verdict.proved and r.proof]
            shortest = min(proofs, key=len, default=None)
            self.done[problem.statement.text] = shortest is not None
            if self.game.worker.rank == 0:
                line = {
                    "id": problem.name,
                    "statement": problem.statement.text,
                    "proved": shortest is not None,
                    "proof": shortest,
                    "attempts": self.attempts,
                    "weights": self.weights,
                }
                append_line(self.file, json.dumps(line, ensure_ascii=False))
        return sum(self.done[problem.statement.text] for problem in requested)

    def finish(self) -> None:
        """Report how many theorems were proved."""
        rank_zero_info(
            f"{sum(self.done.values())} of {len(self.done)} theorems proved: {self.file}"
        )
