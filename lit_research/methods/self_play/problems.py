"""What is attempted, what came of it, and the texts that are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lit_research.lean import Statement, Verdict
from lit_research.lm.engines import Completion


@dataclass(frozen=True)
class Sample:
    """A text to learn from.

    Attributes:
        prompt: token ids.
        written: token ids after it.
        weight: of its negative log-likelihood, or its advantage (CISPO).
        old_log_probs: of ``written`` when it was written, in nats (CISPO alone reads them).
        group: samples of one problem have the same; see ``Objective.keeps_groups``.
    """

    prompt: Sequence[int]
    written: Sequence[int]
    weight: float = 1.0
    old_log_probs: Sequence[float] = ()
    group: int = 0


@dataclass(frozen=True)
class Rollout:
    """One attempt: what was written, the proof that was read in it, and the verdict.

    Attributes:
        completion: what was written.
        proof: a block of tactics; None if none could be read.
        verdict: of Lean.
        penalty: of a text that is too long, -1 to 0; it replaces the reward. None for others.
        is_excluded: whether the rules say that it is not learned from (``drop_try``).
    """

    completion: Completion
    proof: str | None
    verdict: Verdict
    penalty: float | None = None
    is_excluded: bool = False

    @property
    def tokens(self) -> int:
        """Tokens written."""
        return len(self.completion.token_ids)

    @property
    def is_lesson(self) -> bool:
        """Whether it is a proof that may be learned from."""
        return self.verdict.proved and not self.is_excluded

    @property
    def reward(self) -> float:
        """1 for a proof that may be learned from, else 0; ``penalty`` for any overlong text."""
        return float(self.is_lesson) if self.penalty is None else self.penalty


@dataclass
class Problem:
    """A target, or a conjecture made for one.

    Attributes:
        name: unique in a round.
        statement: what is to be proved.
        header: what stands before it.
        target: number of the target in its data set.
        prompt: of the Solver, token ids.
        conjecture: what the Conjecturer wrote; None for a target.
        conjecture_prompt: what it was asked with, token ids.
        rollouts: attempts at it.
    """

    name: str
    statement: Statement
    header: str
    target: int
    prompt: list[int] = field(default_factory=list)
    conjecture: Completion | None = None
    conjecture_prompt: list[int] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)

    @property
    def solve_rate(self) -> float:
        """Share of the attempts that are proofs, s; whether they may be learned from or not."""
        return sum(r.verdict.proved for r in self.rollouts) / len(self.rollouts)

    @property
    def written(self) -> tuple[int, ...]:
        """Token ids of a conjecture."""
        assert self.conjecture is not None, "a target is nobody's text"
        return self.conjecture.token_ids
