"""The questions of ``ReasoningWorld``: how they are drawn, written, read and solved.

Everything is modulo 97. A question starts from a number and changes it step by step: by adding,
subtracting or multiplying by a small number. Its difficulty is the number of steps.

Legend: N questions, S steps of the longest.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lit_research.errors import UserError

MODULUS = 97
DOMAINS = ("arithmetic", "chains", "programs")
"""Expressions of 2 to 6 operands, 2 to 8 assignments, and programs with a loop."""
OFF_DOMAIN = "words"
"""Words to reverse, which no evaluation asks for."""
SIGNS = "+-*"
MAX_STEPS = 8

# Steps in the text, and how often a loop repeats them, of each domain.
SHAPES = {
    "arithmetic": [(steps, 1) for steps in range(1, 6)],
    "chains": [(steps, 1) for steps in range(1, 8)],
    "programs": [(body, repeats) for body in (1, 2) for repeats in (2, 3, 4)],
}
_NAMES = string.ascii_lowercase


class Drawn(NamedTuple):
    """Questions as numbers; the steps of a loop are repeated in ``sign`` and ``operand``."""

    domain: np.ndarray  # [N], indices of DOMAINS
    start: np.ndarray  # [N]
    body: np.ndarray  # [N], steps in the text
    repeats: np.ndarray  # [N], of the body
    sign: np.ndarray  # [N, S], indices of SIGNS
    operand: np.ndarray  # [N, S]


@dataclass(frozen=True)
class Solution:
    """How a question is solved.

    Attributes:
        steps: each step as it is written out, without its result: ``23+5``, or ``56*2=112`` where
            the result is not the reduced one.
        results: of each step; the last is the answer.
        places: what a writer who keeps his place puts before a step and after its result: the
            variable of a chain, the pass of a loop, the part of an expression that is still to be
            read.
    """

    steps: list[str]
    results: list[str]
    places: list[tuple[str, str]]

    @property
    def answer(self) -> str:
        """The answer."""
        return self.results[-1]


def draw(
    random: np.random.Generator, count: int, largest: int, max_steps: int = MAX_STEPS
) -> Drawn:
    """Draw questions: the domain uniformly, then the shape, then the numbers.

    Args:
        random: source of the draws.
        count: number of questions.
        largest: largest operand; the first number is below the modulus.
        max_steps: maximum difficulty.
    """
    domain_N = random.integers(len(DOMAINS), size=count)
    body_N, repeats_N = np.empty(count, np.int64), np.empty(count, np.int64)
    for index, domain in enumerate(DOMAINS):
        shapes = np.array([shape for shape in SHAPES[domain] if shape[0] * shape[1] <= max_steps])
        of_domain = np.flatnonzero(domain_N == index)
        chosen = shapes[random.integers(len(shapes), size=len(of_domain))]
        body_N[of_domain], repeats_N[of_domain] = chosen[:, 0], chosen[:, 1]
    start_N = random.integers(MODULUS, size=count)
    sign_NS = random.integers(len(SIGNS), size=(count, MAX_STEPS))
    # Nothing is multiplied by 1: such a step would be no step.
    low_NS = np.where(sign_NS == SIGNS.index("*"), 2, 1)
    operand_NS = random.integers(low_NS, largest + 1)
    in_body_NS = np.arange(MAX_STEPS) % body_N[:, None]
    rows = np.arange(count)[:, None]
    return Drawn(
        domain_N,
        start_N,
        body_N,
        repeats_N,
        sign_NS[rows, in_body_NS],
        operand_NS[rows, in_body_NS],
    )


def answers(drawn: Drawn) -> np.ndarray:
    """Return the answer of each question, ``[N]``."""
    value_N = drawn.start.copy()
    for step in range(MAX_STEPS):
        sign_N, operand_N = drawn.sign[:, step], drawn.operand[:, step]
        options = [value_N + operand_N, value_N - operand_N, value_N * operand_N]
        more_N = step < drawn.body * drawn.repeats
        value_N = np.where(more_N, np.choose(sign_N, options) % MODULUS, value_N)
    return value_N


def texts(drawn: Drawn) -> Iterator[str]:
    """Yield each question's text."""
    writers: list[Callable[[int, list[tuple[str, int]], int], str]] = [
        _arithmetic,
        _chain,
        _program,
    ]
    columns = (drawn.domain, drawn.start, drawn.body, drawn.repeats, drawn.sign, drawn.operand)
    for domain, start, body, repeats, signs, operands in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        steps = [(SIGNS[signs[i]], operands[i]) for i in range(body)]
        yield writers[domain](start, steps, repeats)


