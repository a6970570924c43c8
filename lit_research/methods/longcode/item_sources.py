"""Where an exam's items are from: a folder, released files, packages; a config names one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lit_research.class_paths import make_object
from lit_research.errors import UserError, nearest
from lit_research.methods.longcode.counters import make_counter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import QuestionKind
from lit_research.methods.longcode.published_instances import import_instances
from lit_research.methods.longcode.published_questions import import_questions
from lit_research.methods.longcode.published_records import BUCKETS
from lit_research.methods.longcode.published_repairs import import_repairs
from lit_research.methods.longcode.question_builder import BUILT_KINDS, build_questions
from lit_research.methods.longcode.releases import read_release

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


class PackageQuestions(ItemSource):
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
        self.evidence_tokens, self.counter, self.seed = evidence_tokens, counter, seed

    def items(self) -> ItemSet:
        """Return the questions."""
        return build_questions(
            [read_release(package) for package in self.packages],
            make_counter(self.counter),
            kinds=self.kinds,
            limit=self.limit,
            evidence_tokens=self.evidence_tokens,
            seed=self.seed,
        )


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
        kind.__name__: kind for kind in (ItemFolder, ReleasedItems, PackageQuestions)
    }
    return make_object(ItemSource, source, names)  # type: ignore[type-abstract]
