"""The settings of the warm start."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.ranges import COUNT, NOT_NEGATIVE, POSITIVE, check_range


@dataclass(frozen=True)
class WarmStart:
    """Supervised training before the first round.

    Args:
        depth: lines of a proof that the search looks for, at most.
        width: unfinished proofs of a statement that the search goes on with.
        checks: attempts of the search at a statement, at most.
        proofs: of a statement to learn from, at most.
        lemmas: variations of each statement to learn as lemmas for it, at most.
        prove_lemmas: search for proofs of the lemmas too, and learn from them: without it a small
            Solver proves hardly any conjecture of the kinds that the targets are seldom of.
        alternatives: of the proved statements with further alternatives in their conclusions to
            learn from, for each statement: a Solver that has never seen any proves none.
        epochs: passes over all of it.
        batch_size: examples of a step.
        lr: peak of the learning rate; it rises over a tenth of the steps and falls to 0.
    """

    depth: int = 8
    width: int = 3
    checks: int = 60
    proofs: int = 2
    lemmas: int = 3
    prove_lemmas: bool = False
    alternatives: int = 0
    epochs: int = 10
    batch_size: int = 64
    lr: float = 2e-3

    def __post_init__(self) -> None:
        counts = ("depth", "width", "checks", "proofs", "lemmas", "epochs", "batch_size")
        where = "in warm_start of SelfPlay"
        check_range(COUNT, where, **{name: getattr(self, name) for name in counts})
        check_range(NOT_NEGATIVE, where, alternatives=self.alternatives)
        check_range(POSITIVE, where, lr=self.lr)
