"""The state that a run carries from round to round, stored in checkpoints as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lit_research.methods.self_play.collapse import collapse_statistics, mean_over_rounds
from lit_research.methods.self_play.problems import Problem, Sample

KEPT_PROOFS = 16  # of each target (section 3 of the paper)
RECENT_ROUNDS = 3  # whose collapse statistics are kept


@dataclass
class PlayState:
    """Proofs and counters.

    Attributes:
        proofs: the first 16 distinct proofs of each solved target, by the target's id.
        solved_in: the round in which each target was first solved.
        recent: samples of the last rounds, for objectives that learn from several: lists
            ``[round, group, prompt ids, written ids, weight, log-probabilities]``.
        generations: conjectures and attempts written so far in training, C of the law.
        history: ``[round, generations, share of the targets solved so far]`` after each round.
        signs: ``[number of conjectures, *collapse statistics]`` of the last rounds that had
            conjectures; see ``collapse``.
    """

    proofs: dict[str, list[str]] = field(default_factory=dict)
    solved_in: dict[str, int] = field(default_factory=dict)
    recent: list[list[Any]] = field(default_factory=list)
    generations: int = 0
    history: list[list[float]] = field(default_factory=list)
    signs: list[list[float]] = field(default_factory=list)

    def add_proof(self, target: str, proof: str, round_: int) -> None:
        """Keep a proof of a target, unless it is a duplicate or enough are kept."""
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
        """Keep the samples of a round; return those of the last rounds, in order.

        Args:
            round_: number of the round.
            samples: of the round.
            rounds: number of rounds to keep, this one included.
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

    def keep_collapse_statistics(self, conjectures: Sequence[Problem]) -> None:
        """Keep the collapse statistics of a round's conjectures; drop those of older rounds."""
        row = [len(conjectures), *collapse_statistics(conjectures).values()]
        self.signs = [*self.signs, row][-RECENT_ROUNDS:]

    def recent_collapse_statistics(self) -> dict[str, float]:
        """Return the collapse statistics of the conjectures of the last rounds together."""
        return mean_over_rounds(self.signs)

    def as_plain(self) -> dict[str, Any]:
        """Return the state as plain data."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> PlayState:
        """Return the state whose plain data this is."""
        return cls(**plain)
