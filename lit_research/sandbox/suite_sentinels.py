"""Tests with known outcomes, written into each file of a suite, so that forged ones show.

*Plain* sentinels compare numbers: one must fail, one must pass, in each file, and in unittest's way
too where the file uses it. A *twin* is a copy of a real test with another expected value: whoever
passes the test must fail its twin. What passes both equals everything, reads what is expected, or
does not run its tests. A test with twins gets a random name, as all sentinels have one: code under
test that picks tests by their names finds none.
"""

from __future__ import annotations

import ast
import random
import re
import threading
from collections.abc import Collection
from dataclasses import dataclass

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ATTEMPTS = 5
_PARSING = threading.Lock()
_TWINS = 2  # of a test: whoever guesses which of the three is true is wrong two times out of three


@dataclass(frozen=True)
class Marked:
    """A file of tests with its sentinels; tests are named as in node ids, ``Class::test``.

    Attributes:
        text: what is run.
        must_fail: plain sentinels.
        must_pass: plain sentinels.
        renamed: the true name of each test that has a random one.
        twins: by name of the twin, the random name of its original.
    """

    text: str
    must_fail: tuple[str, ...] = ()
    must_pass: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    twins: tuple[tuple[str, str], ...] = ()


def mark(
    text: str,
    generator: random.Random,
    *,
    twin: Collection[str] = (),
    guards: Collection[str] = ("sentinels", "twins", "names"),
) -> Marked:
    """Return a file of tests with sentinels; one that is not Python stays as it is.

    Args:
        text: the file.
        generator: of names, numbers and places.
        twin: names of the tests that get twins, where their form allows it.
        guards: which kinds to write: ``sentinels`` (plain ones), ``twins``, ``names``.
    """
    tree = _parsed(text)
    if tree is None:
        return Marked(text)
    lines = text.split("\n")
    inserts: list[tuple[int, int, list[str]]] = []  # first line, last line, what replaces them
    renamed, twins = [], []
    if {"twins", "names"} & set(guards):
        for prefix, function in _tests(tree):
            if prefix + function.name not in twin or not _is_free(text, function.name):
                continue
            group = _Group(lines, function, generator)
            name = group.rename() if "names" in guards else function.name
            renamed += [(prefix + name, prefix + function.name)] if name != function.name else []
            copies = group.twins(_TWINS) if "twins" in guards else []
            twins += [(prefix + copy, prefix + name) for copy in copies]
            inserts.append((group.first, group.last, group.shuffled()))
    must_fail: list[str] = []
    must_pass: list[str] = []
    if "sentinels" in guards:
        with_class = bool(re.search(r"\bunittest\b|\bTestCase\b", text))
        ends = [n.end_lineno or 0 for n in tree.body if isinstance(n, _DEFINITION)]
        for lines_of, fails, passes in _plain(generator, with_class):
            at = generator.choice(ends) if ends and generator.random() < 0.5 else len(lines)
            inserts.append((at + 1, at, lines_of))
            must_fail.append(fails)
            must_pass.append(passes)
    for first, last, new in sorted(inserts, key=lambda insert: -insert[0]):
        lines[first - 1 : last] = new
    return Marked(
        "\n".join(lines), tuple(must_fail), tuple(must_pass), tuple(renamed), tuple(twins)
    )


def _parsed(text: str) -> ast.Module | None:
    # Until 3.12 two threads that parse at once could count each other's depth (CPython #106905).
    with _PARSING:
        for attempt in range(_ATTEMPTS):
            try:
                return ast.parse(text)
            except (SyntaxError, ValueError):
                return None
            except SystemError:  # a thread of somebody else's
                if attempt == _ATTEMPTS - 1:
                    raise
    return None


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITION = (*_FUNCTION, ast.ClassDef)


def _tests(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    found: list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]] = []
    todo: list[tuple[str, ast.AST]] = [("", tree)]
    while todo:
        prefix, node = todo.pop()
        for child in getattr(node, "body", ()):
            if isinstance(child, _FUNCTION) and child.name.startswith("test"):
                found.append((prefix, child))
            elif isinstance(child, ast.ClassDef):
                todo.append((f"{prefix}{child.name}::", child))
    return found


def _is_free(text: str, name: str) -> bool:
    """Tell whether nothing but its definition names a test."""
    return len(re.findall(rf"\b{re.escape(name)}\b", text)) == 1


def _name(generator: random.Random) -> str:
    return "test_" + "".join(generator.choices(_LETTERS, k=12))


