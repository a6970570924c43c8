"""``Normalisation``: what equal texts may differ in; and the numbers of a text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Normalisation:
    """Makes texts equal that differ in the form of their characters, in case or in white space.

    Args:
        unicode: Unicode's NFKC: composed and decomposed letters, ligatures, full-width and
            superscript digits become equal. So do ``x²`` and ``x2``.
        case: Unicode's case folding: ``A`` and ``a``, ``ß`` and ``ss``.
        space: each run of white space becomes one space; none is left at the ends.
    """

    unicode: bool = True
    case: bool = True
    space: bool = True

    def __call__(self, text: str) -> str:
        """Return the normalised text; normalising it again changes nothing."""
        if self.unicode:
            text = unicodedata.normalize("NFKC", text)
        if self.case:
            text = text.casefold()
        if self.unicode and self.case:  # folding can take composed letters apart
            text = unicodedata.normalize("NFKC", text)
        return " ".join(text.split()) if self.space else text


def numbers(text: str) -> tuple[str, ...]:
    """Return the numbers of a text in order, as they are written in digits.

    Signs are not part of a number, since they may be operators; numbers in words are none.
    ``1,000`` is two numbers.
    """
    return tuple(_NUMBER.findall(unicodedata.normalize("NFKC", text)))