def _expression(first: str, steps: Sequence[tuple[str, int]]) -> str:
    """Return steps from left to right, in the order of operations that everyone knows."""
    text, is_sum = first, False
    for sign, operand in steps:
        if sign == "*" and is_sum:
            text = f"({text})"
        is_sum = sign != "*"
        text = f"{text}{sign}{operand}"
    return text


def _arithmetic(start: int, steps: list[tuple[str, int]], repeats: int) -> str:
    return _expression(str(start), steps)


def _chain(start: int, steps: list[tuple[str, int]], repeats: int) -> str:
    lines = [f"a={start}"]
    for name, before, (sign, operand) in zip(_NAMES[1:], _NAMES, steps, strict=False):
        lines.append(f"{name}={before}{sign}{operand}")
    return ";".join([*lines, f"{_NAMES[len(steps)]}?"])


def _program(start: int, steps: list[tuple[str, int]], repeats: int) -> str:
    body = _expression("x", steps)
    return f"x={start}\nfor _ in range({repeats}):x=({body})%{MODULUS}\nprint(x)"


_STEP = re.compile(r"([-+*])(\d+)")
_LOOP = re.compile(r"x=(\d+) for _ in range\((\d+)\):x=\((.*)\)%97 print\(x\)")
_CHAIN = re.compile(r"a=(\d+)((?:;[a-z]=[a-z][-+*]\d+)+);[a-z]\?")
_SUM = re.compile(r"\(*(\d+)([-+*\d()]+)")
_WORD = re.compile(r'reverse "(\w+)"')


def solve(question: str) -> Solution:
    """Solve a question that is only known as a text; case and space at its ends do not matter.

    Raises:
        UserError: it is no question of this world.
    """
    text = " ".join(question.lower().split())
    if text.startswith("r") and (found := _WORD.fullmatch(text)):
        letters = found[1][::-1]
        prefixes = [letters[:end] for end in range(1, len(letters) + 1)]
        return Solution(["" for _ in prefixes], prefixes, [("", "") for _ in prefixes])
    repeats = 1
    if text.startswith("x") and (found := _LOOP.fullmatch(text)):
        start, repeats, body = int(found[1]), int(found[2]), found[3]
    elif found := (_CHAIN if text.startswith("a") else _SUM).fullmatch(text):
        start, body = int(found[1]), found[2]
    else:
        raise UserError(f"the question is {question!r}, for solve; must be one of ReasoningWorld")
    steps, results, value = list[str](), list[str](), start
    for sign, digits in _STEP.findall(body) * repeats:
        number = int(digits)
        change = {"+": value + number, "-": value - number, "*": value * number}[sign]
        written, reduced = f"{value}{sign}{number}", change % MODULUS
        steps.append(written if change == reduced else f"{written}={change}")
        results.append(str(reduced))
        value = reduced
    return Solution(steps, results, _places(text, body, repeats))


def _places(text: str, body: str, repeats: int) -> list[tuple[str, str]]:
    found = list(_STEP.finditer(body))
    if text.startswith("a"):
        return [(f"{name}=", "") for name, _ in zip(_NAMES[1:], found, strict=False)]
    if text.startswith("x"):
        return [(f"{number}:", "") for number in range(1, repeats + 1) for _ in found]
    return [("", body[step.end() :]) for step in found]


def word_question(random: np.random.Generator) -> str:
    """Return a question of another domain: a word of 4 to 8 different letters, to be reversed."""
    letters = random.permutation(list(_NAMES))[: random.integers(4, 9)]
    return f'reverse "{"".join(letters)}"'


def slip(answer: str, random: np.random.Generator, but: Sequence[str] = ()) -> str:
    """Return a wrong answer that looks like the right one: a digit off, or two letters swapped.

    Args:
        answer: to be changed.
        random: source of the draw.
        but: further answers that must not come out.
    """
    if not answer.isdigit():
        wrong = [answer[:-2] + answer[:-3:-1], answer[1::-1] + answer[2:]]
    else:
        wrong = [str((int(answer) + off) % MODULUS) for off in (-10, -1, 1, 10)]
    allowed = [one for one in wrong if one != answer and one not in but]
    return allowed[random.integers(len(allowed))]
