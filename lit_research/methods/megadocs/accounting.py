"""Exact accounting: what is in a synthetic stream, and how often a run passes over it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from lit_research.methods.megadocs.core import KINDS, Kind, Megadoc
from lit_research.ranges import COUNT, Range, check_range

_WHERE = "in the accounting of megadocs"
_ROUNDING = 1e-6  # 90 / (1 - 0.1) is 100 steps, in spite of binary fractions


@dataclass(frozen=True)
class Account:
    """What is in a synthetic stream.

    Attributes:
        documents: number of synthetic documents.
        sources: number of real documents that they are, or were made from.
        generations: G, generated pieces of a source; and how many sources have that many.
        tokens: of each kind of piece, each piece by itself. Training adds an end of text to each
            document, and a token may reach across the border of two pieces.
        real_copies: real documents inside megadocs; the parts of a stretched one are one copy.
        longest: tokens of the longest synthetic document.
    """

    documents: int
    sources: int
    generations: dict[int, int]
    tokens: dict[Kind, int]
    real_copies: int
    longest: int

    @property
    def total_tokens(self) -> int:
        """Tokens of all kinds."""
        return sum(self.tokens.values())

    def card(self) -> dict[str, Any]:
        """Return the account as plain JSON data."""
        generations = {str(count): number for count, number in self.generations.items()}
        return {**asdict(self), "generations": generations, "total_tokens": self.total_tokens}


def count(megadocs: Iterable[Megadoc[Any]]) -> Account:
    """Count what is in a synthetic stream; it is read once."""
    documents = copies = longest = 0
    made_of = Counter[str]()
    tokens: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    for megadoc in megadocs:
        documents += 1
        longest = max(longest, sum(len(piece.tokens) for piece in megadoc.pieces))
        copies += len({p.source_id for p in megadoc.pieces if p.kind == "real"})
        made_of[megadoc.source_id] += 0
        for piece in megadoc.pieces:
            tokens[piece.kind] += len(piece.tokens)
        made_of.update(piece.source_id for piece in megadoc.generated)
    generations = dict(sorted(Counter(made_of.values()).items()))
    return Account(documents, len(made_of), generations, tokens, copies, longest)


def total_steps(real_windows: int, passes: int, share: float) -> int:
    """Return the length of a run, ``floor(real_windows * ep / (1 - w))``.

    In windows; or in steps, if ``real_windows`` counts the steps of a pass over the real text.

    Args:
        real_windows: windows, or steps, of a pass over the real text.
        passes: over the real text, ep.
        share: of all windows that are synthetic, w.

    Raises:
        UserError: a number is out of range.
    """
    check_range(COUNT, _WHERE, real_windows=real_windows, passes=passes)
    check_range(Range(above=0, below=1), _WHERE, share=share)
    return math.floor(real_windows * passes / (1 - share) + _ROUNDING)


@dataclass(frozen=True)
class Passes:
    """How often a run reads its text; see ``count_passes``.

    Attributes:
        total_windows: length of the run.
        synthetic_windows: how many of them are synthetic.
        real: passes over the real text in its own stream, ep.
        synthetic: passes over the synthetic text.
        real_with_copies: passes over the real text, those inside megadocs included.
    """

    total_windows: int
    synthetic_windows: int
    real: int
    synthetic: float
    real_with_copies: float


def count_passes(
    account: Account,
    *,
    real_windows: int,
    real_documents: int,
    synthetic_windows: int,
    passes: int,
    share: float,
) -> Passes:
    """Return how often ``MixedCorpus(passes, share)`` reads the real and the synthetic text.

    A share is not an amount: with few generations and a large share, the synthetic text is repeated
    dozens of times.

    Args:
        account: of the synthetic text.
        real_windows: windows of a pass over the real text.
        real_documents: documents of the real text.
        synthetic_windows: windows of a pass over the synthetic text.
        passes: over the real text, ep.
        share: of all windows that are synthetic, w.

    Raises:
        UserError: a number is out of range.
    """
    total = total_steps(real_windows, passes, share)
    sizes = {"real_documents": real_documents, "synthetic_windows": synthetic_windows}
    check_range(COUNT, _WHERE, **sizes)
    drawn = total - real_windows * passes
    synthetic = drawn / synthetic_windows
    copies = account.real_copies / real_documents
    return Passes(total, drawn, passes, synthetic, passes + synthetic * copies)
