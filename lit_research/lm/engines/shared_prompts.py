"""Which prompts of a call are read together, because they begin alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lit_research.lm.continuations import common_beginning

_DEEPEST = 32  # levels of the tree of beginnings; below, what all have in common is shared
Member = TypeVar("Member")


@dataclass(frozen=True)
class Group(Generic[Member]):
    """Members whose prompts have their first ``shared`` tokens in common, the longest first."""

    members: list[Member]
    lengths: list[int]
    shared: int = 0

    def batches(self, size: int) -> Iterator[list[Member]]:
        """Yield the members, so many at a time."""
        for first in range(0, len(self.members), size):
            yield self.members[first : first + size]

    def by_length(self) -> list[Group[Member]]:
        """Return groups whose members have prompts of one length, which need no padding."""
        pairs = zip(self.lengths, self.members, strict=True)
        runs = itertools.groupby(pairs, key=lambda pair: pair[0])
        return [_group([(length, m) for _, m in run], self.shared) for length, run in runs]


def _group(pairs: list[tuple[int, Member]], shared: int) -> Group[Member]:
    # Those of like length run together.
    ordered = sorted(pairs, key=lambda pair: pair[0], reverse=True)
    return Group([m for _, m in ordered], [length for length, _ in ordered], shared)


def groups_of(
    members: Sequence[Member], prompt_of: Callable[[Member], list[int]], least: int
) -> list[Group[Member]]:
    """Return members in groups whose prompts begin alike, and all others in one group.

    Prompts form a tree of beginnings; each is put where reading what it shares once saves the most
    tokens in all. A prompt never shares its last token, which the first new one is predicted from.

    Args:
        members: what has a prompt.
        prompt_of: its token ids.
        least: tokens that a group has in common.
    """
    prompts = [prompt_of(member) for member in members]
    order = sorted(range(len(members)), key=lambda n: prompts[n])
    common = [common_beginning(prompts[a], prompts[b]) for a, b in itertools.pairwise(order)]
    alone, groups = list[int](), list[Group[Member]]()
    cuts = [0, *(n + 1 for n, tokens in enumerate(common) if tokens < least), len(order)]
    runs = [_best(common, a, b) for a, b in itertools.pairwise(cuts)] if members else []
    for first, last, shared in (run for _, of_part in runs for run in of_part):
        if shared:
            pairs = [(len(prompts[n]), members[n]) for n in order[first:last]]
            groups.append(_group(pairs, shared))
        else:
            alone += order[first:last]
    others = [(len(prompts[n]), members[n]) for n in sorted(alone)]
    return [*groups, *([_group(others, 0)] if others else [])]


_Run = tuple[int, int, int]  # first and last + 1 in order, and the tokens that they share


def _best(common: list[int], first: int, last: int, depth: int = 0) -> tuple[int, list[_Run]]:
    """Return the tokens saved by the best grouping of a run that begins alike, and its groups.

    Args:
        common: tokens that each prompt has in common with the next in order.
        first: the run's first prompt.
        last: the one after its last.
        depth: level of the tree.
    """
    if last - first == 1:
        return 0, [(first, last, 0)]
    shared = min(common[first : last - 1])
    cuts = [n + 1 for n in range(first, last - 1) if common[n] == shared]
    together = (last - first - 1) * shared
    if depth == _DEEPEST:
        return together, [(first, last, shared)]
    ends = itertools.pairwise([first, *cuts, last])
    parts = [_best(common, a, b, depth + 1) for a, b in ends]
    apart = sum(saved for saved, _ in parts)
    if together >= apart:
        return together, [(first, last, shared)]
    return apart, [run for _, runs in parts for run in runs]
