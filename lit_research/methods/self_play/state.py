"""What a run remembers from round to round; it lies in the checkpoint as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lit_research.methods.self_play.problems import Sample

KEPT_PROOFS = 16  # of a target (section 3 of the paper)
RECENT_ROUNDS = 3  # that the signs are of


@dataclass
class PlayState:
    """Proofs and counters.

    Attributes:
        proofs: of each target by its id: different ones, the first 16; no entry is unsolved.
        solved_in: the round in which each target was first solved.
        recent: samples of the last rounds, for objectives that learn from several: lists
            ``[round, group, prompt ids, written ids, weight, log-probabilities]``.
        generations: conjectures and attempts written so far in training, C of the law.
        history: ``[round, generations, share of the targets solved so far]`` after each round.
        signs: of the last rounds that had conjectures: number of them, share of disjunctive
            conclusions, mean length of the conclusions in tokens, share of solve rates in (0, 1).
    """

    proofs: dict[str, list[str]] = field(default_factory=dict)
    solved_in: dict[str, int] = field(default_factory=dict)
    recent: list[list[Any]] = field(default_factory=list)
    generations: int = 0
    history: list[list[float]] = field(default_factory=list)
    signs: list[list[float]] = field(default_factory=list)

    def add_proof(self, target: str, proof: str, round_: int) -> None:
        """Keep a proof of a target, unless it is there or there are enough."""
        kept = self.proofs.setdefault(target, [])
        self.solved_in.setdefault(target, round_)
        if len(kept) < KEPT_PROOFS and proof not in kept:
            kept.append(proof)

    def is_solved(self, target: str) -> bool:
        """Whether the target has a proof."""
        return target in self.proofs

    def share_solved(self, targets: Sequence[str]) -> float:
        """Return the share of ``targets`` that have a proof."""
        return sum(map(self.is_solved, targets)) / len(targets)

    def with_recent(self, round_: int, samples: Sequence[Sample], rounds: int) -> list[Sample]:
        """Keep the samples of a round; return them after those of the rounds before.

        Args:
            round_: its number.
            samples: of the round.
            rounds: how many, this one included, are kept.
        """
        kept = [entry for entry in self.recent if entry[0] > round_ - rounds]
        new = [
            [round_, s.group, list(s.prompt), list(s.written), s.weight, list(s.old_log_probs)]
            for s in samples
        ]
        self.recent = kept + new
        return [
            Sample(prompt, written, weight, old_log_probs, group)
            for _, group, prompt, written, weight, old_log_probs in self.recent
        ]

    def keep_signs(self, conjectures: int, signs: Sequence[float]) -> None:
        """Keep the signs of a round; forget those of rounds long past."""
        self.signs = [*self.signs, [conjectures, *signs]][-RECENT_ROUNDS:]

    def recent_signs(self) -> dict[str, float]:
        """Return the signs of the last rounds' conjectures, all together; nothing without any."""
        total = sum(row[0] for row in self.signs)
        names = ("disjunctive_share", "conclusion_length_tokens", "interior_share")
        return {
            name: sum(row[0] * row[place] for row in self.signs) / total
            for place, name in enumerate(names, start=1)
            if total
        }

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> PlayState:
        """Return what ``as_plain`` was made of."""
        return cls(**plain)
