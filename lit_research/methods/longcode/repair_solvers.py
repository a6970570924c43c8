"""Solvers of repairs that need no model: the oracle, one that does nothing, and one that tries.

The ``Enumerator`` undoes single faults: it takes every place of the source where a fault of
``mutations`` could have been put, puts the contrary there, and asks for a verdict. It thus uses
what no honest solver has, a grader of its own tries, and says how many it used: its score is a
floor for solvers that may run the hidden tests, not one of models that answer once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.methods.longcode.changelogs import words
from lit_research.methods.longcode.diffs import make_diff
from lit_research.methods.longcode.grading import Verdict
from lit_research.methods.longcode.items import RepairItem
from lit_research.methods.longcode.mutations import Mutation, mutations, parses
from lit_research.methods.longcode.repair_suites import package_files
from lit_research.methods.longcode.trees import SourceTree

NULL_PATCH = make_diff({}, {"NOTES.md": "Nothing is changed.\n"})
"""A patch that can be applied to every tree and repairs nothing."""


def oracle(item: RepairItem) -> str:
    """Return the item's own patch."""
    return item.patch


def reverted(item: RepairItem, tree: SourceTree) -> str:
    """Return a patch that undoes the item's own, in a tree that it was not applied to."""
    from lit_research.methods.longcode.patches import patch_files

    fixed = patch_files(tree.files, item.patch).files
    if fixed is None:
        raise UserError(
            f"the patch of {item.id!r} cannot be applied to the tree {tree.name!r}; must be a "
            "repair of it"
        )
    return make_diff(fixed, tree.files)


@dataclass(frozen=True)
class Tried:
    """What an enumerator found.

    Attributes:
        answer: the patch that resolves the item; None if no try did.
        tries: how many were graded.
    """

    answer: str | None
    tries: int


@dataclass(frozen=True)
class Enumerator:
    """Tries to undo each single fault that could have been made; see the module's docstring.

    Args:
        tries: most verdicts that it asks for.

    Raises:
        UserError: ``tries`` is not positive.
    """

    tries: int = 50

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise UserError(f"tries is {self.tries}, in an Enumerator; must be at least 1")

    def solve(
        self, item: RepairItem, tree: SourceTree, grade: Callable[[RepairItem, str], Verdict]
    ) -> Tried:
        """Return the first of its patches that resolves an item.

        Args:
            item: of which it reads the statement.
            tree: the faulty one.
            grade: such as ``Grader.grade``.
        """
        count = 0
        for answer in self.candidates(item.statement, tree):
            if count == self.tries:
                break
            count += 1
            if grade(item, answer).resolved:
                return Tried(answer, count)
        return Tried(None, count)

    def candidates(self, statement: str, tree: SourceTree) -> Iterator[str]:
        """Yield patches, those first whose surroundings share most words with the statement."""
        about = words(statement)
        ranked: list[tuple[float, str, Mutation]] = []
        for path, text in sorted(package_files(tree.files).items()):
            lines = text.split("\n")
            for mutation in mutations(text) if path.endswith(".py") else ():
                near = "\n".join(lines[max(mutation.line - 4, 0) : mutation.line + 3])
                found = words(near) | words(_function(lines, mutation.line))
                ranked.append((-len(found & about) / (len(found) + 5), path, mutation))
        for _, path, mutation in sorted(ranked):
            text = mutation.apply(tree.files[path])
            if parses(text):
                yield make_diff(tree.files, {**tree.files, path: text})


def _function(lines: list[str], line: int) -> str:
    """Return the header of the function around a line, as far as indentation tells."""
    indent = len(lines[line - 1]) - len(lines[line - 1].lstrip())
    for text in reversed(lines[: line - 1]):
        own = len(text) - len(text.lstrip())
        if own < indent and text.lstrip().startswith(("def ", "async def ", "class ")):
            return text
    return ""
