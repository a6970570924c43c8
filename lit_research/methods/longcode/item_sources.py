"""Where an exam's items are from: a folder, released files, packages; a config names one."""

from __future__ import annotations

import itertools
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lit_research.class_paths import make_object
from lit_research.errors import UserError, nearest
from lit_research.methods.longcode.built import Built
from lit_research.methods.longcode.counters import make_counter
from lit_research.methods.longcode.folders import CARD, ItemSet
from lit_research.methods.longcode.items import QuestionKind
from lit_research.methods.longcode.mutation_repairs import build_mutations
from lit_research.methods.longcode.published_instances import import_instances
from lit_research.methods.longcode.published_questions import import_questions
from lit_research.methods.longcode.published_records import BUCKETS
from lit_research.methods.longcode.published_repairs import import_repairs
from lit_research.methods.longcode.question_builder import BUILDER, BUILT_KINDS, build_questions
from lit_research.methods.longcode.release_repairs import build_release_repairs
from lit_research.methods.longcode.releases import read_release
from lit_research.methods.longcode.repair_runs import RUNS
from lit_research.methods.longcode.trees import SourceTree
from lit_research.ranges import COUNT, check_range
from lit_research.storage import build_folder, cache_root, content_hash

Released = Literal["questions", "repairs", "instances"]


class ItemSource(ABC):
    """Makes the items of an exam; subclass it in a file of your own."""

    @abstractmethod
    def items(self) -> ItemSet:
        """Return the items: the same ones whenever it is asked."""


