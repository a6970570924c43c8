"""What is kept of each answer of an exam: one ``Graded`` a sample, a line of JSON each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

Task: TypeAlias = Literal["question", "repair"]
TASKS: tuple[Task, ...] = get_args(Task)

Status: TypeAlias = Literal["answered", "no answer", "cut", "refused", "infrastructure"]
"""``answered``: there is a letter or a patch, right or wrong. ``no answer``: the text holds none.
``cut``: it ended at its longest length without one. ``refused``: the prompt does not fit into the
context. ``infrastructure``: the server or the sandbox failed: asked again on resume, and never
counted as wrong."""


@dataclass(frozen=True)
class Graded:
    """One answer to one item at one length.

    Attributes:
        item: the item's id.
        task: what was asked.
        kind: the item's kind.
        bucket: longest number of tokens of the prompt's step of the ladder.
        tokens: of the prompt, by the ladder's counter.
        depth: where the evidence begins in the shown code, 0 (first) to 1 (last); None where it is
            not known.
        rotation: by how many places the options were moved, 0 to 3.
        repeat: which of the samples of the same prompt.
        status: what became of the answer.
        right: whether the option is the right one, or the repair resolves the item; False where
            there is no answer; None where nothing can be said (``infrastructure``).
        letter: the parsed letter; None without one, and for repairs.
        correct: the right letter as shown; None for repairs.
        output: what the solver wrote.
        details: further facts: by parsing rule, of grading, of cost.
    """

    item: str
    task: Task
    kind: str
    bucket: int
    tokens: int
    depth: float | None
    rotation: int
    repeat: int
    status: Status
    right: bool | None
    letter: str | None = None
    correct: str | None = None
    output: str = ""
    details: dict[str, str | int | float | bool | None] = field(default_factory=dict)
