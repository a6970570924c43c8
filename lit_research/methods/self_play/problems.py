"""Problems, the rollouts of attempts at them, and the samples that a player trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lit_research.lean import Statement, Verdict
from lit_research.lm.engines import Completion


@dataclass(frozen=True)
class Sample:
    """A prompt with a completion to train on.

    Attributes:
        prompt: token ids of the prompt.
        written: token ids of the completion.
        weight: of its negative log-likelihood, or its advantage (CISPO).
        old_log_probs: of ``written`` when it was generated, in nats (used only by CISPO).
        group: the same for all samples of a problem; see ``Objective.keeps_groups``.
    """

    prompt: Sequence[int]
    written: Sequence[int]
    weight: float = 1.0
    old_log_probs: Sequence[float] = ()
    group: int = 0


@dataclass(frozen=True)
class Rollout:
    """One attempt: the completion, the proof extracted from it, and the verdict.

    Attributes:
        completion: of the Solver.
        proof: a block of tactics; None if none could be extracted.
        verdict: of Lean.
        penalty: of an overlong text, -1 to 0, which replaces the reward; None for other texts.
        is_excluded: whether the rules exclude it from training (``drop_try``).
    """

    completion: Completion
    proof: str | None
    verdict: Verdict
    penalty: float | None = None
    is_excluded: bool = False

    @property
    def tokens(self) -> int:
        """Number of generated tokens."""
        return len(self.completion.token_ids)

    @property
    def is_lesson(self) -> bool:
        """Whether it is a proof that the Solver may train on."""
        return self.verdict.proved and not self.is_excluded

    @property
    def reward(self) -> float:
        """1 for a proof that the Solver may train on, else 0; ``penalty`` for any overlong text."""
        return float(self.is_lesson) if self.penalty is None else self.penalty


@dataclass
class Problem:
    """A target, or a conjecture written for one.

    Attributes:
        name: unique in a round.
        statement: to prove.
        header: imports and ``open`` commands before the statement.
        target: index of the target in its data set.
        prompt: token ids of the Solver's prompt.
        conjecture: the Conjecturer's completion; None for a target.
        conjecture_prompt: token ids of the Conjecturer's prompt.
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
        """Share of the attempts that are proofs, s, including those excluded from training."""
        return sum(r.verdict.proved for r in self.rollouts) / len(self.rollouts)

    @property
    def written(self) -> tuple[int, ...]:
        """Token ids of the Conjecturer's completion."""
        assert self.conjecture is not None, "a target has no completion of the Conjecturer"
        return self.conjecture.token_ids
