"""``CodeExam``: items at growing length, as they are put to a solver."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from lit_research.errors import UserError
from lit_research.methods.base import DataModule
from lit_research.methods.item_indices import ItemIndices
from lit_research.methods.longcode.asking import AskedQuestion, AskedRepair
from lit_research.methods.longcode.counters import make_counter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.item_sources import item_source
from lit_research.methods.longcode.items import LETTERS, Item, QuestionItem, RepairItem
from lit_research.methods.longcode.ladder_settings import (
    Distractors,
    LadderSettings,
    Position,
    Ranking,
    TooLong,
)
from lit_research.methods.longcode.ladders import Ladder
from lit_research.methods.longcode.prompts import AnswerFormat, Goal, PromptStyle, QuestionFormat
from lit_research.methods.longcode.published_ladder import PublishedLadder
from lit_research.methods.longcode.rungs import Rung, ask_question, ask_repair
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import resolve_seed
from lit_research.storage import content_hash
from lit_research.text import ShardedSampler, make_loader

Asked = AskedQuestion | AskedRepair
_WHERE = "in data.init_args of CodeExam"
_KEPT_LADDERS = 8  # of items; a batch rarely has more


class CodeExam(DataModule):
    """Questions about code and faults in code, each at growing length, for ``LongCodeExam``.

    The same item is asked at every length, with more and more files around those that decide it;
    released items are asked at their own length, with their own prompt.

    Args:
        items: a folder of items; or an ``ItemSource``, ``{class_path: ..., init_args: ...}``, such
            as ``lit_research.methods.longcode.PackageQuestions``.
        lengths: longest numbers of tokens of the prompts, ascending; empty for released items with
            their own prompts.
        counter: of tokens: ``characters`` (an estimate), ``{class_path: tokenizer, init_args:
            {spec: FOLDER}}``, ``tiktoken``, or a class.
        position: where the files that decide an item stand: ``sorted`` by path among the others,
            ``first``, ``middle``, ``last`` or ``uniform``.
        ranking: which other files come first: ``bm25`` or ``random``.
        distractors: where other files are from: the ``same`` repository, ``other`` ones, or
            ``both``, in this order.
        too_long: what becomes of a prompt that does not fit into its length: ``refuse``, or ``cut``
            in the middle.
        questions: where a question stands: ``post`` (after the code), ``pre``, or ``without`` any.
        goal: how the letter is to be given: ``letter`` alone, or a last line (``final_answer``).
        repairs: how a repair is to be given: ``diff``, ``search-replace`` or ``whole-file``.
        rotations: by how many of the four places the options are moved, each a sample of its own:
            4 puts the right option at every letter once.
        repeats: samples of each prompt.
        max_items: items of each task, the first ones; None is all.
        batch_size: items that are asked together, each with its rotations and repeats, at a length.
        seed: of random positions, rankings and samples; None takes ``seed_everything``.

    Raises:
        UserError: an argument is out of range.
    """

    defines = ()

    def __init__(
        self,
        items: str | dict[str, Any],
        lengths: Sequence[int] = (1024, 2048, 4096, 8192),
        counter: str | dict[str, Any] = "characters",
        position: Position = "sorted",
        ranking: Ranking = "bm25",
        distractors: Distractors = "both",
        too_long: TooLong = "refuse",
        questions: QuestionFormat = "post",
        goal: Goal = "letter",
        repairs: AnswerFormat = "diff",
        rotations: int = 4,
        repeats: int = 1,
        max_items: int | None = None,
        batch_size: int = 8,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_range(COUNT, _WHERE, repeats=repeats, max_items=max_items, batch_size=batch_size)
        if not 1 <= rotations <= len(LETTERS):
            raise UserError(f"rotations is {rotations}, {_WHERE}; must be 1 to {len(LETTERS)}")
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.style = PromptStyle(questions, goal, repairs)
        self.settings = None
        if lengths:
            self.settings = LadderSettings(
                tuple(lengths), position, ranking, distractors, too_long, self.hparams["seed"]
            )
        self._rungs_of = lru_cache(_KEPT_LADDERS)(self._rungs)

    @cached_property
    def item_set(self) -> ItemSet:
        """The items and their trees, cut to ``max_items`` of each task.

        Raises:
            UserError: there are none.
        """
        found = item_source(self.hparams["items"]).items()
        limit = self.hparams["max_items"]
        items: list[Item] = [*found.questions[:limit], *found.repairs[:limit]]
        if not items:
            raise UserError(f"there are no items, {_WHERE}; give items of questions or repairs")
        return ItemSet(items, found.trees, found.card)

    @cached_property
    def ladder(self) -> Ladder | PublishedLadder:
        """Builds the prompts."""
        hidden = {item.tests for item in self.item_set.repairs}
        trees = {n: tree for n, tree in self.item_set.trees.items() if n not in hidden}
        counter = make_counter(self.hparams["counter"])
        if self.settings is None:
            return PublishedLadder(trees, counter)
        return Ladder(trees, counter, self.settings, self.style)

    @property
    def card(self) -> dict[str, Any]:
        """What determines the prompts: plain JSON data."""
        args = self.hparams
        chosen = {key: args[key] for key in args if key not in ("items", "batch_size")}
        texts = [json.dumps([item.id, item.tree]) for item in self.item_set.items]
        trees = [tree.sha256() for _, tree in sorted(self.item_set.trees.items())]
        return {
            **chosen,
            "counter": self.ladder.counter.name,
            "items": content_hash(*texts, *trees),
        }

    @cached_property
    def groups(self) -> list[tuple[int, int | None]]:
        """What is asked together: number of an item and a length, items of one tree in a row.

        A released item has a length of its own, None.
        """
        lengths: Sequence[int | None] = self.hparams["lengths"] or (None,)
        items = self.item_set.items
        order = sorted(
            range(len(items)), key=lambda i: (isinstance(items[i], RepairItem), items[i].tree)
        )
        return [(number, length) for number in order for length in lengths]

    def _rungs(self, number: int) -> list[Rung]:
        return self.ladder.rungs(self.item_set.items[number])

    def asked(self, group: int) -> list[Asked]:
        """Return what is asked of a group: an item at a length, with its rotations and repeats."""
        number, length = self.groups[group]
        item, args = self.item_set.items[number], self.hparams
        [rung] = [one for one in self._rungs_of(number) if length in (one.bucket, None)]
        if isinstance(item, QuestionItem):
            rotations = range(args["rotations"])
            return [*ask_question(item, rung, rotations, args["repeats"], args["seed"])]
        tree = self.item_set.trees[item.tree]
        return [*ask_repair(item, tree, rung, args["repeats"], args["seed"])]

    @property
    def shortest(self) -> int:
        """Fewest tokens that a prompt may have: the first length."""
        return min(self.hparams["lengths"], default=0)

    def setup(self, stage: str) -> None:
        """Read the items.

        Raises:
            UserError: there are none.
        """
        _ = self.ladder

    def _loader(self) -> Any:
        numbers = ItemIndices(len(self.groups))
        sampler = ShardedSampler(
            numbers,
            batch_size=self.hparams["batch_size"],
            shuffle=False,
            drop_last=False,
            rank=self.rank,
            world_size=self.world_size,
        )
        return make_loader(numbers, sampler=sampler)

    def test_dataloader(self) -> Any:
        """Return the numbers of this process's groups."""
        return self._loader()

    def predict_dataloader(self) -> Any:
        """Return the numbers of this process's groups."""
        return self._loader()
