"""``WordedWorld``: word problems in which every duplicate and every leak is planted, and known.

Rows have the columns of ``ReasoningWorld``. Its questions are formulas, which are similar to each
other without being duplicates; these are texts of 60 to 250 characters whose wording is varied
enough that rules which compare texts can be measured on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.openthoughts.edits import Sharing, edited, respaced
from lit_research.methods.openthoughts.reasoning_world import (
    SPLITS,
    Planted,
    Row,
    placed,
)
from lit_research.methods.openthoughts.stories import Story
from lit_research.methods.openthoughts.story_draws import draw_story
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.text import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

GRADES = ("exact", "spacing", "1%", "3%", "8%", "number", "paraphrase")
"""Kinds of copies: equal; with other case and white space; with so many letters replaced; with
another number, so no duplicate; told in other sentences."""
SHARED = (12, 13, 14)
LEAKS = ("whole", "inside", *(f"{count} tokens" for count in SHARED))
"""Kinds of leaks: an item with other case and white space; an item between two questions; a
question in which so many tokens of an item are, and no run of more of any."""
DOMAIN = "stories"

_Question = tuple[str, str | None]  # and the answer, None where the text asks nothing clear
_WHERE = "in init_args of WordedWorld"
_EDITS = {"1%": 0.01, "3%": 0.03, "8%": 0.08}
_TRIES = 100  # pairs of an item and a question


class WordedWorld:
    """Word problems about numbers of things, which change in one to three steps.

    All draws depend on the seed and on what is drawn. No two questions are equal, of the
    rows of a call and the items, but for those that are planted.

    Args:
        seed: of the world; None takes ``seed_everything``.
        evaluation: items of the validation split, and of the test split.

    Raises:
        UserError: a number is out of range.
    """

    def __init__(self, seed: int | None = None, evaluation: int = 300) -> None:
        check_range(COUNT, _WHERE, evaluation=evaluation)
        self.seed, self.evaluation = resolve_seed(seed), evaluation

    def items(self, split: str) -> list[Row]:
        """Return the items of ``validation`` or ``test``, as ``ReasoningWorld.items`` does.

        Raises:
            UserError: there is no such split.
        """
        if split not in SPLITS:
            raise UserError(f"split is {split!r}, of WordedWorld; must be one of {SPLITS}")
        first = SPLITS.index(split)
        return [
            {
                "id": f"{split}-{number:04d}",
                "question": story.text(),
                "answer": str(story.answer),
                "difficulty": story.steps,
                "domain": DOMAIN,
            }
            for number, story in enumerate(self._evaluation[first :: len(SPLITS)])
        ]

    def rows(self, count: int) -> list[Row]:
        """Return questions of which none repeats another, or an item; the first ones of any count.

        Args:
            count: number of rows.

        Raises:
            UserError: it is below 1.
        """
        check_range(COUNT, "of WordedWorld", count=count)
        return _rows("worded", [_asked(story) for story in self._stories("rows", count)])

    def duplicated(self, each: int, clean: int) -> tuple[list[Row], dict[str, Planted]]:
        """Return questions in a random order, with copies of some at graded distances.

        Args:
            each: copies of each of ``GRADES``, every one of another question.
            clean: questions without a copy.

        Returns:
            the rows; and what is planted, by id of the copy: its grade, and the id of the question
            that it is made from. A copy can come before it.

        Raises:
            UserError: a number is out of range.
        """
        check_range(COUNT, "of WordedWorld", each=each)
        check_range(NOT_NEGATIVE, "of WordedWorld", clean=clean)
        copied = each * len(GRADES)
        stories = self._stories("duplicated", copied + clean)
        random = self._random("duplicated, planted")
        made = [_asked(story) for story in stories]
        kinds = [GRADES[number // each] for number in range(copied)]
        made += [_copy(story, kind, random) for story, kind in zip(stories, kinds, strict=False)]
        place = random.permutation(len(made))
        rows = _rows("worded-duplicated", placed(made, place))
        planted = {
            rows[place[len(stories) + number]]["id"]: Planted(kind, rows[place[number]]["id"])
            for number, kind in enumerate(kinds)
        }
        return rows, planted

    def leaked(
        self, each: int, clean: int, tokenizer: str | PreTrainedTokenizerFast
    ) -> tuple[list[Row], dict[str, Planted]]:
        """Return questions in a random order, among them leaks of items of both splits.

        Args:
            each: rows of each of ``LEAKS``.
            clean: questions that repeat no item.
            tokenizer: of shared tokens: what ``load_tokenizer`` takes, or the tokenizer.

        Returns:
            the rows; and what is planted, by id of the row: the kind, and the id of the item.

        Raises:
            UserError: a number is out of range, or every text shares more tokens with an
                item, as where tokens are single bytes.
        """
        check_range(COUNT, "of WordedWorld", each=each)
        check_range(NOT_NEGATIVE, "of WordedWorld", clean=clean)
        loaded = load_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
        items = [item for split in SPLITS for item in self.items(split)]
        random = self._random("leaked, planted")
        around = iter(self._stories("leaked, around", 2 * each * len(LEAKS)))
        made, origins = list[_Question](), list[int]()
        for kind in LEAKS:
            leak = _Leak(kind, items, loaded)
            for _ in range(each):
                question, item = leak(next(around).text(), next(around).text(), random)
                made.append(question)
                origins.append(item)
        made += [_asked(story) for story in self._stories("leaked", clean)]
        place = random.permutation(len(made))
        rows = _rows("worded-leaked", placed(made, place))
        planted = {
            rows[place[number]]["id"]: Planted(LEAKS[number // each], items[item]["id"])
            for number, item in enumerate(origins)
        }
        return rows, planted

    @cached_property
    def _evaluation(self) -> list[Story]:
        return self._drawn("evaluation", len(SPLITS) * self.evaluation, set())

    def _stories(self, what: str, count: int) -> list[Story]:
        return self._drawn(what, count, {story.text() for story in self._evaluation})

    def _drawn(self, what: str, count: int, known: set[str]) -> list[Story]:
        """Return stories whose texts differ from each other's and from those ``known``."""
        random, found = self._random(what), list[Story]()
        while len(found) < count:
            story = draw_story(random)
            if (text := story.text()) not in known:
                known.add(text)
                found.append(story)
        return found

    def _random(self, what: str) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self.seed, "WordedWorld", what))


