"""What a solver is asked, and what it replies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lit_research.methods.longcode.items import LETTERS, QuestionItem, RepairItem
from lit_research.methods.longcode.records import Status
from lit_research.methods.longcode.trees import SourceTree


@dataclass(frozen=True)
class Step:
    """Which sample of an exam: an item at a length, its options moved, one of several answers.

    Attributes:
        item: id of the item.
        bucket: longest number of tokens of the prompt.
        rotation: places by which the options are moved, 0 to 3; 0 for a repair.
        repeat: number of the sample of the same prompt.
    """

    item: str
    bucket: int
    rotation: int = 0
    repeat: int = 0


@dataclass(frozen=True)
class AskedQuestion:
    """A question as it is put.

    Attributes:
        step: which sample it is.
        item: the question.
        options: in the order shown.
        correct: index of the right one.
        context: beginning of the prompt: the code, which other questions may share.
        rest: end of the prompt: goal, question and options.
        tokens: of the whole prompt, by the ladder's counter.
        depth: of the evidence in the code, 0 to 1; None where it is not known.
        refusal: why it cannot be asked, such as that it does not fit; None if it can.
        seed: of the sampling; of the step alone.
        cut: characters of the code that were left out of its middle, so that it fits.
    """

    step: Step
    item: QuestionItem
    options: tuple[str, ...]
    correct: int
    context: str
    rest: str
    tokens: int
    depth: float | None
    refusal: str | None = None
    seed: int = 0
    cut: int = 0

    @property
    def prompt(self) -> str:
        """The whole prompt."""
        return self.context + self.rest

    @property
    def letter(self) -> str:
        """The right letter."""
        return LETTERS[self.correct]


@dataclass(frozen=True)
class AskedRepair:
    """A fault as it is put.

    Attributes:
        step: which sample it is.
        item: the fault.
        tree: the source tree with the fault.
        prompt: all that the solver reads.
        tokens: of the prompt, by the ladder's counter.
        depth: of the evidence in the code, 0 to 1; None where it is not known.
        refusal: why it cannot be asked; None if it can.
        seed: of the sampling; of the step alone.
        cut: characters of the code that were left out of its middle, so that it fits.
    """

    step: Step
    item: RepairItem
    tree: SourceTree
    prompt: str
    tokens: int
    depth: float | None
    refusal: str | None = None
    seed: int = 0
    cut: int = 0


@dataclass(frozen=True)
class Reply:
    """What a solver answers.

    Attributes:
        output: the text; of a solver that writes none, the letter or nothing.
        status: ``answered`` where there is a text to be read, or the letter itself; the others as
            in ``records``.
        letter: the letter that is chosen without a text; None where ``output`` is to be read.
        details: further facts, such as scores and tokens.
    """

    output: str
    status: Status = "answered"
    letter: str | None = None
    details: dict[str, str | int | float | bool | None] = field(default_factory=dict)


class Solver(ABC):
    """Takes an exam."""

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Return what tells its answers from those of another: plain JSON data."""

    def prepare(self, shortest: int, device: Any) -> None:
        """Load what is needed, and refuse an exam that cannot be taken, before it begins.

        Args:
            shortest: fewest tokens of a prompt, by the ladder's counter.
            device: of the run.

        Raises:
            UserError: not even the shortest prompt can be read.
        """
        del shortest, device  # most solvers have nothing to load


class QuestionSolver(Solver):
    """Answers questions."""

    @abstractmethod
    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return a reply to each, in order."""


class RepairSolver(Solver):
    """Repairs faults."""

    @abstractmethod
    def repair(self, asked: Sequence[AskedRepair]) -> list[Reply]:
        """Return a reply to each, in order; its output holds a patch or edits."""
