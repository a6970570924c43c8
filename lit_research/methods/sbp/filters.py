"""``Filters``: which synthetic texts are refused, and why.

The paper reports repetition, duplicates and copying of d1, but not the rules that it filters by;
these are the package's own. All of them are pure functions of the texts and their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.methods.sbp.measures import longest_common_run, repeated_share
from lit_research.ranges import COUNT, SHARE, check_range
from lit_research.storage import content_hash
from lit_research.text import MinHash, find_duplicates

REPLACEMENT = "\ufffd"
"""What a byte-level tokenizer decodes bytes to that are no character."""

Document = tuple[str, str]
"""Id and text."""


@dataclass(frozen=True)
class Filters:
    """Limits beyond which a text is refused; None switches a filter off.

    Args:
        min_tokens: fewest tokens of a text, without its end.
        keep_unfinished: whether to keep texts that the limit on new tokens cut off.
        keep_undecodable: whether to keep texts with bytes that are no character.
        max_repetition: largest share of tokens in repeated n-grams (``repeated_share``).
        ngram: tokens of such an n-gram.
        max_copy: largest share of a text that one run of tokens of its d1 makes up.
        keep_equal: whether to keep texts that equal a document of the corpus or an earlier text.
        near_duplicate: Jaccard similarity of word shingles, at or above which a text duplicates a
            document of the corpus or an earlier text (MinHash).
        shingle: words of a shingle.

    Raises:
        UserError: a value is out of range, or equal texts are kept and similar ones are not.
    """

    min_tokens: int = 1
    keep_unfinished: bool = False
    keep_undecodable: bool = False
    max_repetition: float | None = 0.2
    ngram: int = 5
    max_copy: float | None = 0.5
    keep_equal: bool = False
    near_duplicate: float | None = 0.8
    shingle: int = 5

    def __post_init__(self) -> None:
        where = "in filters"
        sizes = {"min_tokens": self.min_tokens, "ngram": self.ngram, "shingle": self.shingle}
        check_range(COUNT, where, **sizes)
        check_range(SHARE, where, max_repetition=self.max_repetition, max_copy=self.max_copy)
        check_range(SHARE, where, near_duplicate=self.near_duplicate)
        if self.keep_equal and self.near_duplicate is not None:
            raise UserError(
                f"keep_equal is true and near_duplicate {self.near_duplicate}, {where}; must be "
                "null where equal texts are kept"
            )

    def reason(
        self, text: str, tokens: Sequence[int], seed_tokens: Sequence[int], *, finished: bool = True
    ) -> str | None:
        """Return why a text is refused by itself, or None.

        Args:
            text: the text, d2.
            tokens: its token ids, without the end of text, ``[T]``.
            seed_tokens: those of its d1; empty if it has none.
            finished: whether it ended by itself.
        """
        if not finished and not self.keep_unfinished:
            return "too long"
        if len(tokens) < self.min_tokens:
            return "too short"
        if REPLACEMENT in text and not self.keep_undecodable:
            return "undecodable"
        if self.repeats(tokens):
            return "repetition"
        if self.copies(tokens, seed_tokens):
            return "copied"
        return None

    def repeats(self, tokens: Sequence[int]) -> bool:
        """Return whether repeated n-grams cover too much of the tokens ``[T]``."""
        limit = self.max_repetition
        return limit is not None and repeated_share(tokens, self.ngram) > limit

    def copies(self, tokens: Sequence[int], seed_tokens: Sequence[int]) -> bool:
        """Return whether too much of the tokens ``[T]`` is one run of those of d1."""
        limit = self.max_copy
        return limit is not None and longest_common_run(seed_tokens, tokens) > limit * len(tokens)

    def duplicate_reasons(
        self, texts: Sequence[Document], corpus: Sequence[Document]
    ) -> list[str | None]:
        """Return for each text why it is refused as a duplicate, or None.

        Of several equal or similar texts the first is kept, unless a document of the corpus is
        like them.

        Args:
            texts: in the order in which they were asked for.
            corpus: the documents that the texts were made from.
        """
        reasons: list[str | None] = [None] * len(texts)
        if not self.keep_equal:
            known = {content_hash(text) for _, text in corpus}
            seen: set[str] = set()
            for row, (_, text) in enumerate(texts):
                name = content_hash(text)
                if name in known:
                    reasons[row] = "equal to a document of the corpus"
                elif name in seen:
                    reasons[row] = "equal to an earlier text"
                seen.add(name)
        if self.near_duplicate is not None:
            self._add_near(reasons, texts, corpus)
        return reasons

    def _add_near(
        self, reasons: list[str | None], texts: Sequence[Document], corpus: Sequence[Document]
    ) -> None:
        """Fill in the reasons of near-duplicates among the texts that are left."""
        left = [row for row, reason in enumerate(reasons) if reason is None]
        both = [*corpus, *(texts[row] for row in left)]
        settings = MinHash(shingle=self.shingle)
        assert self.near_duplicate is not None
        for duplicate in find_duplicates(both, settings, threshold=self.near_duplicate).found:
            if duplicate.row >= len(corpus):
                of_corpus = duplicate.of_row < len(corpus)
                name = "a document of the corpus" if of_corpus else "an earlier text"
                reasons[left[duplicate.row - len(corpus)]] = f"near-duplicate of {name}"
