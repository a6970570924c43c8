"""Other options: from facts to blocks of four questions that share four options.

A block is four facts of one kind, one type and one length class, with four different answers; each
of its questions has all four as options. So every option of a block is right exactly once, and
whoever goes by the options alone, whatever the rule, is right in exactly one question of four:
the longest, the most frequent type, the most plausible. What is left is the overlap of options with
the question. Blocks are put together, and the last ones dropped, so that over all questions of a
kind the option with the most overlap is right in one of four, and that with the least too, for each
measure in ``OVERLAPS``.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lit_research.methods.longcode.question_facts import Fact
from lit_research.methods.longcode.question_odds import plain_facts
from lit_research.methods.longcode.question_overlap import OVERLAPS

SIZE = 4
_MOVES = 30  # tried for each block
_TARGET = 0.27  # mean chance of an overlap before facts are put together
_SLACK = 0.3  # standard errors by which an overlap may stay off chance


@dataclass
class Block:
    """Four facts that are each other's options.

    Attributes:
        facts: in no order.
        group: what all of them have in common, so that a fact of the same may take a place.
    """

    facts: list[Fact]
    group: tuple[object, ...]

    def fits(self, new: Fact, instead: int) -> bool:
        """Return whether a fact could take the place of another one."""
        return all(new.fits(one) for n, one in enumerate(self.facts) if n != instead)


def make_blocks(facts: Sequence[Fact], seed: int) -> list[Block]:
    """Return blocks of facts of one kind, balanced; each fact is in one of them at most.

    Facts of one file come together where that file has four that fit, so that all options are in
    the text that is shown with the evidence alone.

    Args:
        facts: of one kind.
        seed: of the choice.
    """
    rng = random.Random(seed)
    groups: dict[tuple[object, ...], list[Fact]] = defaultdict(list)
    for fact in plain_facts(facts, _TARGET, rng):
        groups[fact.type, fact.length, tuple(sorted(fact.files))].append(fact)
    blocks: list[Block] = []
    spare: dict[tuple[object, ...], list[Fact]] = defaultdict(list)
    for group, members in groups.items():
        made, left = _fours(members, group, rng)
        blocks += made
        spare[group[:2]] += left
    for group, members in list(spare.items()):
        made, spare[group] = _fours(members, group, rng)
        blocks += made
    rng.shuffle(blocks)
    return _balanced(blocks, spare, rng)


def _fours(
    facts: Sequence[Fact], group: tuple[object, ...], rng: random.Random
) -> tuple[list[Block], list[Fact]]:
    """Return blocks of what fits together, and what is left over."""
    by_answer: dict[str, list[Fact]] = defaultdict(list)
    for fact in rng.sample(list(facts), len(facts)):
        by_answer[fact.answer].append(fact)
    blocks: list[Block] = []
    left: list[Fact] = []
    while len(by_answer) >= SIZE:
        # The answers that most questions have come first, or they would be left over.
        answers = sorted(by_answer, key=lambda answer: -len(by_answer[answer]))
        chosen: list[Fact] = []
        for answer in answers:
            if all(by_answer[answer][-1].fits(one) for one in chosen):
                chosen.append(by_answer[answer][-1])
            if len(chosen) == SIZE:
                blocks.append(Block(chosen, group))
                break
        for fact in chosen if len(chosen) == SIZE else chosen[:1]:
            by_answer[fact.answer].pop()
            if not by_answer[fact.answer]:
                del by_answer[fact.answer]
        if len(chosen) < SIZE:
            left.append(chosen[0])
    return blocks, left + [fact for some in by_answer.values() for fact in some]


def excess(facts: Sequence[Fact]) -> np.ndarray:
    """Return by how much going by overlap beats chance in a block.

    Returns:
        Right answers minus 1, ``[2 M]``: for each of M measures of the option with the most
        overlap and of that with the least; ties count in part.
    """
    found = []
    for measure in OVERLAPS.values():
        scores = np.array([[measure(q.question, o.answer) for o in facts] for q in facts])
        for signed in (scores, -scores):
            is_best = signed == signed.max(axis=1, keepdims=True)
            found.append(float((np.diag(is_best) / is_best.sum(axis=1)).sum()) - 1)
    return np.array(found)


def _balanced(
    blocks: list[Block], spare: dict[tuple[object, ...], list[Fact]], rng: random.Random
) -> list[Block]:
    """Exchange members of blocks, then drop blocks, until no overlap tells the answer."""
    if not blocks:
        return blocks
    scores = np.array([excess(block.facts) for block in blocks])
    total = scores.sum(axis=0)
    peers: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, block in enumerate(blocks):
        peers[block.group].append(number)
    for _ in range(_MOVES * len(blocks)):
        if np.abs(total).max() <= _allowed(len(blocks)):
            break
        at, place = rng.randrange(len(blocks)), rng.randrange(SIZE)
        total = _try_move(blocks, scores, total, spare, peers, (at, place), rng)
    kept = list(range(len(blocks)))
    while kept and np.abs(total).max() > _allowed(len(kept)):
        worst = min(kept, key=lambda n: (_cost(total - scores[n]), n))
        kept.remove(worst)
        total = total - scores[worst]
    return [blocks[n] for n in kept]


def choose_blocks(blocks: Sequence[Block], count: int, seed: int) -> list[Block]:
    """Return so many of the blocks, which are balanced among themselves as all are.

    Args:
        blocks: of one kind.
        count: how many to keep; all where there are no more.
        seed: of the choice.
    """
    if count >= len(blocks):
        return list(blocks)
    rng = random.Random(seed)
    numbers = rng.sample(range(len(blocks)), len(blocks))
    kept, left = numbers[:count], numbers[count:]
    scores = np.array([excess(block.facts) for block in blocks])
    total = scores[kept].sum(axis=0)
    for _ in range(_MOVES * len(blocks) if kept else 0):
        out, new = rng.randrange(len(kept)), rng.randrange(len(left))
        after = total - scores[kept[out]] + scores[left[new]]
        if _cost(after) < _cost(total):
            total = after
            kept[out], left[new] = left[new], kept[out]
    return [blocks[n] for n in sorted(kept)]


def _allowed(blocks: int) -> float:
    """Return the right answers beyond chance that may be left, of ``SIZE`` times ``blocks``."""
    return _SLACK * float(np.sqrt(SIZE * blocks * 3 / 16))


def _cost(total: np.ndarray) -> float:
    return float(np.square(total).sum())


def _try_move(
    blocks: list[Block],
    scores: np.ndarray,
    total: np.ndarray,
    spare: dict[tuple[object, ...], list[Fact]],
    peers: dict[tuple[object, ...], list[int]],
    position: tuple[int, int],
    rng: random.Random,
) -> np.ndarray:
    """Put a spare fact, or one of another block, in a position if that is better."""
    at, place = position
    block = blocks[at]
    old = block.facts[place]
    unused, others = spare[block.group[:2]], peers[block.group]
    if unused and (len(others) == 1 or rng.random() < 0.5):
        source, where, changed = unused, rng.randrange(len(unused)), [at]
    else:
        other = rng.choice(others)
        source, where, changed = blocks[other].facts, rng.randrange(SIZE), [at, other]
        if other == at or not blocks[other].fits(old, where):
            return total
    same_file = len(block.group) == 2 or source[where].files == old.files
    if not same_file or not block.fits(source[where], place):
        return total
    block.facts[place], source[where] = source[where], old
    new = np.array([excess(blocks[n].facts) for n in changed])
    after = total + new.sum(axis=0) - scores[changed].sum(axis=0)
    if _cost(after) <= _cost(total):
        scores[changed] = new
        return after
    block.facts[place], source[where] = old, block.facts[place]
    return total
