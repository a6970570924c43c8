"""What a source tree defines and where, by its syntax trees: the builder's reading."""

from __future__ import annotations

import ast
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from lit_research.errors import UserError
from lit_research.methods.longcode.items import Span
from lit_research.methods.longcode.releases import is_generated
from lit_research.methods.longcode.trees import SourceTree

FunctionNode: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Definition:
    """A function, method or class.

    Attributes:
        qualname: names of the enclosing classes and functions too, with dots.
        file: its path.
        node: its syntax.
        scopes: ``class`` or ``function``, of what encloses it, the outermost first.
    """

    qualname: str
    file: str
    node: FunctionNode | ast.ClassDef
    scopes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its last name."""
        return self.node.name

    @property
    def header(self) -> Span:
        """Lines from ``def`` or ``class`` to the colon."""
        first, body = self.node.lineno, self.node.body[0]
        decorators = getattr(body, "decorator_list", [])
        begin = min([body.lineno, *(one.lineno for one in decorators)])
        return Span(self.file, first, max(first, begin - 1))

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_method(self) -> bool:
        """Whether it is a function in the body of a class."""
        return not self.is_class and self.scopes[-1:] == ("class",)

    @property
    def is_local(self) -> bool:
        """Whether it is defined inside a function."""
        return "function" in self.scopes


class Scan:
    """Reads the Python files that a prompt may show.

    Args:
        tree: the source tree.

    Attributes:
        package: its name, as questions say it.
        texts: of all shown files, by path.
        modules: syntax of those that parse, stubs (``.pyi``) too.
        unparsed: paths of Python files that do not parse.

    Raises:
        UserError: no shown file is parseable Python.
    """

    def __init__(self, tree: SourceTree) -> None:
        self.package = tree.origin.package
        self.texts = tree.shown()
        self.modules: dict[str, ast.Module] = {}
        self.unparsed: list[str] = []
        self._split: dict[str, list[str]] = {}
        for path, text in self.texts.items():
            if path.endswith((".py", ".pyi")):
                self._parse(path, text)
        if not self.modules:
            raise UserError(
                f"none of the {len(self.texts)} shown files is Python that parses, of the tree "
                f"{tree.name!r}; must have such a file outside its tests"
            )
        found = [one for path, module in self.modules.items() for one in _definitions(path, module)]
        self.definitions = sorted(found, key=lambda one: (one.file, one.node.lineno, one.qualname))
        self._by_qualname = Counter(one.qualname for one in self.definitions)
        self._by_place = Counter((one.file, one.qualname) for one in self.definitions)

    def _parse(self, path: str, text: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of invalid escapes, which are the release's own
                self.modules[path] = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.unparsed.append(path)

    def segment(self, path: str, node: ast.expr) -> str:
        """Return the source of an expression (``ast.get_source_segment`` splits all lines anew)."""
        lines = self._lines(path)[node.lineno - 1 : node.end_lineno]
        encoded = [line.encode() for line in lines]  # offsets are in bytes of UTF-8
        encoded[-1] = encoded[-1][: node.end_col_offset]
        encoded[0] = encoded[0][node.col_offset :]
        return b"\n".join(encoded).decode()

    def _lines(self, path: str) -> list[str]:
        if path not in self._split:
            # As Python's own lines: splitlines would end them at form feeds too.
            self._split[path] = self.texts[path].split("\n")
        return self._split[path]

    def source(self, span: Span) -> str:
        """Return the lines of a span."""
        return "\n".join(self._lines(span.file)[span.first - 1 : span.last])

    def is_asked_about(self, path: str) -> bool:
        """Return whether facts may be from a file: stubs and generated files hold none."""
        return path.endswith(".py") and not is_generated(self.texts[path])

    def is_hidden(self, name: str) -> bool:
        """Return whether a file that does not parse may hold a name, so that nothing is proved."""
        return any(name in self.texts[path] for path in self.unparsed)

    def place(self, one: Definition) -> str:
        """Return a definition as a question names it; empty where that could be read two ways."""
        return self.named(
            one.qualname,
            one.file,
            self._by_qualname[one.qualname],
            self._by_place[one.file, one.qualname],
        )

    def named(self, name: str, file: str, in_tree: int, in_file: int) -> str:
        """Return ``name``, with its file where other files have such a name.

        Args:
            name: qualified.
            file: its path.
            in_tree: how often the tree has it.
            in_file: how often the file has it.
        """
        if in_file != 1 or self.is_hidden(name.rsplit(".", 1)[-1]):
            return ""
        return f"`{name}`" if in_tree == 1 else f"`{name}` in `{file}`"

    @cached_property
    def bindings(self) -> Counter[str]:
        """How often each name is defined, assigned or a parameter, at any level of any file."""
        found = Counter(one.name for one in self.definitions)
        for module in self.modules.values():
            for node in ast.walk(module):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found[node.id] += 1
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    found[node.attr] += 1
                elif isinstance(node, ast.arg):
                    found[node.arg] += 1
                elif isinstance(node, ast.ExceptHandler) and node.name:
                    found[node.name] += 1
        return found

    @cached_property
    def ancestors(self) -> dict[str, frozenset[str]]:
        """By class name, the names of all classes that it may inherit from, itself not among."""
        parents: dict[str, set[str]] = defaultdict(set)
        for one in self.definitions:
            if isinstance(one.node, ast.ClassDef):
                parents[one.name] |= {last_name(base) for base in one.node.bases} - {""}
        return {name: frozenset(_closure(name, parents)) for name in list(parents)}


def _definitions(file: str, module: ast.Module) -> Iterator[Definition]:
    waiting: list[tuple[ast.AST, str, tuple[str, ...]]] = [(module, "", ())]
    while waiting:
        node, prefix, scopes = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
                one = Definition(prefix + child.name, file, child, scopes)
                yield one
                inner = (*scopes, "class" if one.is_class else "function")
                waiting.append((child, f"{one.qualname}.", inner))
            else:
                waiting.append((child, prefix, scopes))


def _closure(name: str, parents: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def last_name(node: ast.AST) -> str:
    """Return the last part of a dotted name; empty for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return node.attr if isinstance(node, ast.Attribute) and isinstance(inner, ast.Name) else ""


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is inside a definition, without what inner definitions and lambdas hold."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            yield from own_nodes(child)
