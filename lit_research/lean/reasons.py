"""Reasons of verdicts, from what Lean says."""

from __future__ import annotations

import re

DETAIL = 1000  # characters of a reason
_RESOURCE = re.compile(r"\(deterministic\) timeout|maximum number of heartbeats")
_MEMORY = re.compile(r"excessive memory|out of memory|memory limit", re.IGNORECASE)


def cut(text: str) -> str:
    """Return a text that is no longer than a reason may be, and can be written as UTF-8."""
    short = text if len(text) <= DETAIL else f"{text[:DETAIL]} ..."
    return short.encode(errors="replace").decode()


def error_reason(text: str, detail: str) -> str:
    """Return the reason of a verdict for an error of Lean's.

    Args:
        text: what Lean says.
        detail: the same as it is shown, truncated.
    """
    start = text[: 4 * DETAIL]
    if _MEMORY.search(start):
        return f"memory: {detail}"
    if _RESOURCE.search(start):
        return f"timeout: {detail}"
    if text.startswith("unsolved goals"):
        return f"unsolved goals: {detail.removeprefix('unsolved goals').strip()}"
    return f"error: {detail}"
