"""What a source tree defines and where, by its tokens: the checker's reading.

It shares no code with the builder, which reads syntax trees, so that a mistake in one of the two
shows as a difference.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_OPEN, _CLOSE = set("([{"), set(")]}")
_LEFT_OUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.ENCODING,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.NEWLINE,
    tokenize.ENDMARKER,
}
_KEYWORDS = "def class if elif else for while try except finally with match case async"
_COMPOUND = frozenset(_KEYWORDS.split())
_BRACES = re.compile(r"\{([^{}]*)\}")
_IN_BRACES = re.compile(r"([A-Za-z_]\w*)\s*(\(?)")
Tokens = list[tokenize.TokenInfo]


@dataclass
class Block:
    """A compound statement.

    Attributes:
        keyword: its first word; ``def`` of an ``async def`` too.
        head: tokens between that word and the colon.
        file: its path.
        line: of the keyword.
        name: qualified, of a ``def`` or ``class``; else that of the innermost one around it.
        body: the first two words of each statement in it.
        last: tokens of its last statement; empty where that is compound.
    """

    keyword: str
    head: Tokens
    file: str
    line: int
    name: str
    body: list[str] = field(default_factory=list)
    last: Tokens = field(default_factory=list)


@dataclass(frozen=True)
class Assigned:
    """A statement that gives a single name a value, or changes it.

    Attributes:
        name: of the variable.
        scope: qualified name of the innermost ``def`` or ``class`` around it; empty for none.
        value: tokens of the value; empty where it is changed in another way.
        file: its path.
    """

    name: str
    scope: str
    value: Tokens
    file: str


class Outline:
    """Reads the tokens of all Python files.

    Args:
        texts: by path.

    Attributes:
        blocks: all compound statements.
        assigned: all statements that assign to one name.
        calls: for each name, the qualified names of the ``def`` around each call; empty for none.
        others: for each name, how often it stands elsewhere than in calls, ``def``, ``class`` and
            imports.
        unread: paths that cannot be read as tokens.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.blocks: list[Block] = []
        self.assigned: list[Assigned] = []
        self.calls: dict[str, list[str]] = defaultdict(list)
        self.others: dict[str, int] = defaultdict(int)
        self.unread: list[str] = []
        for path, text in texts.items():
            if path.endswith((".py", ".pyi")):
                try:
                    self._read(path, text)
                except (tokenize.TokenError, SyntaxError):
                    self.unread.append(path)

    def named(self, keyword: str, name: str, file: str | None = None) -> list[Block]:
        """Return the ``def`` or ``class`` blocks of a qualified name, in a file or anywhere."""
        return [
            block
            for block in self.blocks
            if block.keyword == keyword and block.name == name and file in (None, block.file)
        ]

    def _read(self, path: str, text: str) -> None:
        stack: list[Block] = []
        levels = [0]
        opened: Block | None = None
        for depth, line in _logical_lines(text):
            while depth < levels[-1]:
                levels.pop()
                stack.pop()
            if depth > levels[-1] and opened is not None:
                levels.append(depth)
                stack.append(opened)
            opened = self._statement(path, line, stack)

    def _statement(self, path: str, line: Tokens, stack: list[Block]) -> Block | None:
        """Take in one logical line; return the block that it opens."""
        words = [token.string for token in line]
        if stack:
            stack[-1].body.append(" ".join(words[:2]))
            stack[-1].last = line
        scope = next((b.name for b in reversed(stack) if b.keyword in ("def", "class")), "")
        function = next((b.name for b in reversed(stack) if b.keyword == "def"), "")
        colon = _at_depth_0(line, ":")
        soft = words[0] in ("match", "case") and (len(words) < 2 or words[1] in "=.,:)")
        if words[0] not in _COMPOUND or not colon or soft:
            self._simple(path, line, scope, function)
            return None
        start = 1 if words[0] == "async" else 0
        keyword, head = words[start], line[start + 1 : colon[0]]
        name = scope
        if keyword in ("def", "class"):
            name = f"{scope}.{head[0].string}" if scope else head[0].string
        block = Block(keyword, head, path, line[0].start[0], name)
        self.blocks.append(block)
        if stack:
            stack[-1].last = []
        self._uses(head[1:] if keyword in ("def", "class") else head, function)
        if rest := line[colon[0] + 1 :]:
            self._statement(path, rest, [*stack, block])
        return block

    def _simple(self, path: str, line: Tokens, scope: str, function: str) -> None:
        words = [token.string for token in line]
        if words[0] in ("import", "from"):
            return
        if words[0] == "global":
            self.assigned += [Assigned(name, scope, [], path) for name in words[1::2]]
        # An annotation ends at the equals sign; a chain of targets has two of these.
        equals = _at_depth_0(line, "=")
        plain = len(words) > 1 and words[1] in ("=", ":") and len(equals) == 1
        if plain:
            self.assigned.append(Assigned(words[0], scope, line[equals[0] + 1 :], path))
        elif len(words) > 1 and words[1].endswith("=") and words[1] not in ("==", "<=", ">=", "!="):
            self.assigned.append(Assigned(words[0], scope, [], path))
        self._uses(line, function)

    def _uses(self, line: Tokens, function: str) -> None:
        for number, token in enumerate(line):
            if token.type == tokenize.STRING and "f" in token.string.split(token.string[-1])[0]:
                # Before Python 3.12 an f-string is one token.
                for name, after in _IN_BRACES.findall(" ".join(_BRACES.findall(token.string))):
                    self._use(name, after, function)
            if token.type != tokenize.NAME:
                continue
            after = line[number + 1].string if number + 1 < len(line) else ""
            if after != "=" or not number:  # else a keyword of a call
                self._use(token.string, after, function)

    def _use(self, name: str, after: str, function: str) -> None:
        if after == "(":
            self.calls[name].append(function)
        else:
            self.others[name] += 1


