"""What the tests of exams share: a folder of items, and a solver that notes what it is asked."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_research.files import append_line
from lit_research.methods.longcode import AskedQuestion, QuestionSolver, Reply
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.synthetic_repo import SyntheticRepo


def write_items(folder: Path, count: int = 8) -> Path:
    """Write questions about random packages of about 600 tokens."""
    SyntheticRepo(600, Characters(), distance=100, per_tree=2).items(count).save(folder)
    return folder


class Reads(QuestionSolver):
    """Finds the answer in the code, for questions about a default; notes whom it was asked about.

    Args:
        asked: a file, to which a line is appended for each question.
        stop_after: answers after which it fails; None never.
        pause_s: seconds before each answer.
    """

    def __init__(self, asked: str, stop_after: int | None = None, pause_s: float = 0.0) -> None:
        self.asked, self.stop_after, self.count = Path(asked), stop_after, 0
        self.pause_s = pause_s

    def card(self) -> dict[str, Any]:
        """Return its name."""
        return {"solver": "Reads"}

    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return texts that end with the letter."""
        replies = []
        for one in asked:
            if self.count == self.stop_after:
                raise RuntimeError("stopped")
            self.count += 1
            time.sleep(self.pause_s)
            append_line(self.asked, f"{one.step}")
            name = one.item.question.split("`")[3]
            value = one.context.split(f"({name}=")[1].split(")")[0]
            replies.append(
                Reply(f"It is {value}.\nFinal Answer: {'ABCD'[one.options.index(value)]}")
            )
        return replies
