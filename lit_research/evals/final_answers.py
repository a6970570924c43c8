r"""Final answers that texts state: ``\boxed{...}``, ``#### ...``, "the final answer is ..."."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lit_research.evals.verdicts import Attempt, shorten

END_OF_THOUGHT = ("</think>", "<|end_of_thought|>")

# A box (a text escaped twice has two backslashes), an escaped character, a brace.
_TOKEN = re.compile(r"(?P<box>\\{1,2}(?:boxed|fbox)(?![A-Za-z])(?:\s*\{)?)|\\.|[{}]", re.DOTALL)
_PHRASE = re.compile(r"final answer[ \t*]{0,8}(?:is\b|:)[\s:*]*", re.IGNORECASE)
_MATH = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


@dataclass(frozen=True)
class Final:
    """The final answer that a text states, or why there is none.

    Attributes:
        text: the answer; None if the text states none, or if it cannot be told where it ends.
        reason: why ``text`` is None: ``none`` or ``malformed: ...``.
    """

    text: str | None
    reason: str = ""


def parse_final(text: str) -> Final:
    r"""Return the final answer of a text, in time linear in its length.

    The thoughts are left out: what stands up to the last ``</think>``, if something follows it. Of
    the rest counts the last ``\boxed{...}`` that is not inside another; else the last line, if it
    has ``####`` followed by an answer, as in GSM8K; else what follows the last "final answer is" or
    "final answer:", up to the end of its sentence. A box that is never closed is malformed, and so
    is an empty one: an earlier box is not taken in its place.
    """
    for tag in END_OF_THOUGHT:
        after = text.rpartition(tag)[2]
        text = after if after.strip() else text
    box = _last_box(text)
    if box is not None:
        return box
    stated = _after_hashes(text) or _after_phrase(text)
    return Final(stated) if stated else Final(None, "none")


def final_of(attempt: Attempt, max_characters: int) -> Final:
    """Return the final answer of an attempt: that which it holds, or which its text states.

    Args:
        attempt: to be verified.
        max_characters: a longer text is not read: ``too long: ...``.
    """
    text = attempt.text if attempt.final is None else attempt.final
    if len(text) > max_characters:
        return Final(None, f"too long: {len(text)} characters, over {max_characters}")
    if attempt.final is None:
        return parse_final(text)
    return Final(text) if text.strip() else Final(None, "none")


def _last_box(text: str) -> Final | None:
    """Return the content of the last outermost box; None without a box."""
    closed: list[tuple[int, int, int]] = []  # start, start of the content, its end
    opened: list[tuple[int, int] | None] = []  # braces: start and content of a box, or no box
    broken = -1  # start of the last box without a brace
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word == "{":
            opened.append(None)
        elif word == "}":
            box = opened.pop() if opened else None
            if box is not None:
                while closed and closed[-1][0] > box[0]:
                    closed.pop()  # inside this one
                closed.append((*box, token.start()))
        elif token["box"]:
            if word.endswith("{"):
                opened.append((token.start(), token.end()))
            else:
                broken = token.start()
    unclosed = max((box[0] for box in opened if box is not None), default=-1)
    start, content, end = closed[-1] if closed else (-1, 0, 0)
    if max(start, unclosed, broken) < 0:
        return None
    # Boxes that follow an unclosed one are closed themselves, and count.
    if unclosed > start or broken > max(start, end):
        return Final(None, f"malformed: {shorten(text[max(unclosed, broken) :], 30)} is not closed")
    answer = text[content:end].strip()
    return Final(answer) if answer else Final(None, "malformed: the box is empty")


def _after_hashes(text: str) -> str:
    """Return what follows ``####`` in the last line; a heading further up is no answer."""
    line = text.rstrip().rpartition("\n")[2]
    before, found, after = line.rpartition("####")
    return after.strip() if found and not before.endswith("#") else ""


def _after_phrase(text: str) -> str:
    """Return what follows the last "final answer is", up to the end of the sentence or formula."""
    end = -1
    for match in _PHRASE.finditer(text):
        end = match.end()
    if end < 0:
        return ""
    for opening, closing in _MATH:
        if text.startswith(opening, end):
            content, found, _ = text[end + len(opening) :].partition(closing)
            return content.strip() if found else ""
    line = text[end:].partition("\n")[0]
    return re.split(r"\.(?=\s|$)", line, maxsplit=1)[0].strip(" \t*")
