"""``SyntheticRepo``: packages of random code in which the distance to the evidence is known."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lit_research.errors import UserError
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import LETTERS, Origin, QuestionItem, Span
from lit_research.methods.longcode.letters import even_letters
from lit_research.methods.longcode.synthetic_code import Carrier, Unit, Writer
from lit_research.methods.longcode.trees import SourceTree
from lit_research.progress import counting
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range
from lit_research.seeds import derive_seed

BUILDER = "lit-research longcode synthetic 1"
_BATCH = 512  # units that are counted in one call at most


@dataclass(frozen=True)
class SyntheticRepo:
    """Seeded packages with random names, and questions whose answer is in one known place.

    Each package has four functions that could be asked about, with four different numbers: they
    are the options of all its questions, and stand together, in modules of their own, at the chosen
    distance. No other number of the package is one of them. So whoever sees only what comes after
    them knows nothing about the answer, not even by elimination, and by the options alone all four
    are equally likely.

    Attributes:
        tokens: of a package, within a few per cent: from 256 to millions. What stands before the
            evidence is counted in pieces of a few lines.
        counter: counts tokens.
        distance: tokens between the four functions and the end of the package, at least; None
            draws it for each package. What a prompt adds comes on top.
        kind: ``default``: of a parameter; ``returns``: what a call without arguments returns.
        hops: modules that a call goes through, 1 to 3; 1 for ``default``.
        per_tree: questions about each package, 1 to 4.
        digits: of the numbers, 2 or more.
        module_tokens: of the other modules, about.
        seed: of everything.

    Raises:
        UserError: a value is out of range, or the distance leaves no room.
    """

    tokens: int
    counter: TokenCounter
    distance: int | None = None
    kind: Literal["default", "returns"] = "default"
    hops: int = 1
    per_tree: int = 1
    digits: int = 3
    module_tokens: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        where = "in SyntheticRepo"
        check_range(Range(at_least=256), where, tokens=self.tokens)
        check_range(NOT_NEGATIVE, where, distance=self.distance)
        check_range(Range(at_least=1, at_most=3), where, hops=self.hops)
        check_range(Range(at_least=1, at_most=len(LETTERS)), where, per_tree=self.per_tree)
        check_range(Range(at_least=2, at_most=18), where, digits=self.digits)
        check_range(COUNT, where, module_tokens=self.module_tokens)
        if self.kind not in ("default", "returns"):
            raise UserError(f"kind is {self.kind!r}, {where}; must be default or returns")
        if self.kind == "default" and self.hops != 1:
            raise UserError(f"hops is {self.hops}, {where}; must be 1 for the kind default")

    def items(self, count: int) -> ItemSet:
        """Return questions about fresh packages; the right letters are exactly balanced.

        Args:
            count: of questions.

        Raises:
            UserError: the four functions and the distance take more tokens than there are.
        """
        check_range(COUNT, "in SyntheticRepo", count=count)
        letters = even_letters(self.seed)
        items: list[QuestionItem] = []
        trees: dict[str, SourceTree] = {}
        with counting("writing packages", count, unit="questions", delay=2) as add:
            while len(items) < count:
                tree, made = self._one(len(trees), letters)
                trees[tree.name] = tree
                made = made[: count - len(items)]
                items += made
                add(len(made))
        card = {
            "builder": BUILDER,
            "counter": self.counter.name,
            "seed": self.seed,
            "tokens": self.tokens,
            "distance": self.distance,
            "hops": self.hops,
        }
        return ItemSet(items, trees, card)

    def _one(self, number: int, letters: Iterator[int]) -> tuple[SourceTree, list[QuestionItem]]:
        rng = random.Random(derive_seed(self.seed, "synthetic", number))
        writer = Writer(rng, self.digits)
        low, high = 10 ** (self.digits - 1), 10**self.digits
        values = rng.sample(range(low, high), len(LETTERS))
        writer.reserve(values)
        package = writer.name()
        carriers = [writer.carrier(self.kind, self.hops, value) for value in values]
        # Where chains end and begin must not tell anything: each module has an order of its own.
        orders = [rng.sample(carriers, len(carriers)) for _ in range(self.hops)]
        used = sum(self.counter.count([part for one in carriers for part in one.parts]))
        room = self.tokens - used - 24 * (self.hops - 1)  # lines that import
        distance = rng.randrange(max(room, 1)) if self.distance is None else self.distance
        after = self._units(writer, distance, at_least=True)
        # Together they may be fewer tokens than one by one.
        while (behind := self._count(after)) < distance:
            after += self._units(writer, distance - behind, at_least=True)
        room -= behind
        if room < 0 and self.distance is not None:
            raise UserError(
                f"distance is {self.distance} of {self.tokens} tokens, in SyntheticRepo; must "
                f"leave some {used + 32} for the functions that are asked about"
            )
        before = self._units(writer, room, at_least=False)
        modules = [*self._packed(before), *([None] * self.hops), *self._packed(after)]
        names = sorted(writer.name() for _ in modules)
        places = [n for n, module in enumerate(modules) if module is None]
        where = dict(zip(rng.sample(range(self.hops), self.hops), places, strict=True))
        files, spans = {}, {}
        for name, text in zip(names, modules, strict=True):
            if text is not None:
                files[f"{package}/{name}.py"] = text
        for hop in range(self.hops):
            then = f"{package}.{names[where[hop + 1]]}" if hop + 1 < self.hops else ""
            path = f"{package}/{names[where[hop]]}.py"
            files[path], spans[hop] = _module(path, orders[hop], hop, then)
        files = dict(sorted(files.items()))
        files = {f"{package}/__init__.py": "", **files}
        origin = Origin(package, licence="CC0-1.0", seed=self.seed, builder=BUILDER)
        tree = SourceTree(f"{package}-{self.seed}-{number}", files, origin)
        asked = rng.sample(carriers, self.per_tree)
        total = sum(self.counter.count(list(files.values())))
        return tree, [
            self._item(tree, one, values, spans, next(letters), total, rng) for one in asked
        ]

    def _units(self, writer: Writer, target: int, *, at_least: bool) -> list[Unit]:
        """Return units of so many tokens: as few as reach the target, or as many as fit."""
        units: list[Unit] = []
        left = target
        while left > 0:
            batch = [writer.unit() for _ in range(min(max(4, left // 32), _BATCH))]
            counts = self.counter.count([unit.text for unit in batch])
            for unit, count in zip(batch, counts, strict=True):
                if left <= 0 or (not at_least and count > left):
                    return units
                units.append(unit)
                left -= count
        return units

    def _count(self, units: Sequence[Unit]) -> int:
        return sum(self.counter.count([text for text in self._packed(units) if text]))

    def _packed(self, units: Sequence[Unit]) -> list[str | None]:
        """Return modules of about ``module_tokens``."""
        if not units:
            return []
        counts = self.counter.count([unit.text for unit in units])
        modules: list[list[str]] = [[]]
        size = 0
        for unit, count in zip(units, counts, strict=True):
            if size and size + count > self.module_tokens:
                modules.append([])
                size = 0
            modules[-1].append(unit.text)
            size += count
        return ["".join(parts) for parts in modules]

    def _item(
        self,
        tree: SourceTree,
        carrier: Carrier,
        values: Sequence[int],
        spans: dict[int, dict[str, Span]],
        answer: int,
        tokens: int,
        rng: random.Random,
    ) -> QuestionItem:
        asked = (
            f"what is the default value of the parameter `{carrier.parameter}` of `{carrier.name}`?"
            if self.kind == "default"
            else f"what does the call `{carrier.name}()` return?"
        )
        others = [str(value) for value in rng.sample(list(values), len(values))]
        others.remove(str(carrier.value))
        evidence = tuple(spans[hop][name] for hop, name in enumerate(carrier.names))
        nearest, farthest = self._distances(tree, evidence)
        return QuestionItem(
            id=f"{tree.name}/{self.kind}/{carrier.name}",
            kind=self.kind,
            question=f"In the package `{tree.origin.package}`, {asked}",
            options=(*others[:answer], str(carrier.value), *others[answer:]),
            answer=answer,
            tree=tree.name,
            origin=tree.origin,
            evidence=evidence,
            tokens=tokens,
            source={"distance": str(nearest), "farthest": str(farthest)},
        )

    def _distances(self, tree: SourceTree, evidence: Sequence[Span]) -> tuple[int, int]:
        """Return the tokens from the end of the last and of the first evidence to the end."""
        paths = list(tree.files)
        rests = []
        for span in evidence:
            rest = tree.files[span.file].split("\n")[span.last :]
            later = [tree.files[path] for path in paths[paths.index(span.file) + 1 :]]
            rests.append(sum(self.counter.count(["\n".join(rest), *later])))
        return min(rests), max(rests)


def _module(
    path: str, carriers: Sequence[Carrier], hop: int, then: str
) -> tuple[str, dict[str, Span]]:
    """Return the module of a hop, and where each function stands."""
    text = ""
    if then:
        text = (
            f"from {then} import {', '.join(sorted(one.names[hop + 1] for one in carriers))}\n\n\n"
        )
    spans = {}
    for one in carriers:
        line = text.count("\n") + 1
        spans[one.names[hop]] = Span(path, line, line + 1)
        text += one.parts[hop]
    return text, spans
