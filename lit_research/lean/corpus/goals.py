"""Goals as Lean prints them, read back as expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lit_research.lean import Statement, tokens
from lit_research.lean.corpus.expressions import INFIX, Expr

_TYPES = {"Prop", "Nat", "List Nat", "Nat → Nat", "Type"}
_FIELDS = {"length": "List.length", "reverse": "List.reverse", "succ": "Nat.succ"}
_LINE = re.compile(r"([^:⊢]+?) : (.*)", re.DOTALL)
_END = {")", "]", ",", "⟩", "|", "=>", ":="}


@dataclass
class Goal:
    """A proof goal of Lean.

    Attributes:
        target: what is to be proved.
        hypotheses: name -> proposition, the oldest first.
        variables: name -> type, of numbers, lists, functions and propositions.
        names: every name in use.
    """

    target: Expr
    hypotheses: dict[str, Expr] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def fresh_names(self, count: int = 1) -> list[str]:
        """Return names for new hypotheses: the next of ``h``, ``h1``, ... after all in use."""
        names = ("h", *(f"h{i}" for i in range(1, 100)))
        last = max((i for i, name in enumerate(names) if name in self.names), default=-1)
        return list(names[last + 1 : last + 1 + count])

    def add(self, names: list[str], type_: str) -> None:
        """Add ``names : type_``, as variables or as hypotheses."""
        self.names.update(names)
        for name in names:
            if type_ in _TYPES:
                self.variables[name] = type_
            elif (proposition := expression_of(type_)) is not None and "✝" not in name:
                self.hypotheses[name] = proposition


def goal_of(statement: Statement) -> Goal | None:
    """Return the goal that a proof of ``statement`` starts with; None if it cannot be read."""
    target = expression_of(statement.conclusion)
    if target is None:
        return None
    goal = Goal(target)
    for binder in statement.bindings:
        goal.add(list(binder.names), binder.type)
    return goal


def read_goals(text: str) -> list[Goal]:
    """Return the goals in Lean's message, in their order, up to one that cannot be read."""
    goals = []
    for block in re.split(r"\n\s*\n", text.strip()):
        context, _, target_text = block.partition("⊢ ")
        target = expression_of(target_text)
        if target is None:
            break
        goal = Goal(target)
        for names, type_ in read_context(context):
            goal.add(names, type_)
        goals.append(goal)
    return goals


def read_context(text: str) -> Iterator[tuple[list[str], str]]:
    """Yield the names and the type of each hypothesis that Lean prints before ``⊢``."""
    for line in re.sub(r"\n\s+", " ", text).splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and not line.startswith("case "):
            yield match[1].split(), match[2].strip()


def expression_of(text: str) -> Expr | None:
    """Parse ``text`` as an expression; None if it is outside the language of the statements."""
    words = tokens(text)
    try:
        expr, rest = _expression(words, 0, 0)
    except (IndexError, ValueError):
        return None
    return expr if rest == len(words) else None


def _expression(words: list[str], at: int, level: int) -> tuple[Expr, int]:
    word = words[at]
    if word in ("∀", "∃", "fun"):
        return _binder(words, at)
    if word == "¬":
        inner, at = _expression(words, at + 1, 40)
        left = Expr("¬", (inner,))
    else:
        left, at = _application(words, at)
    while at < len(words) and words[at] in INFIX:
        precedence, _, right_level = INFIX[words[at]]
        if precedence < level:
            break
        right, after = _expression(words, at + 1, right_level)
        left, at = Expr(words[at], (left, right)), after
    return left, at


def _binder(words: list[str], at: int) -> tuple[Expr, int]:
    op, end = words[at], "=>" if words[at] == "fun" else ","
    stop = words.index(end, at)
    names: list[str] = []
    is_type = False
    for word in words[at + 1 : stop]:
        is_type = word == ":" or (is_type and word not in "()")
        if not is_type and word not in "()":
            names.append(word)
    body, at = _expression(words, stop + 1, 0)
    for name in reversed(names):
        body = Expr(op, (Expr(name), body))
    return body, at


def _application(words: list[str], at: int) -> tuple[Expr, int]:
    head, at = _atom(words, at)
    args = []
    while at < len(words) and words[at] not in INFIX and words[at] not in _END:
        arg, at = _atom(words, at)
        args.append(arg)
    if args and head.args:
        raise ValueError("a term that is not a name is applied")
    return (Expr(head.op, tuple(args)) if args else head), at


def _atom(words: list[str], at: int) -> tuple[Expr, int]:
    word = words[at]
    if word == "(":
        inner, at = _expression(words, at + 1, 0)
        if words[at] != ")":
            raise ValueError("no closing bracket")
        at += 1
    elif word == "[":
        items, at = [], at + 1
        while words[at] != "]":
            item, at = _expression(words, at, 0)
            items.append(item)
            at += words[at] == ","
        inner, at = Expr("[]", tuple(items)), at + 1
    elif re.fullmatch(r"[\w.'✝]+", word):
        first, *fields = word.split(".") if word[0].islower() else [word]
        inner, at = Expr(first), at + 1
        for name in fields:
            inner = Expr(_FIELDS[name], (inner,)) if name in _FIELDS else Expr(word)
    else:
        raise ValueError(f"{word!r} starts no term")
    while at + 1 < len(words) and words[at] == "." and words[at + 1].split(".")[0] in _FIELDS:
        for name in words[at + 1].split("."):
            inner = Expr(_FIELDS[name], (inner,))
        at += 2
    return inner, at
