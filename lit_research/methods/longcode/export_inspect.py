"""Questions for inspect_ai."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.longcode.asking import AskedQuestion
from lit_research.methods.longcode.export_rows import check_any, sample_name, write_lines
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.prompt_words import GOALS
from lit_research.storage import writing

_INSPECT = '''"""Questions about code, for inspect_ai: ``inspect eval {name}.py --model ...``."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import choice
from inspect_ai.solver import multiple_choice


@task
def {name}() -> Task:
    """Return the task: its prompts are those of the exam, character by character."""
    return Task(
        dataset=json_dataset(str(Path(__file__).resolve().with_name("{name}.jsonl"))),
        solver=multiple_choice(template="{{question}}\\n\\n{{choices}}"),
        scorer=choice(),
    )
'''


def export_inspect(
    asked: Sequence[AskedQuestion], folder: str | Path, name: str = "longcode"
) -> Path:
    """Write a task of inspect_ai, with its solver ``multiple_choice`` and scorer ``choice``.

    That solver reads only answers of the form ``ANSWER: B``, so that the questions must be put with
    the goal ``answer_line``; and it puts the options last.

    Args:
        asked: questions; refused ones are left out.
        folder: to be written to.
        name: of the task, its file and its data; a name of Python.

    Returns:
        The task's file, for ``inspect eval``.

    Raises:
        UserError: the questions are put in another way, or ``folder`` cannot be written.
    """
    folder = Path(folder)
    if not name.isidentifier():
        raise UserError(f"name is {name!r}, in export_inspect; must be a name of Python")
    rows = []
    for one in asked:
        options = "\n".join(
            f"{letter}) {option}" for letter, option in zip(LETTERS, one.options, strict=True)
        )
        ending = f"\n\n{options}"
        if GOALS["answer_line"] not in one.prompt or not one.prompt.endswith(ending):
            raise UserError(
                f"the prompt of {one.item.id!r} is in another style, in export_inspect; must be "
                "put with questions: post or without, and goal: answer_line"
            )
        facts = {"bucket": one.step.bucket, "depth": one.depth, "tokens": one.tokens}
        row = {"id": sample_name(one), "input": one.prompt.removesuffix(ending)}
        if one.refusal is None:
            rows.append(
                {**row, "choices": list(one.options), "target": one.letter, "metadata": facts}
            )
    check_any(rows, asked)
    with writing(folder):
        write_lines(folder / f"{name}.jsonl", rows)
        write_atomic(folder / f"{name}.py", _INSPECT.format(name=name))
    return folder / f"{name}.py"
