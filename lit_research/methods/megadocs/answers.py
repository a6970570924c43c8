"""From a model's answer to a text, or the reason why it is not used."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from lit_research.errors import UserError
from lit_research.ranges import COUNT, POSITIVE, check_range

_WHERE = "of AnswerReader"
_RUN = 8  # words of a run that two texts share

PREFACES = (
    r"(?:(?:sure|certainly|of course|okay|ok)\b[,.!:]*\s+)?"
    r"(?:here(?:['\u2019]s| is| are)|below is)\b[^\n]{0,200}:[*_ \t]*\n",
    r"[*_#\s]*(?:rewritten|rephrased|paraphrased)\b[^\n]{0,60}:[*_ \t]*\n",
)
"""Patterns of what models write before the text that they were asked for."""
REFUSALS = (
    r"(?:i['\u2019]m sorry|i am sorry|i apologi[sz]e|sorry)\b[,.]?\s+(?:but\s+)?(?:i\b|as\b)",
    r"(?:unfortunately,?\s+)?i (?:can['\u2019]?t|cannot|can not|am unable to|am not able to)\b"
    r"[^.\n]{0,60}\b(?:help|assist|fulfil|provide|rewrite|rephrase|comply|answer|do)\b",
    r"as an ai\b",
)
"""Patterns of the beginning of a refusal."""
_FENCE = re.compile(r"\s*```[^\n`]*\n(.*?)\n?```\s*", re.DOTALL)


@dataclass(frozen=True)
class Reading:
    """What an answer was read as.

    Attributes:
        text: to use; empty if there is a reason.
        reason: why the answer is not used: ``refused``, ``too short``, ``too long``, ``cut`` (at
            the length limit) or ``copied``; None if it is used.
        stripped: whether a preface or a code fence was taken off.
    """

    text: str
    reason: str | None = None
    stripped: bool = False


@dataclass(frozen=True)
class AnswerReader:
    """Take prefaces and code fences off an answer; sort out refusals and unusable texts.

    It reads answers that are stored, so another reader asks for no answer again.

    Args:
        min_tokens: shortest text, in tokens of the training tokenizer.
        max_tokens: longest text; None sets no limit.
        max_copied: largest share of a text's runs of eight words that the source may have too; of a
            shorter text, 1 if it is in the source. None sets no limit.
        keep_cut: use texts that end at the length limit of the generation.
        prefaces: regular expressions of what to take off at the beginning, in any case of letters.
        refusals: regular expressions of how refusals begin, in any case of letters.

    Raises:
        UserError: a number is out of range, or an expression is invalid.
    """

    min_tokens: int = 1
    max_tokens: int | None = None
    max_copied: float | None = 0.8
    keep_cut: bool = False
    prefaces: Sequence[str] = PREFACES
    refusals: Sequence[str] = REFUSALS

    def __post_init__(self) -> None:
        check_range(COUNT, _WHERE, min_tokens=self.min_tokens, max_tokens=self.max_tokens)
        check_range(POSITIVE, _WHERE, max_copied=self.max_copied)
        for pattern in (*self.prefaces, *self.refusals):
            _compiled(pattern)

    def card(self) -> dict[str, Any]:
        """Return the settings: plain JSON data."""
        return asdict(self) | {"prefaces": [*self.prefaces], "refusals": [*self.refusals]}

    def read(
        self, answer: str, source: str, count: Callable[[str], int], *, cut: bool = False
    ) -> Reading:
        """Read an answer.

        Args:
            answer: as the model wrote it.
            source: the document that it was made from.
            count: returns the number of tokens of a text.
            cut: whether the answer ends at the length limit.
        """
        text = self._stripped(answer)
        reason = self._reason(text, source, count, cut)
        return Reading("" if reason else text, reason, stripped=text != answer.strip())

    def _stripped(self, answer: str) -> str:
        text, before = answer.strip(), None
        while text != before:
            before = text
            for preface in self.prefaces:
                found = _compiled(preface).match(text)
                text = text[found.end() :].strip() if found else text
            fenced = _FENCE.fullmatch(text)
            text = fenced[1].strip() if fenced else text
        return text

    def _reason(self, text: str, source: str, count: Callable[[str], int], cut: bool) -> str | None:
        if any(_compiled(refusal).match(text) for refusal in self.refusals):
            return "refused"
        if cut and not self.keep_cut:
            return "cut"
        tokens = count(text) if text else 0
        if tokens < self.min_tokens:
            return "too short"
        if self.max_tokens is not None and tokens > self.max_tokens:
            return "too long"
        if self.max_copied is not None and copied_share(text, source) > self.max_copied:
            return "copied"
        return None


def copied_share(text: str, source: str) -> float:
    """Return the share of a text's runs of eight words that are in the source too.

    Of a text of fewer words: 1 if its words follow each other in the source, else 0.
    """
    words, others = text.split(), source.split()
    size = min(_RUN, len(words))
    if not size:
        return 0.0
    known = {tuple(others[i : i + size]) for i in range(len(others) - size + 1)}
    runs = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
    return sum(run in known for run in runs) / len(runs)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UserError(
            f"the pattern {pattern!r} is invalid ({error}), {_WHERE}; must be a regular expression"
        ) from error
