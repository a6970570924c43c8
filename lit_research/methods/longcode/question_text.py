"""Expressions as questions quote them."""

from __future__ import annotations

import tokenize
from io import StringIO

LONGEST_QUOTED = 100
"""Characters of the longest expression that a question quotes."""


def one_line(segment: str) -> str:
    """Return code on one line, with one space where it has any; empty where that is not safe."""
    if "\\" in segment:
        return ""
    if "\n" not in segment:
        return segment
    try:
        tokens = list(tokenize.generate_tokens(StringIO(f"({segment})").readline))
    except (tokenize.TokenError, IndentationError):
        return ""
    if any(token.type == tokenize.COMMENT or "\n" in token.string.strip() for token in tokens):
        return ""
    return " ".join(segment.split())