class ItemFolder(ItemSource):
    """Reads a folder of items.

    Args:
        path: of the folder, as ``ItemSet.save`` writes it.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def items(self) -> ItemSet:
        """Return the items of the folder."""
        return ItemSet.load(Path(self.path).expanduser())


class ReleasedItems(ItemSource):
    """Reads the files of the released benchmark, or instances of SWE-bench.

    Args:
        path: ``LongCodeQA.zip``, ``LongSWE_Bench.zip``, or what they were unpacked to; a file of
            instances.
        what: ``questions``, ``repairs`` or ``instances``.
        buckets: those to be read, from ``32K`` to ``1M``; not for ``instances``.
        counter: of the items' tokens.
        skip_bad: leave out what is not as it should be, and say so.

    Raises:
        UserError: ``what`` is unknown.
    """

    def __init__(
        self,
        path: str,
        what: Released = "questions",
        buckets: Sequence[str] = BUCKETS,
        counter: Any = "characters",
        skip_bad: bool = False,
    ) -> None:
        known = ("questions", "repairs", "instances")
        if what not in known:
            raise UserError(f"what is {what!r}, in ReleasedItems; {nearest(what, known)}")
        self.path, self.what, self.buckets = path, what, tuple(buckets)
        self.counter, self.skip_bad = counter, skip_bad

    def items(self) -> ItemSet:
        """Return the released items."""
        if self.what == "instances":
            return import_instances(self.path, skip_bad=self.skip_bad)
        read = import_questions if self.what == "questions" else import_repairs
        return read(self.path, self.counter, self.buckets, skip_bad=self.skip_bad)


class BuiltItems(ItemSource):
    """Items that are built from releases; they are kept in the cache, and built once.

    A subclass says in ``key`` what they follow from, and builds them.
    """

    @abstractmethod
    def releases(self) -> list[SourceTree]:
        """Return the releases."""

    @abstractmethod
    def key(self) -> list[Any]:
        """Return what the items follow from beside the releases: plain JSON data."""

    @abstractmethod
    def build(self, releases: list[SourceTree]) -> ItemSet:
        """Return the items."""

    def items(self) -> ItemSet:
        """Return the items, from the cache where they are there."""
        releases = self.releases()
        parts = [type(self).__name__, json.dumps(self.key())]
        parts += [part for tree in releases for part in (tree.name, tree.sha256())]
        folder = cache_root() / "longcode" / "items" / content_hash(*parts)
        build_folder(
            folder,
            lambda new: self.build(releases).save(new),
            is_whole=lambda path: (path / CARD).is_file(),
            what="Building the items",
        )
        return ItemSet.load(folder)


class PackageQuestions(BuiltItems):
    """Builds questions about installed packages, unpacked releases or source archives.

    Args:
        packages: names of installed packages, folders or archives; of an archive nothing is run.
        kinds: what is asked; ``returns`` runs code of the package in the sandbox.
        limit: questions of each package at most, a multiple of 4; None for all.
        evidence_tokens: longest text of the files that hold a question's evidence, in tokens, so
            that it can be asked in a short context; None for any length.
        counter: of the tokens.
        seed: of arguments, options and letters.
    """

    def __init__(
        self,
        packages: Sequence[str],
        kinds: Sequence[QuestionKind] = BUILT_KINDS,
        limit: int | None = None,
        evidence_tokens: int | None = None,
        counter: Any = "characters",
        seed: int = 0,
    ) -> None:
        self.packages, self.kinds, self.limit = tuple(packages), tuple(kinds), limit
        self.evidence_tokens, self.seed = evidence_tokens, seed
        self.counter = make_counter(counter)

    def releases(self) -> list[SourceTree]:
        """Return the packages."""
        return [read_release(package) for package in self.packages]

    def key(self) -> list[Any]:
        """Return the settings, and the builder with its version."""
        name = self.counter.name
        return [BUILDER, self.kinds, self.limit, self.evidence_tokens, name, self.seed]

    def build(self, releases: list[SourceTree]) -> ItemSet:
        """Return the questions."""
        return build_questions(
            releases,
            self.counter,
            kinds=self.kinds,
            limit=self.limit,
            evidence_tokens=self.evidence_tokens,
            seed=self.seed,
        )


class MutationRepairs(BuiltItems):
    """Puts single faults into releases with tests; their suites are run in the sandbox.

    Args:
        releases: source archives, or folders that they were unpacked to; with their tests.
        count: faults of each.
        runs: runs in which the tests must agree, with other hash seeds, orders and time zones.
        seed: of the choice of places.
    """

    def __init__(
        self, releases: Sequence[str], count: int = 12, runs: int = RUNS, seed: int = 0
    ) -> None:
        check_range(COUNT, "in MutationRepairs", count=count, runs=runs)
        self.paths, self.count, self.runs, self.seed = tuple(releases), count, runs, seed

    def releases(self) -> list[SourceTree]:
        """Return the releases."""
        return [read_release(path) for path in self.paths]

    def key(self) -> list[Any]:
        """Return the settings."""
        return [self.count, self.runs, self.seed]

    def build(self, releases: list[SourceTree]) -> ItemSet:
        """Return the faults."""
        each = [
            build_mutations(release, self.count, seed=self.seed, runs=self.runs)
            for release in releases
        ]
        return joined(each, releases)


class ReleaseRepairs(BuiltItems):
    """Takes consecutive releases apart into repairs, each with the fewest changes.

    Args:
        releases: source archives in the order of their release, with their tests: each is compared
            with the one before. Of several packages, give one object each.
        runs: runs in which the tests must agree, with other hash seeds, orders and time zones.

    Raises:
        UserError: there are fewer than two.
    """

    def __init__(self, releases: Sequence[str], runs: int = RUNS) -> None:
        check_range(COUNT, "in ReleaseRepairs", runs=runs)
        if len(releases) < 2:
            raise UserError(
                f"there are {len(releases)} releases, in ReleaseRepairs; must be two or more of a "
                "package"
            )
        self.paths, self.runs = tuple(releases), runs

    def releases(self) -> list[SourceTree]:
        """Return the releases."""
        return [read_release(path) for path in self.paths]

    def key(self) -> list[Any]:
        """Return the settings."""
        return [self.runs]

    def build(self, releases: list[SourceTree]) -> ItemSet:
        """Return the repairs."""
        pairs = itertools.pairwise(releases)
        each = [build_release_repairs(old, new, runs=self.runs) for old, new in pairs]
        return joined(each, releases)


def joined(each: Sequence[Built], releases: Sequence[SourceTree]) -> ItemSet:
    """Return what was built of several releases as one set.

    Raises:
        UserError: nothing was.
    """
    items = [item for built in each for item in built.items]
    if not items:
        dropped: Counter[str] = Counter()
        for built in each:
            dropped.update(built.dropped)
        names = ", ".join(release.name for release in releases)
        raise UserError(
            f"no repair comes of {names}; dropped: {dict(dropped) or 'nothing'}; give releases "
            "whose tests pass here and notice changes"
        )
    trees = {name: tree for built in each for name, tree in built.trees.items()}
    return ItemSet(items, trees, {"built": [built.card() for built in each]})


def item_source(source: str | Mapping[str, Any] | ItemSource) -> ItemSource:
    """Return the source of a config: a folder, or a class path with ``init_args``.

    Raises:
        UserError: there is no such class, or it is built with other arguments.
    """
    if isinstance(source, ItemSource):
        return source
    if isinstance(source, str):
        return ItemFolder(source)
    names: dict[str, type[ItemSource]] = {
        kind.__name__: kind
        for kind in (ItemFolder, ReleasedItems, PackageQuestions, MutationRepairs, ReleaseRepairs)
    }
    return make_object(ItemSource, source, names)  # type: ignore[type-abstract]
