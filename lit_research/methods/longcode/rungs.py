"""``Rung``: an item at one length; and the questions and faults that are asked at it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lit_research.methods.longcode.asking import AskedQuestion, AskedRepair, Step
from lit_research.methods.longcode.items import QuestionItem, RepairItem
from lit_research.methods.longcode.trees import SourceTree
from lit_research.seeds import derive_seed

CONTEXT = "context"
"""The refusal of a prompt that is longer than its bucket."""


@dataclass(frozen=True)
class Rung:
    """An item at one length of its ladder.

    Attributes:
        bucket: longest number of tokens of the prompt.
        context: the prompt up to the end of the code.
        rests: what follows, for each rotation of the options; one for a repair.
        tokens: of the whole prompt, for each rotation.
        files: paths as they are shown, in order; those of other trees begin with the tree's name.
        depth: where the evidence begins in the code, as a share of its characters from 0 to 1;
            None where it is not known, or has been cut out.
        refusal: why it cannot be asked; None if it can.
        cut: characters that were left out of the middle of the code.
        is_exhausted: whether no file is left that a longer prompt could show.
    """

    bucket: int
    context: str
    rests: tuple[str, ...]
    tokens: tuple[int, ...]
    files: tuple[str, ...] = ()
    depth: float | None = None
    refusal: str | None = None
    cut: int = 0
    is_exhausted: bool = False


def ask_question(
    item: QuestionItem,
    rung: Rung,
    rotations: Iterable[int] = (0,),
    repeats: int = 1,
    seed: int = 0,
) -> list[AskedQuestion]:
    """Return a question as it is put at one length, for each rotation and repeat.

    Args:
        item: the question.
        rung: of its ladder.
        rotations: by how many places the options are moved.
        repeats: samples of the same prompt.
        seed: of the exam; that of a sample follows from it and the step.
    """
    found = []
    for rotation in rotations:
        options, correct = item.rotated(rotation)
        for repeat in range(repeats):
            step = Step(item.id, rung.bucket, rotation, repeat)
            found.append(
                AskedQuestion(
                    step,
                    item,
                    options,
                    correct,
                    rung.context,
                    rung.rests[rotation],
                    rung.tokens[rotation],
                    rung.depth,
                    rung.refusal,
                    _seed(seed, step),
                    rung.cut,
                )
            )
    return found


def ask_repair(
    item: RepairItem, tree: SourceTree, rung: Rung, repeats: int = 1, seed: int = 0
) -> list[AskedRepair]:
    """Return a fault as it is put at one length, for each repeat; as ``ask_question``."""
    steps = [Step(item.id, rung.bucket, 0, repeat) for repeat in range(repeats)]
    prompt, [tokens] = rung.context + rung.rests[0], rung.tokens
    return [
        AskedRepair(
            step,
            item,
            tree,
            prompt,
            tokens,
            rung.depth,
            rung.refusal,
            _seed(seed, step),
            rung.cut,
        )
        for step in steps
    ]


def _seed(seed: int, step: Step) -> int:
    return derive_seed(
        "longcode", seed, step.item, step.bucket, step.rotation, step.repeat, digest_size=4
    )
