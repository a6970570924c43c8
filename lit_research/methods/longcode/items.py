"""Items of the exam: questions about code, and faults to be repaired; each says where it is from.

Both are plain data. The source files that a question is about, or that a fault is in, are a
``SourceTree`` (``trees``), named by ``tree``; items and trees are kept together by ``folders``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lit_research.errors import UserError

LETTERS = "ABCD"

QuestionKind: TypeAlias = Literal[
    "default", "raises", "defines", "base", "caller", "returns", "why", "published"
]
"""What is asked: the default of a parameter or the value of a constant; the exception that is
raised under a condition; the module that defines a name; a base class; the function that calls
another; what a call returns (found by running it); why, from a changelog or an issue; an item of
the released benchmark."""

RepairKind: TypeAlias = Literal["release", "mutation", "published"]
"""Where a fault is from: two consecutive releases, one changed expression, SWE-bench."""


@dataclass(frozen=True)
class Span:
    """Lines of a file; from 1, both ends included."""

    file: str
    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last:
            raise UserError(
                f"the lines are {self.first} to {self.last}, of {self.file!r}; must be from 1, in "
                "order"
            )


@dataclass(frozen=True)
class Origin:
    """Where an item is from.

    Attributes:
        package: name of the package or repository.
        version: of its release; empty where it is not known.
        sha256: of the source release, or of the tree's files where there is no release file.
        licence: SPDX expression or the release's own words; empty where it is not known.
        seed: of the builder.
        builder: name and version of what made the item.
    """

    package: str
    version: str = ""
    sha256: str = ""
    licence: str = ""
    seed: int = 0
    builder: str = ""


@dataclass(frozen=True)
class QuestionItem:
    """A question about a source tree, with four options of which one is right.

    Attributes:
        id: its name, one of a kind in a folder.
        kind: what is asked.
        question: without the options.
        options: in the order in which rotation 0 shows them.
        answer: index of the right option.
        tree: name of the source tree.
        origin: where it is from.
        evidence: the lines that decide it; empty where they are not known.
        tokens: of the whole tree, by the counter that the folder's card names.
        source: columns of an imported item that have no place above, as they were.

    Raises:
        UserError: there are not four options, two are equal, or the answer is none of them.
    """

    id: str
    kind: QuestionKind
    question: str
    options: tuple[str, ...]
    answer: int
    tree: str
    origin: Origin
    evidence: tuple[Span, ...] = ()
    tokens: int = 0
    source: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"of the question {self.id!r}"
        if not self.question.strip():
            raise UserError(f"the text is empty, {where}; give a question")
        if len(self.options) != len(LETTERS):
            raise UserError(f"there are {len(self.options)} options, {where}; must be 4")
        if len({option.strip() for option in self.options}) < len(self.options):
            raise UserError(f"two options are equal: {self.options!r}, {where}; must differ")
        if not 0 <= self.answer < len(self.options):
            raise UserError(
                f"the answer is {self.answer}, {where}; must be the index of an option, 0 to 3"
            )

    @property
    def letter(self) -> str:
        """The right letter in rotation 0."""
        return LETTERS[self.answer]

    def rotated(self, by: int) -> tuple[tuple[str, ...], int]:
        """Return the options moved cyclically by so many places, and the right one's index."""
        shift = by % len(self.options)
        options = self.options[-shift:] + self.options[:-shift] if shift else self.options
        return options, (self.answer + shift) % len(self.options)


@dataclass(frozen=True)
class RepairItem:
    """A fault in a source tree, and the tests that show it.

    Attributes:
        id: its name, one of a kind in a folder.
        kind: where the fault is from.
        statement: what is wrong, as the solver is told.
        tree: name of the source tree with the fault.
        tests: name of the tree of tests, which no solver sees; empty where they are elsewhere
            (``published``).
        patch: a unified diff that repairs it.
        fail_to_pass: node ids of pytest of the tests that fail before the repair and pass after.
        pass_to_pass: of those that pass before and after.
        origin: where it is from; its version is that of the faulty tree.
        evidence: the lines that the patch changes, in the faulty tree.
        tokens: of the whole tree, by the counter that the folder's card names.
        source: columns of an imported item that have no place above, as they were.

    Raises:
        UserError: no test fails before the repair, or one is in both lists.
    """

    id: str
    kind: RepairKind
    statement: str
    tree: str
    tests: str
    patch: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    origin: Origin
    evidence: tuple[Span, ...] = ()
    tokens: int = 0
    source: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"of the repair {self.id!r}"
        if not self.fail_to_pass:
            raise UserError(
                f"fail_to_pass is empty, {where}; must name a test that fails without the repair"
            )
        if both := sorted(set(self.fail_to_pass) & set(self.pass_to_pass)):
            raise UserError(
                f"the test {both[0]!r} is in fail_to_pass and in pass_to_pass, {where}; must be "
                "in one of them"
            )


Item: TypeAlias = QuestionItem | RepairItem
"""A question or a repair."""