def _logical_lines(text: str) -> Iterator[tuple[int, Tokens]]:
    """Yield statements with the depth of their block; several on one line one by one."""
    depth, line = 0, Tokens()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type == tokenize.NEWLINE:
            first, *rest = _split(line, ";")
            for part in [first, *rest]:
                if part:
                    yield depth, part
            line = Tokens()
        elif token.type not in _LEFT_OUT:
            line.append(token)


def _at_depth_0(line: Tokens, wanted: str) -> list[int]:
    """Return where an operator stands outside of brackets and of the heads of lambdas."""
    depth, lambdas, found = 0, 0, []
    for number, token in enumerate(line):
        if token.string in _OPEN:
            depth += 1
        elif token.string in _CLOSE:
            depth -= 1
        elif token.string == "lambda" and not depth:
            lambdas += 1
        elif token.string == ":" and lambdas and not depth:
            lambdas -= 1
        elif token.string == wanted and token.type == tokenize.OP and not (depth or lambdas):
            found.append(number)
    return found


def _split(line: Tokens, separator: str) -> list[Tokens]:
    parts, begin = [], 0
    for end in [*_at_depth_0(line, separator), len(line)]:
        parts.append(line[begin:end])
        begin = end + 1
    return parts


def arguments(head: Tokens) -> list[Tokens]:
    """Return what stands between the brackets of a ``def`` or ``class``, split at commas."""
    begin = next((n for n, token in enumerate(head) if token.string == "("), None)
    if begin is None:
        return []
    depth = 0
    for end in range(begin, len(head)):
        depth += (head[end].string in _OPEN) - (head[end].string in _CLOSE)
        if not depth:
            return [part for part in _split(head[begin + 1 : end], ",") if part]
    return []


def default_of(argument: Tokens) -> Tokens:
    """Return the tokens of a parameter's default; empty without one."""
    equals = _at_depth_0(argument, "=")
    return argument[equals[0] + 1 :] if equals else Tokens()


def code_of(text: str) -> list[str]:
    """Return the tokens of an expression as texts."""
    found = tokenize.generate_tokens(io.StringIO(f"({text})").readline)
    return [token.string for token in found if token.type not in _LEFT_OUT][1:-1]
