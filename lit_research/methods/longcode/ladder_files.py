"""The files that a ladder's prompts are made of: what each of them costs, and which come first."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lit_research.methods.longcode.bm25 import Bm25
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.dumps import dump_file
from lit_research.methods.longcode.items import Item, QuestionItem
from lit_research.methods.longcode.trees import SourceTree
from lit_research.seeds import derive_seed


@dataclass(frozen=True)
class ShownFile:
    """A file as a prompt shows it.

    Attributes:
        tree: name of its tree.
        path: in the tree.
        name: as it is shown: the path, or the tree's name and the path.
        text: its lines, between two marks.
        tokens: of the text and a line break.
    """

    tree: str
    path: str
    name: str
    text: str
    tokens: int


def query_of(item: Item) -> str:
    """Return what files are ranked by: the question without its options, or the statement."""
    return item.question if isinstance(item, QuestionItem) else item.statement


class FilePool:
    """All files that prompts may show, by tree. Files are counted and indexed once.

    Args:
        trees: by name.
        counter: of tokens.
        ranking: ``bm25``, or ``random`` (by the seed and the item).
        seed: of the random ranking.
    """

    def __init__(
        self, trees: Mapping[str, SourceTree], counter: TokenCounter, ranking: str, seed: int
    ) -> None:
        self.trees, self.counter, self.ranking, self.seed = trees, counter, ranking, seed
        self._shown: dict[tuple[str, bool, bool], list[ShownFile]] = {}
        self._indices: dict[str, Bm25] = {}

    def files(self, tree: str, *, numbered: bool, of_other: bool = False) -> list[ShownFile]:
        """Return the files of a tree that may be shown, sorted by path.

        Args:
            tree: its name.
            numbered: whether lines are numbered.
            of_other: whether it is not the item's own tree, so that its name is shown too.
        """
        key = (tree, numbered, of_other)
        if key not in self._shown:
            shown = self.trees[tree].shown()
            names = [f"{tree}/{path}" if of_other else path for path in shown]
            texts = [
                # A released dump that could not be taken apart has its marks already.
                dump_file(name, text, numbered=numbered) if path else text
                for name, (path, text) in zip(names, shown.items(), strict=True)
            ]
            counts = self.counter.count([f"{text}\n" for text in texts])
            rows = zip(shown, names, texts, counts, strict=True)
            self._shown[key] = [ShownFile(tree, *row) for row in rows]
        return self._shown[key]

    def ranked(self, item: Item, *, numbered: bool) -> list[ShownFile]:
        """Return the files of the item's own tree, those that suit it best first."""
        files = self.files(item.tree, numbered=numbered)
        order = list(range(len(files)))
        if self.ranking == "bm25":
            if item.tree not in self._indices:
                self._indices[item.tree] = Bm25([file.text for file in files])
            order = self._indices[item.tree].ranking(query_of(item))
        else:
            random.Random(derive_seed("longcode ladder", self.seed, item.id)).shuffle(order)
        return [files[index] for index in order]

    def ranked_others(self, item: Item, *, numbered: bool) -> list[ShownFile]:
        """Return the files of the trees of other packages, those that suit the item best first.

        Another release of the item's own package is not among them: it may hold the answer.
        """
        package = self.trees[item.tree].origin.package
        order = list(range(len(self._others)))
        if self.ranking == "bm25":
            order = self._others_index.ranking(query_of(item))
        else:
            random.Random(derive_seed("longcode others", self.seed, item.id)).shuffle(order)
        found = []
        for index in order:
            tree, place = self._others[index]
            if self.trees[tree].origin.package != package:
                found.append(self.files(tree, numbered=numbered, of_other=True)[place])
        return found

    @cached_property
    def _others(self) -> list[tuple[str, int]]:
        """Tree and number of every file, of the tree of each package that shows most."""
        sizes = {name: sum(map(len, tree.shown().values())) for name, tree in self.trees.items()}
        largest: dict[str, str] = {}
        for name in sorted(self.trees, key=lambda name: (sizes[name], name)):
            largest[self.trees[name].origin.package] = name
        return [
            (name, place)
            for name in sorted(largest.values())
            for place in range(len(self.trees[name].shown()))
        ]

    @cached_property
    def _others_index(self) -> Bm25:
        texts = {name: list(self.trees[name].shown().values()) for name, _ in self._others}
        return Bm25([texts[name][place] for name, place in self._others])


def arranged(
    evidence: Sequence[ShownFile], others: Sequence[ShownFile], share: float | None
) -> list[ShownFile]:
    """Return all files in the order in which they are shown.

    Args:
        evidence: files that the answer is in; they stay together.
        others: shown beside them.
        share: of the others' tokens that are before the evidence, 0 to 1, as near as whole files
            allow; None sorts all files by name, as the paper does.
    """
    if share is None:
        return sorted([*evidence, *others], key=lambda file: file.name)
    others = sorted(others, key=lambda file: file.name)
    wanted, before, best, place = share * sum(file.tokens for file in others), 0, 0.0, 0
    best = abs(wanted)
    for number, file in enumerate(others, start=1):
        before += file.tokens
        if abs(before - wanted) < best:
            best, place = abs(before - wanted), number
    first = sorted(evidence, key=lambda file: file.name)
    return [*others[:place], *first, *others[place:]]


def evidence_files(item: Item) -> list[str]:
    """Return the paths of the files that decide an item, sorted."""
    return sorted({span.file for span in item.evidence})
