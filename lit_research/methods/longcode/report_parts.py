"""What the parts of an exam's report are."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.methods.longcode.length_effects import Difference, EffectiveLength
from lit_research.methods.longcode.records import Task
from lit_research.methods.longcode.share_intervals import Share


@dataclass(frozen=True)
class LengthReport:
    """What an exam says at one length.

    Attributes:
        length: longest number of tokens of a prompt.
        accuracy: mean over items of their share of right answers, with n items.
        samples: answers, right or wrong.
        statuses: number of samples of each status; the accuracy is of all but ``infrastructure``.
        rotations: accuracy of each rotation, questions alone.
        chosen: how often each letter was chosen.
        correct: how often each was right, of the same samples.
    """

    length: int
    accuracy: Share
    samples: int
    statuses: dict[str, int]
    rotations: dict[int, float]
    chosen: dict[str, int]
    correct: dict[str, int]


@dataclass(frozen=True)
class DepthReport:
    """Accuracy where the evidence begins between two shares of the code, over all lengths."""

    low: float
    high: float
    accuracy: Share


@dataclass(frozen=True)
class LetterBias:
    """How much more often a letter is chosen than it is right, as a share of the answers."""

    letter: str
    bias: float
    low: float
    high: float


@dataclass(frozen=True)
class TaskReport:
    """What an exam says of one task.

    Attributes:
        task: what was asked.
        lengths: one report for each, ascending.
        depths: one for each part of the code; empty where no depth is known.
        drops: between consecutive lengths, or those that were planned.
        area: mean accuracy over log2 of the length, and the ends of its interval.
        effective: the effective length.
        letters: bias of each letter; empty for repairs.
        confidence: of all intervals.
    """

    task: Task
    lengths: list[LengthReport]
    depths: list[DepthReport]
    drops: list[Difference]
    area: tuple[float, float, float]
    effective: EffectiveLength
    letters: list[LetterBias]
    confidence: float
