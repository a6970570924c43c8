"""Which letter a text answers, by rules that have names: scores under two rules do not compare."""

from __future__ import annotations

import re
from collections.abc import Callable

from lit_research.errors import UserError, nearest
from lit_research.evals.final_answers import END_OF_THOUGHT

DEFAULT_RULE = "strict"
"""The rule of a report that names none."""

# Rando et al. 2025, as their scorer has it: it looks for no end of a word after the letter.
_PAPER = re.compile(r"Final Answer:\s*([ABCD])", re.IGNORECASE)
_PAPER_END = re.compile(r"\b([ABCD])\s*$", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{\s*(?:\\text\{\s*)?\(?([ABCD])\)?\s*\}")
_FIRST = re.compile(r"(?<![A-Za-z0-9_'])([ABCD])(?![A-Za-z0-9_'])")

# Of one line whose emphasis is gone and whose spaces are single. A small letter is an article
# ("the answer is a") where no colon is before it.
_LETTER = r"[(\[]?(?P<{}>[{}])[)\]]?\.?"
_STATED = re.compile(
    r"(?:[#>-]+ ?)?(?:[Tt]he )?(?i:(?:final |correct )?answer)"
    rf"(?:(?i: is)?(?: ?: ?){_LETTER.format('after', 'A-Da-d')}"
    rf"|(?i: is)? {_LETTER.format('said', 'A-D')})"
)
_ALONE = re.compile(r"[(\[]?([A-D])[)\]]?[.:]?")
# "B) the text of the option"; without the punctuation it could be a word, as in "A list is".
_OPTION = re.compile(r"\(?([A-D])(?:\)|[.:](?= )).*")
_EMPHASIS = str.maketrans("", "", '*_`"$')


def paper(text: str) -> str | None:
    """Return the letter by the paper's rule.

    That is the first ``Final Answer:`` before a letter from A to D in any case, else such a letter,
    alone, at the very end. It reads "Final Answer: Because" as B, and "is a" at the end as A.
    """
    found = _PAPER.search(text) or _PAPER_END.search(text.strip())
    return found[1].upper() if found else None


def boxed(text: str) -> str | None:
    r"""Return the letter in the last ``\boxed{...}`` that holds nothing else."""
    found = _BOXED.findall(text)
    return found[-1] if found else None


def first_letter(text: str) -> str | None:
    """Return the first capital letter from A to D that is a word of its own."""
    found = _FIRST.search(text)
    return found[1] if found else None


def strict(text: str) -> str | None:
    """Return the letter that the text states as its answer, and nothing where that is not certain.

    Thoughts before ``</think>`` are left out. A line counts that holds only ``Final Answer: B`` or
    ``Answer: B``, with any emphasis; of several lines the last. Without one the whole text must be
    one letter, or one line that begins with it as an option does: ``B) the text``.
    """
    for tag in END_OF_THOUGHT:
        text = text.rpartition(tag)[2]
    lines = [" ".join(line.translate(_EMPHASIS).split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    for line in reversed(lines):
        if found := _STATED.fullmatch(line):
            return (found["after"] or found["said"]).upper()
    if len(lines) != 1:
        return None
    found = _ALONE.fullmatch(lines[0]) or _OPTION.fullmatch(lines[0])
    return found[1] if found else None


RULES: dict[str, Callable[[str], str | None]] = {
    "strict": strict,
    "paper": paper,
    "boxed": boxed,
    "first_letter": first_letter,
}
"""The rules by name."""


def parse(text: str, rule: str = DEFAULT_RULE) -> str | None:
    """Return the letter that a text answers, by a rule; None where the rule finds none.

    Args:
        text: what a solver wrote, without its prompt: the prompt names letters too.
        rule: one of ``RULES``.

    Raises:
        UserError: there is no such rule.
    """
    if rule not in RULES:
        raise UserError(f"the rule is {rule!r}, in parse; {nearest(rule, RULES)}")
    return RULES[rule](text)


def parse_all(text: str) -> dict[str, str | None]:
    """Return the letter by every rule."""
    return {name: rule(text) for name, rule in RULES.items()}
