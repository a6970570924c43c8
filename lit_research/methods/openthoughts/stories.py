"""Word problems of ``WordedWorld``: how they are told in words, and answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from lit_research.methods.openthoughts.story_forms import FORMS, Kind

STEPS: tuple[Kind, ...] = ("more", "fewer", "times")
"""Kinds of sentences that change the number."""
_BRACKETS = re.compile(r"\[(.*?)\]")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a story.

    Attributes:
        kind: what it says of the numbers.
        form: its index among ``FORMS`` of the kind.
        words: which of the words in the brackets of a form are used.
        number: that it tells; None where there is none.
        quality: an adjective, if the form has one.
        when: a time, if the form has one.
    """

    kind: Kind
    form: int
    words: int
    number: int | None
    quality: str
    when: str

    def after(self, value: int) -> int:
        """Return what the number is after the sentence.

        Args:
            value: what it was before.
        """
        number = self.number or 0
        return {
            "start": number,
            "more": value + number,
            "fewer": value - number,
            "times": value * number,
        }.get(self.kind, value)


@dataclass(frozen=True)
class Story:
    """A word problem.

    Attributes:
        name: of the protagonist.
        other: of another person.
        things: what is counted.
        place: where it is.
        sentences: from the first number to the question.
    """

    name: str
    other: str
    things: str
    place: str
    sentences: tuple[Sentence, ...]

    @property
    def steps(self) -> int:
        """How often the number changes."""
        return sum(one.kind in STEPS for one in self.sentences)

    @property
    def answer(self) -> int:
        """The number in the end, or below 0 if more go than there are."""
        value = 0
        for one in self.sentences:
            value = one.after(value)
            if value < 0:
                break
        return value

    def text(self) -> str:
        """Return the question."""
        names = {
            "name": self.name,
            "other": self.other,
            "things": self.things,
            "place": self.place,
        }
        said = list[str]()
        for one in self.sentences:
            slots = {"number": one.number, "quality": one.quality, "when": one.when}
            text = _worded(FORMS[one.kind][one.form], one.words).format(**names, **slots)
            said.append(text[0].upper() + text[1:])
        return " ".join(said)

    def reworded(self, random: np.random.Generator) -> Story:
        """Return the same story with each sentence in another form."""
        told = [
            replace(one, form=another(one.form, len(FORMS[one.kind]), random))
            for one in self.sentences
        ]
        return replace(self, sentences=tuple(told))

    def renumbered(self, random: np.random.Generator) -> Story:
        """Return the same story with another number, of as many digits, and so another answer."""
        numbered = [place for place, one in enumerate(self.sentences) if one.number is not None]
        while True:
            place = numbered[random.integers(len(numbered))]
            told = list(self.sentences)
            number = told[place].number or 0
            low = 10 ** (len(str(number)) - 1)
            told[place] = replace(told[place], number=int(random.integers(max(2, low), 10 * low)))
            story = replace(self, sentences=tuple(told))
            if told[place].number != number and story.answer > 0:
                return story


def another(index: int, count: int, random: np.random.Generator) -> int:
    """Return an index below ``count`` that is not the given one."""
    return (index + int(random.integers(1, count))) % count


def _worded(form: str, words: int) -> str:
    """Return a form with one of the words of each bracket: a digit of ``words`` says which."""

    def word(found: re.Match[str]) -> str:
        nonlocal words
        options = found[1].split("|")
        words, which = divmod(words, len(options))
        return options[which]

    return _BRACKETS.sub(word, form)
