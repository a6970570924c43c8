"""Facts: what can be asked about a source tree, each with its one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lit_research.methods.longcode.items import QuestionKind, Span

LONGEST_OPTION = 100
"""Characters of the longest answer that is asked for."""
_LENGTHS = (16, 40, LONGEST_OPTION)


@dataclass(frozen=True)
class Fact:
    """A question with its one answer, before it has other options.

    Attributes:
        kind: what is asked.
        type: what the answer is; options are all of one type.
        question: the text.
        answer: the right option.
        evidence: the lines that decide it.
        wrong: answers of other facts that must not be options, since they could be defended too.
    """

    kind: QuestionKind
    type: str
    question: str
    answer: str
    evidence: tuple[Span, ...]
    wrong: frozenset[str] = frozenset()

    @property
    def files(self) -> frozenset[str]:
        """Paths of the evidence."""
        return frozenset(span.file for span in self.evidence)

    @property
    def length(self) -> int:
        """Length class of the answer: the characters of its longest answers."""
        return next(most for most in _LENGTHS if len(self.answer) <= most)

    def fits(self, other: Fact) -> bool:
        """Return whether the two may be options of one question."""
        return (
            self.answer != other.answer
            and other.answer not in self.wrong
            and self.answer not in other.wrong
        )


@dataclass
class Found:
    """Facts, and how many questions were dropped, by reason.

    Attributes:
        facts: in the order of the files.
        dropped: ``kind: reason`` and how often.
    """

    facts: list[Fact] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, kind: QuestionKind, made: Iterable[Fact | str]) -> None:
        """Take facts, and reasons why one was not made; equal questions are dropped.

        Args:
            kind: of all of them.
            made: the facts, with a text in the place of each that was dropped.
        """
        for one in self._single(kind, list(made)):
            if isinstance(one, str):
                self.dropped[f"{kind}: {one}"] += 1
            else:
                self.facts.append(one)

    @staticmethod
    def _single(kind: QuestionKind, made: list[Fact | str]) -> Iterator[Fact | str]:
        asked = Counter(one.question for one in made if isinstance(one, Fact))
        for one in made:
            if isinstance(one, str):
                yield one
            elif asked[one.question] > 1:
                yield "asked twice"
            elif not one.answer.strip() or len(one.answer) > LONGEST_OPTION:
                yield "answer too long or empty"
            elif "`" in one.answer or "\n" in one.answer:
                yield "answer is not one plain line"
            else:
                yield one
