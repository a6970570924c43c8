r"""What stands around the mathematics of a final answer, and how people write it without LaTeX.

math-verify reads ``1 1/2`` as 1, ``1.5e3`` as 4.5 e, ``pi`` as a product of two variables, a word
as the product of its letters, and takes units away unread. What is here mends or marks these.
"""

from __future__ import annotations

import re

from lit_research.evals.final_answers import parse_final

_SYMBOLS = {
    "−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ",  # noqa: RUF001
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ",  # noqa: RUF001
    "∈": r"\in ", "±": r"\pm ", "°": r"^\circ ", "²": "^2", "³": "^3", "½": r"\frac{1}{2}",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip
_REWRITES = [
    (re.compile(pattern), by)
    for pattern, by in [
        (r"\{,\}", ","),
        (r"(?<!\\)\\[,;!: ]|\\q?quad\b|~", " "),
        (r"\\left\b|\\right\b|\\displaystyle\b|\\[bB]igg?[lr]?\b", ""),
        (r"\\varnothing\b", r"\\emptyset"),
        (r"√\s*(\d+|\([^()]*\)|[A-Za-z])", r"\\sqrt{\1}"),
        (r"√\s*\{", r"\\sqrt{"),
        (r"\*\*", "^"),
        (r"(?<![\\A-Za-z])pi(?![A-Za-z])", r"\\pi "),
        (r"(?i:(?<![\\A-Za-z])(?:infinity|inf|oo)(?![A-Za-z]))", r"\\infty "),
        (r"<=", r"\\le "),
        (r">=", r"\\ge "),
        (r"!=", r"\\ne "),
        (r"(?<![A-Za-z\d.])(\d+)\s+(\d+)/(\d+)(?![\d.])", r"\1\\frac{\2}{\3}"),
        (r"(?<![A-Za-z])(\d+\.?\d*|\.\d+)[eE]([+-]?\d+)(?![\w.])", r"\1\\times 10^{\2}"),
    ]
]
_WRAPPED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))
_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|operatorname|mbox|rm)\b\*?")
_COMMAND = re.compile(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\{[^{}]*\})?|\\[A-Za-z]+")
# Runs of letters with a meaning of their own: no words.
_FUNCTIONS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "log",
        "ln",
        "lg",
        "exp",
        "sqrt",
        "abs",
        "min",
        "max",
        "gcd",
        "lcm",
        "mod",
        "det",
        "lim",
        "and",
        "or",
    ]
)
_UNITS = frozenset(
    [
        "mm",
        "cm",
        "dm",
        "km",
        "mg",
        "kg",
        "ml",
        "dl",
        "cl",
        "ms",
        "ns",
        "ft",
        "in",
        "yd",
        "mi",
        "oz",
        "lb",
        "hr",
        "min",
        "sec",
        "hz",
        "kw",
        "kj",
        "mpa",
        "kpa",
        "ev",
    ]
)
# Units of one letter only behind a number, and written as text: elsewhere they are variables.
_LETTER_UNIT = re.compile(
    r"\d\s*\\(?:text|mathrm)\s*\{\s*([A-Za-z])\s*\}|\d\s+([msghlLJWNVAKC])\s*$"
)
REPEATING = re.compile(r"[\d.]\s*\\(?:overline|bar|dot)\b|\d\.\d*\(\d+\)")


def plain_notation(text: str) -> str:
    r"""Return a final answer or a key without what is around it, in LaTeX that is read rightly.

    Dollar signs, ``\boxed`` and a full stop at the end are taken away; symbols of Unicode and of
    programs are written in LaTeX.
    """
    if "boxed" in text:
        text = parse_final(text).text or text
    for symbol, by in _SYMBOLS.items():
        text = text.replace(symbol, by)
    text = text.strip().removesuffix(".").rstrip()
    for opening, closing in _WRAPPED:
        if text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
    text = text.replace("\\$", "").replace("$", "")
    for pattern, by in _REWRITES:
        text = pattern.sub(by, text)
    return text.strip().removesuffix(".").rstrip()


def words(text: str) -> tuple[str, ...]:
    r"""Return the words and units in a plain notation, in their order: what is no mathematics.

    A word has three letters at least, or is a unit; letters of a LaTeX command are none, those of
    ``\text`` are.
    """
    without = _COMMAND.sub(" ", _TEXT.sub(" ", text))
    found = [
        run
        for run in re.findall(r"[^\W\d_]+", without.lower())
        if (len(run) > 2 or run in _UNITS) and (run in _UNITS or run not in _FUNCTIONS)
    ]
    found += [(one or two).lower() for one, two in _LETTER_UNIT.findall(text)]
    return tuple(found)


def as_text(text: str) -> str:
    """Return a plain notation as text alone: without LaTeX's groups and commands for text."""
    return " ".join(re.sub(r"[{}.!]", " ", _TEXT.sub(" ", text)).casefold().split())
