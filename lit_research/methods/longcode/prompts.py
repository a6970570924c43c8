"""Prompts of questions and repairs: the paper's formats, and ours for other kinds of answers.

A prompt is given in two parts whose concatenation it is: up to the end of the code, which several
questions may share, and the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from lit_research.errors import UserError, nearest
from lit_research.methods.longcode import prompt_words as words
from lit_research.methods.longcode.items import LETTERS, Item, RepairItem
from lit_research.methods.longcode.patches import PatchFormat

QuestionFormat: TypeAlias = Literal["post", "pre", "without"]
"""Where the question stands: after the code, before it, or without any code."""
Goal: TypeAlias = Literal["letter", "final_answer", "answer_line"]
"""How the answer is to be given: only the letter (the paper's), or a last line that states it."""
AnswerFormat: TypeAlias = PatchFormat
"""How a repair is to be given: a unified diff (SWE-bench's style-3), or edits."""

CODE_HEADER = "Repository:\n"
"""What stands above the code of a question."""


@dataclass(frozen=True)
class PromptStyle:
    """How items are put.

    Attributes:
        questions: where a question stands.
        goal: how a letter is to be given.
        repairs: how a repair is to be given.

    Raises:
        UserError: there is no such format.
    """

    questions: QuestionFormat = "post"
    goal: Goal = "letter"
    repairs: AnswerFormat = "diff"

    def __post_init__(self) -> None:
        for name, kinds in (
            ("questions", QuestionFormat),
            ("goal", Goal),
            ("repairs", AnswerFormat),
        ):
            value = getattr(self, name)
            if value not in get_args(kinds):
                raise UserError(
                    f"{name} is {value!r}, in PromptStyle; {nearest(str(value), get_args(kinds))}"
                )

    def numbered(self, item: Item) -> bool:
        """Return whether the lines of the code are numbered: only for diffs, which name lines."""
        return isinstance(item, RepairItem) and self.repairs == "diff"

    def parts(self, item: Item, code: str, rotation: int = 0) -> tuple[str, str]:
        """Return the two parts of an item's prompt.

        Args:
            item: the question or the fault.
            code: files as ``dump_files`` writes them.
            rotation: by how many places the options are moved.
        """
        if isinstance(item, RepairItem):
            return repair_parts(item.statement, code, self.repairs)
        options, _ = item.rotated(rotation)
        block = question_block(item.question, options)
        return question_parts(block, code, item.origin.package, self.questions, self.goal)


def question_block(question: str, options: Sequence[str]) -> str:
    """Return a question and its options A) to D), as the paper writes them."""
    shown = "\n".join(
        f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=True)
    )
    return f"Question:\n{question}\n\n{shown}"


def question_parts(
    block: str,
    code: str,
    repository: str = "",
    format: QuestionFormat = "post",
    goal: Goal = "letter",
) -> tuple[str, str]:
    """Return the prompt of a question: up to the end of the code, and the rest.

    Args:
        block: question and options, as ``question_block`` returns them.
        code: files as ``dump_files`` writes them; not shown by ``without``.
        repository: its name, which only ``without`` shows.
        format: where the question stands.
        goal: how the letter is to be given; ``without`` has words of its own for ``letter``.
    """
    if format == "without":
        if goal == "letter":
            return "", words.WITHOUT.format(repository=repository) + block
        return "", f"{words.GOALS[goal]}\nThe repository is {repository}.\n\n{block}"
    shown = f"{CODE_HEADER}{code}\n" if code else CODE_HEADER
    if format == "pre":
        return f"{words.GOALS[goal]}\n{block}\n{shown}", ""
    return shown, f"\n{words.GOALS[goal]}\n{block}"


def repair_parts(
    statement: str, code: str, answer: AnswerFormat = "diff", readmes: str = ""
) -> tuple[str, str]:
    """Return the prompt of a repair: up to the end of the code, and the rest.

    As in the released files, the prompt ends with an empty line.

    Args:
        statement: what is wrong.
        code: files as ``dump_files`` writes them, numbered for ``diff``.
        answer: how the repair is to be given.
        readmes: files that are shown above the code.
    """
    issue = f"{words.PREMISE}\n<issue>\n{statement}\n</issue>"
    # The released prompts are stripped as a whole, which matters where the statement is empty.
    before = f"{issue}\n\n<code>\n{readmes}\n{code}\n"
    rest = {
        "diff": (
            f"</code>\n\n{words.EXPLANATION}\n<patch>\n{words.EXAMPLE}\n</patch>\n\n"
            f"{words.INSTRUCTION}\nRespond below:"
        ),
        "search-replace": f"</code>\n\n{words.SEARCH_REPLACE}",
        "whole-file": f"</code>\n\n{words.WHOLE_FILE}",
    }[answer]
    return before, f"{rest}\n\n"


def options_of(block: str) -> tuple[str, tuple[str, ...]] | None:
    """Return question and options of a block in the paper's layout; None for another layout.

    Of several lines that begin with ``A) `` and so on, as in a question that shows a list, those
    nearest the end count.
    """
    starts, end = [], len(block)
    for letter in reversed(LETTERS):
        mark = f"\n{letter}) "
        place = block.rfind(mark, 0, end)
        if place < 0:
            return None
        starts.append(place)
        end = place
    starts.reverse()
    ends = [*starts[1:], len(block)]
    options = tuple(block[a + 4 : b] for a, b in zip(starts, ends, strict=True))
    question = block[: starts[0]].removeprefix("Question:\n").strip("\n")
    return question, options
