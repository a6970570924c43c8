"""Taking from a text what gives its author away and is no content: markup, typography, phrases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError

_LETTERS = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2026": "...",
        "\u00a0": " ",
    }
)
_LINES = (
    (re.compile(r"^\s{0,3}#{1,6}\s*(.*?)\s*#*\s*$"), r"\1"),  # headings
    (re.compile(r"^\s*(?:[-*+\u2022]|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)])\s+"), "- "),  # lists
    (re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,}|={3,})\s*$"), ""),  # rules
    (re.compile(r"^\s*>\s?"), ""),  # quotations
)
_INLINE = (
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),  # bold
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),  # italics
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"[ \t]+"), " "),
)
_DASH = re.compile(r"\s*\u2014\s*")


def strip_style(text: str, phrases: Iterable[str] = ()) -> str:
    """Return a text in one plain style: no markup, plain quotes and dashes, ``-`` for every list.

    Words stay as they are, so a style of wording remains; to remove that needs a rewriter, as in
    the first study. Stripping a stripped text changes nothing.

    Args:
        text: an idea.
        phrases: taken out wherever they stand, whatever their case: what only one arm writes.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    before = None
    while text != before:  # until nothing changes: one removal may bring together another
        before = text
        text = _stripped(text, phrases)
    return text


def _stripped(text: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        if phrase.strip():
            text = re.sub(re.escape(phrase), "", text, flags=re.IGNORECASE)
    text = _DASH.sub(" - ", text).translate(_LETTERS)
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _HIDDEN)
    lines = []
    for line in text.split("\n"):
        for pattern, to in (*_LINES, *_INLINE):
            line = pattern.sub(to, line)
        lines.append(line.strip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_HIDDEN = ("So", "Cf", "Cc", "Co", "Cn")  # pictures, and characters that are not seen

FEATURES = ("characters", "words a sentence", "list items", "commas a word", "long words (share)")
"""What ``style_gaps`` measures of a text."""


@dataclass(frozen=True)
class StyleGap:
    """How far a feature of style tells the arms apart.

    Attributes:
        feature: one of ``FEATURES``.
        auc: probability that a text of the treatment has more of it than one of the reference, ties
            counting half; 0.5 tells nothing.
        means: of the reference and of the treatment.
    """

    feature: str
    auc: float
    means: tuple[float, float]


def style_gaps(reference: Sequence[str], treatment: Sequence[str]) -> list[StyleGap]:
    """Return how far the style of texts tells two arms apart: what blinding has left.

    Args:
        reference: texts of one arm.
        treatment: texts of the other.

    Raises:
        UserError: an arm has no text.
    """
    if not reference or not treatment:
        raise UserError(
            f"there are {len(reference)} and {len(treatment)} texts, in style_gaps; must be one or "
            "more of each arm"
        )
    sides = [np.array([_features(text) for text in texts]) for texts in (reference, treatment)]
    found = []
    for number, feature in enumerate(FEATURES):
        a, b = (side[:, number] for side in sides)
        more = (b[:, None] > a[None]).mean() + (b[:, None] == a[None]).mean() / 2
        found.append(StyleGap(feature, float(more), (float(a.mean()), float(b.mean()))))
    return found


def _features(text: str) -> list[float]:
    words = re.findall(r"\w+", text)
    sentences = max(1, len(re.findall(r"[.!?](?:\s|$)", text)))
    count = max(1, len(words))
    return [
        float(len(text)),
        len(words) / sentences,
        float(len(re.findall(r"^- ", text, re.MULTILINE))),
        text.count(",") / count,
        sum(len(word) > 8 for word in words) / count,
    ]