class _Leak:
    """Makes questions in which an item leaks in one of the ways."""

    def __init__(self, kind: str, items: Sequence[Row], tokenizer: PreTrainedTokenizerFast) -> None:
        self._kind, self._items = kind, items
        self._sharing: Sharing | None = None
        if kind.endswith(" tokens"):
            texts = [item["question"] for item in items]
            self._sharing = Sharing(texts, int(kind.split()[0]), tokenizer)

    def __call__(
        self, before: str, after: str, random: np.random.Generator
    ) -> tuple[_Question, int]:
        """Return a question, and which item leaks in it."""
        item = int(random.integers(len(self._items)))
        asked = self._items[item]
        if self._kind == "whole":
            return (respaced(asked["question"], random), asked["answer"]), item
        if self._sharing is None:
            return (f"{before} {asked['question']} {after}", None), item
        for _ in range(_TRIES):
            if text := self._sharing(item, before, random):
                return (text, None), item
            item = int(random.integers(len(self._items)))
        raise UserError(
            f"no text shares {self._kind} with an item and no more with any, for the leaks of "
            "WordedWorld; give a tokenizer of longer tokens, such as one of 'bpe:4096'"
        )


def _copy(story: Story, kind: str, random: np.random.Generator) -> _Question:
    if kind == "number":
        return _asked(story.renumbered(random))
    if kind == "paraphrase":
        return _asked(story.reworded(random))
    text = story.text()
    if kind == "spacing":
        text = respaced(text, random)
    elif kind in _EDITS:
        text = edited(text, _EDITS[kind], random)
    return text, str(story.answer)


def _asked(story: Story) -> _Question:
    return story.text(), str(story.answer)


def _rows(source: str, questions: Sequence[_Question]) -> list[Row]:
    return [
        {
            "id": f"{source}-{number:06d}",
            "question_id": f"{source}-{number:06d}",
            "question": text,
            "answer": answer,
            "trace": None,
            "final": None,
            "source": source,
            "domain": DOMAIN,
        }
        for number, (text, answer) in enumerate(questions)
    ]
