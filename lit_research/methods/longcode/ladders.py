"""Ladders: the same question, or fault, with more and more code around what decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lit_research.errors import UserError
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.dumps import place_of_line
from lit_research.methods.longcode.items import LETTERS, Item, QuestionItem
from lit_research.methods.longcode.ladder_files import (
    FilePool,
    ShownFile,
    arranged,
    evidence_files,
)
from lit_research.methods.longcode.ladder_settings import SHARES, LadderSettings
from lit_research.methods.longcode.prompts import PromptStyle
from lit_research.methods.longcode.rungs import CONTEXT, Rung
from lit_research.methods.longcode.trees import SourceTree
from lit_research.seeds import derive_seed


@dataclass
class _Growth:
    """Files of one item, while its ladder is built.

    Attributes:
        evidence: always shown.
        left: not shown yet, in order of their ranking.
        shown: beside the evidence.
        share: of the shown files before the evidence; None sorts.
    """

    evidence: list[ShownFile]
    left: list[ShownFile]
    share: float | None
    shown: list[ShownFile] = field(default_factory=list)

    def grow(self, room: int) -> list[ShownFile]:
        """Show whatever still fits, in the order of the ranking; return it."""
        room -= sum(file.tokens for file in [*self.evidence, *self.shown])
        added = []
        for one in self.left:
            if one.tokens <= room:
                added.append(one)
                room -= one.tokens
        self.shown += added
        chosen = {id(one) for one in added}
        self.left = [one for one in self.left if id(one) not in chosen]
        return added

    def take_back(self, one: ShownFile) -> None:
        """Hide a file again; it may be shown in a longer prompt."""
        self.shown.remove(one)
        self.left.insert(0, one)


class Ladder:
    """Builds the prompts of items at growing length.

    All files of a prompt are whole. The files of a shorter prompt are also in the longer ones, so
    that an item differs between lengths by what is added. A prompt is as full as whole files allow;
    ``Rung.is_exhausted`` says where no file was left.

    Args:
        trees: by name; those of the items, and others whose files may be added. Trees of tests
            must not be among them.
        counter: of tokens.
        settings: how the ladders are built.
        style: how items are put.
    """

    def __init__(
        self,
        trees: Mapping[str, SourceTree],
        counter: TokenCounter,
        settings: LadderSettings | None = None,
        style: PromptStyle | None = None,
    ) -> None:
        self.settings, self.style = settings or LadderSettings(), style or PromptStyle()
        self.counter = counter
        self._pool = FilePool(trees, counter, self.settings.ranking, self.settings.seed)

    def rungs(self, item: Item) -> list[Rung]:
        """Return an item at every length, the shortest first.

        Where it is not known which lines decide an item, its whole tree is always shown.

        Raises:
            UserError: the evidence is in a file that may not be shown, such as one of tests.
        """
        growth = self._begin(item)
        return [self._rung(item, bucket, growth) for bucket in self.settings.buckets]

    def _begin(self, item: Item) -> _Growth:
        numbered, settings = self.style.numbered(item), self.settings
        own = self._pool.files(item.tree, numbered=numbered)
        wanted = evidence_files(item) or [file.path for file in own]
        evidence = [file for file in own if file.path in wanted]
        if len(evidence) < len(wanted):
            missing = sorted(set(wanted) - {file.path for file in evidence})
            raise UserError(
                f"the evidence of {item.id!r} is in {missing[0]!r}, which its tree {item.tree!r} "
                "does not show; must be a source file, and none of tests"
            )
        left: list[ShownFile] = []
        if settings.distractors != "other":
            ranked = self._pool.ranked(item, numbered=numbered)
            left += [file for file in ranked if file.path not in wanted]
        if settings.distractors != "same":
            left += self._pool.ranked_others(item, numbered=numbered)
        share = SHARES.get(settings.position)
        if settings.position == "uniform":
            share = derive_seed("longcode position", settings.seed, item.id) / 256**8
        return _Growth(evidence, left, share)

    def _rung(self, item: Item, bucket: int, growth: _Growth) -> Rung:
        empty = self._measure(item, bucket, "")
        added = growth.grow(bucket - max(empty.tokens))
        while True:
            files = arranged(growth.evidence, growth.shown, growth.share)
            rung = self._measure(item, bucket, "\n".join(file.text for file in files))
            # Tokens of the parts may add up to less than those of the whole.
            if max(rung.tokens) <= bucket or not added:
                break
            growth.take_back(added.pop())
        depth = _depth(item, files)
        if max(rung.tokens) > bucket:
            if self.settings.too_long == "cut" and max(empty.tokens) <= bucket:
                rung = self._cut(item, bucket, files, depth)
            else:
                rung = replace(rung, depth=depth, refusal=CONTEXT)
        else:
            rung = replace(rung, depth=depth)
        names = tuple(file.name for file in files)
        return replace(rung, files=names, is_exhausted=not growth.left)

    def _measure(self, item: Item, bucket: int, code: str) -> Rung:
        """Return an item with some code, and the tokens of its prompts.

        The whole prompt is counted once. Prompts of other rotations differ from it only at the end,
        after the same text, and so by the difference of their ends.
        """
        rotations = range(len(LETTERS) if isinstance(item, QuestionItem) else 1)
        parts = [self.style.parts(item, code, rotation) for rotation in rotations]
        context = parts[0][0]
        if any(part[0] != context for part in parts):  # ``pre``: the question is before the code
            contexts = [part[0] for part in parts]
            counts = self.counter.count(["".join(part) for part in parts])
            rests = tuple(one[len(_common(contexts)) :] for one in contexts)
            return Rung(bucket, _common(contexts), rests, tuple(counts))
        rests = tuple(part[1] for part in parts)
        whole, *ends = self.counter.count([context + rests[0], *rests])
        return Rung(bucket, context, rests, tuple(whole + end - ends[0] for end in ends))

    def _cut(self, item: Item, bucket: int, files: list[ShownFile], depth: float | None) -> Rung:
        """Leave out as few characters of the middle of the code as make the prompt fit."""
        code = "\n".join(file.text for file in files)
        fewest, most = 1, len(code)
        while fewest < most:
            middle = (fewest + most) // 2
            fits = max(self._measure(item, bucket, _without(code, middle)).tokens) <= bucket
            fewest, most = (fewest, middle) if fits else (middle + 1, most)
        rung = self._measure(item, bucket, _without(code, most))
        if max(rung.tokens) > bucket:  # the note about what is left out does not fit either
            return replace(rung, refusal=CONTEXT, cut=most)
        shown, start = _without(code, most), (len(code) - most) // 2
        place = None if depth is None else round(depth * len(code))
        if place is not None and place >= start:
            place = None if place < start + most else place - len(code) + len(shown)
        return replace(rung, cut=most, depth=None if place is None else place / max(len(shown), 1))


def _without(code: str, cut: int) -> str:
    start = (len(code) - cut) // 2
    return f"{code[:start]}\n[{cut} characters are left out here]\n{code[start + cut :]}"


def _depth(item: Item, files: Sequence[ShownFile]) -> float | None:
    """Return the share of the code's characters before the first line of evidence."""
    places, before = [], 0
    for file in files:
        if file.tree == item.tree:
            # A mark is above the first line.
            places += [
                before + place_of_line(file.text, span.first + 1)
                for span in item.evidence
                if span.file == file.path
            ]
        before += len(file.text) + 1
    return min(places) / max(before - 1, 1) if places else None


def _common(texts: Sequence[str]) -> str:
    """Return the longest common beginning."""
    first, last = min(texts), max(texts)
    same = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[:same]
