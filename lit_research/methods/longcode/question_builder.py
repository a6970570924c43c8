"""Builds questions about source trees: facts, other options, letters, and the card."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from lit_research.errors import UserError, nearest
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import LETTERS, QuestionItem, QuestionKind
from lit_research.methods.longcode.question_blocks import Block, choose_blocks, make_blocks
from lit_research.methods.longcode.question_defaults import default_facts
from lit_research.methods.longcode.question_facts import Fact, Found
from lit_research.methods.longcode.question_links import base_facts, caller_facts, defines_facts
from lit_research.methods.longcode.question_raises import raises_facts
from lit_research.methods.longcode.question_returns import returns_facts
from lit_research.methods.longcode.question_scan import Scan
from lit_research.methods.longcode.trees import SourceTree
from lit_research.progress import counting
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed

BUILDER = "lit-research longcode questions 1"
"""Name and version; a change that gives other items has another version."""
_READERS: Mapping[str, Callable[[Scan, int], Iterable[Fact | str]]] = {
    "default": lambda scan, seed: default_facts(scan),
    "raises": lambda scan, seed: raises_facts(scan),
    "defines": lambda scan, seed: defines_facts(scan),
    "base": lambda scan, seed: base_facts(scan),
    "caller": lambda scan, seed: caller_facts(scan),
    "returns": returns_facts,
}
BUILT_KINDS = tuple(kind for kind in get_args(QuestionKind) if kind in _READERS)
"""Kinds that are built without a model."""


def build_questions(
    trees: Sequence[SourceTree],
    counter: TokenCounter,
    *,
    kinds: Sequence[QuestionKind] = BUILT_KINDS,
    limit: int | None = None,
    evidence_tokens: int | None = None,
    seed: int = 0,
) -> ItemSet:
    """Build questions with one proved answer and three others of the same kind from the same tree.

    An answer is unique over all shown files of its tree. Right letters are exactly balanced. The
    same input gives the same items.

    Args:
        trees: the source trees.
        counter: counts tokens.
        kinds: what is asked; ``returns`` runs code of the tree in the sandbox.
        limit: questions of each tree at most, a multiple of 4, shared evenly among the kinds as
            far as each has them; None for all.
        evidence_tokens: longest text of all files that hold a question's evidence, so that it can
            be asked in a short context; None for any length.
        seed: of arguments, options and letters.

    Returns:
        Questions and trees; the card says how many questions were dropped and why.

    Raises:
        UserError: a kind is unknown, two trees have one name, a tree has no parseable Python, or
            no question is left.
    """
    check_range(COUNT, "in build_questions", limit=limit, evidence_tokens=evidence_tokens)
    for kind in kinds:
        if kind not in _READERS:
            raise UserError(
                f"the kind is {kind!r}, in build_questions; must be one that needs no model; "
                f"{nearest(kind, BUILT_KINDS)}"
            )
    names = Counter(tree.name for tree in trees)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UserError(f"two trees have the name {twice[0]!r}, in build_questions; must differ")
    items: list[QuestionItem] = []
    dropped: Counter[str] = Counter()
    with counting("building questions", len(trees), unit="trees", delay=2) as add:
        for tree in trees:
            items += _of_tree(tree, counter, kinds, limit, evidence_tokens, seed, dropped)
            add(1)
    if not items:
        raise UserError(
            f"no question is left of {len(trees)} trees, in build_questions; dropped: "
            f"{dict(dropped.most_common(5))}; give a larger package or allow longer evidence"
        )
    card = {
        "builder": BUILDER,
        "counter": counter.name,
        "seed": seed,
        "limit": limit,
        "evidence_tokens": evidence_tokens,
        "kinds": dict(Counter(item.kind for item in items)),
        "dropped": dict(sorted(dropped.items())),
    }
    return ItemSet(items, {tree.name: tree for tree in trees}, card)


def _of_tree(
    tree: SourceTree,
    counter: TokenCounter,
    kinds: Sequence[QuestionKind],
    limit: int | None,
    evidence_tokens: int | None,
    seed: int,
    dropped: Counter[str],
) -> list[QuestionItem]:
    scan, found = Scan(tree), Found()
    seed = derive_seed(seed, tree.name)
    paths = list(scan.texts)
    tokens = dict(zip(paths, counter.count([scan.texts[path] for path in paths]), strict=True))
    blocks: dict[QuestionKind, list[Block]] = {}
    for kind in kinds:
        found.add(kind, _READERS[kind](scan, derive_seed(seed, kind)))
        facts = [fact for fact in found.facts if fact.kind == kind]
        short = facts
        if evidence_tokens is not None:
            sizes = [sum(tokens[file] for file in fact.files) for fact in facts]
            short = [f for f, size in zip(facts, sizes, strict=True) if size <= evidence_tokens]
        blocks[kind] = make_blocks(short, derive_seed(seed, "blocks", kind))
        found.dropped[f"{kind}: evidence too long"] += len(facts) - len(short)
        found.dropped[f"{kind}: no three others, or they would give it away"] += len(short) - (
            len(LETTERS) * len(blocks[kind])
        )
    shares = _shares({kind: len(some) for kind, some in blocks.items()}, limit)
    total = sum(tokens.values())
    items = []
    for kind, some in blocks.items():
        for block in choose_blocks(some, shares[kind], derive_seed(seed, "choice", kind)):
            items += _items(tree, block, total, seed)
    dropped.update(+found.dropped)
    return items


def _shares(available: Mapping[QuestionKind, int], limit: int | None) -> dict[QuestionKind, int]:
    """Return blocks of each kind: equally many, more where others have too few."""
    left = sum(available.values()) if limit is None else limit // len(LETTERS)
    shares = dict.fromkeys(available, 0)
    while left and (open_ := [kind for kind in available if shares[kind] < available[kind]]):
        for kind in open_[:left]:
            shares[kind] += 1
            left -= 1
    return shares


def _items(tree: SourceTree, block: Block, tokens: int, seed: int) -> list[QuestionItem]:
    """Return the four questions of a block, one for each right letter."""
    questions = sorted(fact.question for fact in block.facts)
    name = f"{derive_seed(tree.name, *questions):016x}"
    rng = random.Random(derive_seed(seed, name))
    files = sorted({file for fact in block.facts for file in fact.files})
    answers = rng.sample(range(len(LETTERS)), len(LETTERS))
    made = []
    for fact, answer in zip(block.facts, answers, strict=True):
        others = [other.answer for other in block.facts if other is not fact]
        rng.shuffle(others)
        options = (*others[:answer], fact.answer, *others[answer:])
        made.append(
            QuestionItem(
                id=f"{tree.name}/{fact.kind}/{derive_seed(fact.question):016x}",
                kind=fact.kind,
                question=fact.question,
                options=options,
                answer=answer,
                tree=tree.name,
                origin=replace(tree.origin, seed=seed, builder=BUILDER),
                evidence=fact.evidence,
                tokens=tokens,
                source={"block": name, "option_files": json.dumps(files)},
            )
        )
    return made
