"""The end of a run: every recorded proof is verified again; the law of the solve rate is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from lightning.pytorch.utilities import rank_zero_warn

from lit_research.errors import UserError
from lit_research.figures import text_table
from lit_research.lean import Attempt, Verdict
from lit_research.lean.corpus import Theorem
from lit_research.methods.self_play.attempts import problem_of
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.state import PlayState

UNCERTAIN = ("timeout", "memory", "crashed", "server")  # verdicts that refute nothing
DROPPED = 100_000  # generations below which the law does not hold (appendix A of the paper)


@dataclass(frozen=True)
class Replay:
    """The verdicts of verifying the recorded proofs again.

    Attributes:
        verdicts: of each distinct attempt that the run had recorded as proved.
    """

    verdicts: dict[Attempt, Verdict]

    @property
    def refuted(self) -> list[Attempt]:
        """Attempts that are not proofs."""
        return [a for a, v in self.verdicts.items() if not v.proved and v.kind not in UNCERTAIN]

    @property
    def unverified(self) -> list[Attempt]:
        """Attempts that Lean could not finish in two tries."""
        return [a for a, v in self.verdicts.items() if v.kind in UNCERTAIN]

    def metrics(self) -> dict[str, float]:
        """Return the metrics of ``test``."""
        return {
            "test/proofs": float(len(self.verdicts)),
            "test/refuted": float(len(self.refuted)),
            "test/unverified": float(len(self.unverified)),
        }

    def check(self) -> None:
        """Warn of proofs that could not be verified.

        Raises:
            UserError: an attempt that was recorded as proved is not a proof.
        """
        total = len(self.verdicts)
        if self.unverified:
            reason = self.verdicts[self.unverified[0]].reason
            rank_zero_warn(
                f"{len(self.unverified)} of {total} recorded proofs could not be verified again, "
                f"in two tries: {reason}"
            )
        if self.refuted:
            first = self.refuted[0]
            raise UserError(
                f"{len(self.refuted)} of {total} recorded proofs do not verify, the first one "
                f"{first.statement!r} by {first.proof!r} ({self.verdicts[first].reason}), in the "
                "checkpoint and the archive of the run; must be verified with the Lean and the "
                "library of the run, from files that are not damaged"
            )


def replay(game: Game, targets: Sequence[Theorem]) -> Replay:
    """Verify every proof of the run again, without the cached verdicts of the archive."""
    state, lean = game.state, game.verifier.lean
    problems = {theorem.id: problem_of(theorem, i) for i, theorem in enumerate(targets)}
    recorded = [
        Attempt(problems[name].statement.text, proof, problems[name].header)
        for name in sorted(state.proofs)
        for proof in state.proofs[name]
        if name in problems
    ]
    attempts = list(dict.fromkeys([*recorded, *game.archive.proved()]))
    verdicts = dict(zip(attempts, lean.verify(attempts), strict=True))
    # The cause may be a busy machine, not the proof.
    again = [attempt for attempt, verdict in verdicts.items() if verdict.kind in UNCERTAIN]
    verdicts |= dict(zip(again, lean.verify(again), strict=True))
    return Replay(verdicts)


def solved_table(state: PlayState, targets: Sequence[Theorem]) -> str:
    """Return a table of the share of solved targets of each family."""
    tags = sorted({theorem.tag or "untagged" for theorem in targets})
    rows = [["family", "targets", "solved"]]
    for tag in tags:
        ids = [theorem.id for theorem in targets if (theorem.tag or "untagged") == tag]
        rows.append([tag, str(len(ids)), f"{state.share_solved(ids):.3f}"])
    ids = [theorem.id for theorem in targets]
    rows.append(["all", str(len(ids)), f"{state.share_solved(ids):.3f}"])
    return text_table(rows)


def law_report(history: list[list[float]]) -> str:
    """Return a report of the sigmoid law of the cumulative solve rate, with its robustness.

    As in the paper, points below 100,000 generations are dropped, and the first remaining point is
    the origin. A run of less than a million generations keeps all of its rounds.
    """
    from lit_research.laws import anchor
    from lit_research.laws.robustness import robustness

    generations = np.array([point[1] for point in history])
    solved = np.array([point[2] for point in history])
    is_long = len(history) > 0 and generations[-1] >= 10 * DROPPED
    try:
        law, C, rate = anchor(generations, solved, drop_below=DROPPED if is_long else 1)
        return robustness(law, C, rate).report()
    except UserError as refusal:
        return f"No fit of the solve rate's law: {refusal}"