class _Group:
    """The lines of a test, and of its twins."""

    def __init__(
        self,
        lines: list[str],
        function: ast.FunctionDef | ast.AsyncFunctionDef,
        generator: random.Random,
    ) -> None:
        self.first = min([function.lineno, *(d.lineno for d in function.decorator_list)])
        self.last = function.end_lineno or function.lineno
        self._function, self._generator = function, generator
        self._lines = lines[self.first - 1 : self.last]
        self._true = self._lines
        self._copies: list[list[str]] = []

    def rename(self) -> str:
        name = _name(self._generator)
        self._true = self._named(self._lines, name)
        return name

    def twins(self, count: int) -> list[str]:
        names: list[str] = []
        for _ in range(count):
            change = _change(self._function, self._generator)
            if change is None:
                return names
            node, new = change
            lines = _replaced(self._lines, self.first, node, new)
            name = _name(self._generator)
            self._copies.append(self._named(lines, name))
            names.append(name)
        return names

    def shuffled(self) -> list[str]:
        groups = [self._true, *self._copies]
        self._generator.shuffle(groups)
        return [line for group in groups for line in [*group, ""]]

    def _named(self, lines: list[str], name: str) -> list[str]:
        pattern = rf"\bdef(\s+){re.escape(self._function.name)}\b"
        text = re.sub(pattern, rf"def\g<1>{name}", "\n".join(lines), count=1)
        return text.split("\n")


def _change(function: ast.AST, generator: random.Random) -> tuple[ast.expr, str] | None:
    """Return an expression that is always reached and what to put there so that the test fails.

    Only statements of the body itself are taken: whoever passes the test has reached them all.
    """
    values: list[tuple[ast.expr, str]] = []
    flips: list[tuple[ast.expr, str]] = []
    for statement in getattr(function, "body", ()):
        if any(isinstance(inner, ast.Return) for inner in ast.walk(statement)):
            break  # what follows may not be reached
        pair = _equality(statement)
        for side in pair:
            if (other := _other(side, generator)) is not None:
                values.append((side, other))
                break
        else:
            if isinstance(statement, ast.Assert):
                flips.append((statement.test, f"(not ({ast.unparse(statement.test)}))"))
    if not (values or flips):
        return None
    return generator.choice(values or flips)


def _equality(statement: ast.stmt) -> list[ast.expr]:
    """Return both sides of an assertion that two things are equal, the second one first."""
    if isinstance(statement, ast.Assert):
        test = statement.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            return [test.comparators[0], test.left]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        if (
            isinstance(called, ast.Attribute)
            and called.attr in ("assertEqual", "assertEquals")
            and len(statement.value.args) >= 2
        ):
            return [statement.value.args[1], statement.value.args[0]]
    return []


def _other(node: ast.expr, generator: random.Random) -> str | None:
    """Return the source of a literal that differs from this one; None if it is no literal."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return repr(_differing(value, generator))


def _differing(value: object, generator: random.Random) -> object:
    number = generator.randrange(2, 99)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + number
    if isinstance(value, str):
        return _shifted(value, generator)
    if isinstance(value, bytes):
        return value + b"x"
    if isinstance(value, (list, tuple)) and value:
        at = generator.randrange(len(value))
        items = [*value]
        items[at] = _differing(items[at], generator)
        return type(value)(items)
    if isinstance(value, dict) and value:
        key = generator.choice([*value])
        return {**value, key: _differing(value[key], generator)}
    return f"no {number}"  # None, an empty container, a set


def _shifted(value: str, generator: random.Random) -> str:
    """Return a text of the same length with another letter or digit, else a longer one."""
    places = [at for at, letter in enumerate(value) if letter.isascii() and letter.isalnum()]
    if not places:
        return f"{value}{generator.choice(_LETTERS)}"
    at = generator.choice(places)
    choices = "0123456789" if value[at].isdigit() else _LETTERS
    letter = generator.choice([c for c in choices if c != value[at].lower()])
    return value[:at] + letter + value[at + 1 :]


def _replaced(lines: list[str], first: int, node: ast.expr, new: str) -> list[str]:
    """Return lines, the first of which has the number ``first``, with other text for a node."""
    start, end = node.lineno - first, (node.end_lineno or node.lineno) - first
    # Columns count bytes of UTF-8.
    head = lines[start].encode()[: node.col_offset].decode()
    tail = lines[end].encode()[node.end_col_offset :].decode()
    return [*lines[:start], *f"{head}{new}{tail}".split("\n"), *lines[end + 1 :]]


def _plain(generator: random.Random, with_class: bool) -> list[tuple[list[str], str, str]]:
    """Return the lines, the failing and the passing test of each group of plain sentinels."""
    a, b = generator.sample(range(1000), 2)
    fails, passes = _name(generator), _name(generator)
    pair = [(fails, a, b), (passes, a, a)]
    generator.shuffle(pair)
    lines = ["", ""]
    for name, left, right in pair:
        lines += [f"def {name}():", f"    value = {left}", f"    assert value == {right}", "", ""]
    groups = [(lines, fails, passes)]
    if with_class:
        holder = "Test" + "".join(generator.choices(_LETTERS, k=12)).title()
        fails, passes = _name(generator), _name(generator)
        pair = [(fails, a, b), (passes, b, b)]
        generator.shuffle(pair)
        lines = ["", "", f"class {holder}(__import__('unittest').TestCase):"]
        for name, left, right in pair:
            lines += [f"    def {name}(self):", f"        self.assertEqual({left}, {right})", ""]
        groups.append(([*lines, ""], f"{holder}::{fails}", f"{holder}::{passes}"))
    return groups
