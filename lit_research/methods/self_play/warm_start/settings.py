"""The settings of the warm start."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.ranges import COUNT, NOT_NEGATIVE, POSITIVE, check_range


@dataclass(frozen=True)
class WarmStart:
    """Supervised training before the first round.

    Args:
        depth: largest number of lines of a proof in the search.
        width: unfinished proofs per statement that the search keeps after each line.
        checks: largest number of attempts per statement in the search.
        proofs: largest number of proofs per statement to train on.
        lemmas: largest number of variations per statement to train on as lemmas for it.
        prove_lemmas: also search for proofs of the lemmas and train on them; without it, a small
            Solver proves hardly any conjecture that is unlike most targets.
        alternatives: number of statements with disjuncts added to their conclusion, per proved
            statement; a Solver that has seen none of them proves none.
        epochs: passes over all examples.
        batch_size: examples of a step.
        lr: peak learning rate, after a linear warmup over a tenth of the steps and before a linear
            decay to 0.
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
