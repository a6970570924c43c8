"""Released items at the one length at which they were released, with their prompts word by word."""

from __future__ import annotations

from collections.abc import Mapping

from lit_research.errors import UserError
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.items import LETTERS, Item, QuestionItem
from lit_research.methods.longcode.ladder_files import evidence_files
from lit_research.methods.longcode.prompts import question_block
from lit_research.methods.longcode.published_questions import published_prompt
from lit_research.methods.longcode.published_records import bucket_tokens
from lit_research.methods.longcode.published_repairs import published_text
from lit_research.methods.longcode.rungs import Rung
from lit_research.methods.longcode.trees import SourceTree


class PublishedLadder:
    """Gives each released item its released prompt.

    Nothing is refused: which bucket an item is in was decided by the released tokenizer, and a
    counter of another one may count more tokens than the bucket's name says.

    Args:
        trees: by name.
        counter: of tokens.
    """

    def __init__(self, trees: Mapping[str, SourceTree], counter: TokenCounter) -> None:
        self.trees, self.counter = trees, counter

    def rungs(self, item: Item) -> list[Rung]:
        """Return the item with its released prompt; rotation 0 is that, word by word.

        Raises:
            UserError: the item was not imported from a release with prompts.
        """
        tree = self.trees[item.tree]
        if "bucket" not in item.source:
            raise UserError(
                f"the item {item.id!r} is of kind {item.kind!r}, without a released prompt; must "
                "be of LongCodeQA or LongSWE_Bench, or take Ladder"
            )
        if isinstance(item, QuestionItem):
            context, rest = published_prompt(item, tree)
            rests = tuple(_rotated(item, rest, rotation) for rotation in range(len(LETTERS)))
        else:
            context, rest = published_text(item, tree)
            rests = (rest,)
        whole, *ends = self.counter.count([context + rest, *rests])
        tokens = tuple(whole + end - ends[0] for end in ends)
        files = tuple(path for path in tree.files if path)
        depth = _depth(item, tree)
        return [Rung(bucket_tokens(item.source["bucket"]), context, rests, tokens, files, depth)]


def _rotated(item: QuestionItem, rest: str, rotation: int) -> str:
    """Return the end of a prompt with its options moved."""
    if rotation == 0:
        return rest
    begin, block, end = rest.rpartition(item.source["question"])
    options, _ = item.rotated(rotation)
    if not block:
        raise UserError(
            f"the prompt of {item.id!r} does not hold its question, so that its options cannot be "
            "moved; ask rotation 0 only"
        )
    return begin + question_block(item.question, options) + end


def _depth(item: Item, tree: SourceTree) -> float | None:
    """Return about where the first file of evidence begins, by characters of the files."""
    wanted, before, total = set(evidence_files(item)), 0, sum(map(len, tree.files.values()))
    for path, text in tree.files.items():
        if path in wanted:
            return before / max(total, 1)
        before += len(text)
    return None
