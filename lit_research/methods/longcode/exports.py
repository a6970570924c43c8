"""Questions for other harnesses: lm-evaluation-harness and inspect_ai."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from lit_research.errors import UserError
from lit_research.evals.items import Item
from lit_research.files import write_atomic
from lit_research.methods.longcode.asking import AskedQuestion
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.prompt_words import GOALS
from lit_research.storage import writing

Scored: TypeAlias = Literal["letter", "text"]
"""Whose log-likelihood is compared: that of each letter, or of each option's text."""

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


def choice_items(asked: Sequence[AskedQuestion], scored: Scored = "letter") -> list[Item]:
    """Return the questions as items whose options are compared by log-likelihood.

    The harness and ``lit_research.evals.encode_items`` put one space before an option; a prompt
    that ends with white space loses it, as there.
    """
    return [
        Item(
            one.prompt.rstrip(),
            list(LETTERS) if scored == "letter" else [option.strip() for option in one.options],
            one.correct,
            _name(one),
        )
        for one in asked
    ]


def export_lm_eval(
    asked: Sequence[AskedQuestion],
    folder: str | Path,
    name: str = "longcode",
    scored: Scored = "letter",
) -> list[str]:
    """Write tasks of lm-evaluation-harness, one a bucket, and a group of all of them.

    They are run with ``lm_eval --include_path FOLDER --tasks NAME``. The harness cuts what is
    longer than the model's context on the left, without a word: give a model that reads
    ``metadata.longest_prompt`` tokens (by this ladder's counter).

    Args:
        asked: questions; refused ones are left out, which ``metadata.refused`` counts.
        folder: to be written to.
        name: of the group; a task's is ``NAME_BUCKET``.
        scored: whose log-likelihood decides.

    Returns:
        The names of the tasks.

    Raises:
        UserError: no question can be asked, or ``folder`` cannot be written.
    """
    folder, tasks = Path(folder).resolve(), []
    with writing(folder):
        for bucket in sorted({one.step.bucket for one in asked}):
            here = [one for one in asked if one.step.bucket == bucket]
            can = [one for one in here if one.refusal is None]
            if not can:
                continue
            task, items = f"{name}_{bucket}", choice_items(can, scored)
            rows = [
                {"id": i.id, "prompt": i.question, "choices": i.options, "answer": i.answer}
                for i in items
            ]
            _write_lines(folder / f"{task}.jsonl", rows)
            longest = max(one.tokens for one in can)
            facts = {"longest_prompt": longest, "refused": len(here) - len(can)}
            config = _lm_eval_task(task, folder / f"{task}.jsonl", facts)
            write_atomic(folder / f"{task}.yaml", yaml.safe_dump(config, sort_keys=False))
            tasks.append(task)
        _check_any(tasks, asked)
        mean = [{"metric": "acc", "weight_by_size": True}]
        group = {"group": name, "task": tasks, "aggregate_metric_list": mean}
        write_atomic(folder / f"{name}.yaml", yaml.safe_dump(group, sort_keys=False))
    return tasks


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
        row = {"id": _name(one), "input": one.prompt.removesuffix(ending)}
        if one.refusal is None:
            rows.append(
                {**row, "choices": list(one.options), "target": one.letter, "metadata": facts}
            )
    _check_any(rows, asked)
    with writing(folder):
        _write_lines(folder / f"{name}.jsonl", rows)
        write_atomic(folder / f"{name}.py", _INSPECT.format(name=name))
    return folder / f"{name}.py"


def _lm_eval_task(task: str, data: Path, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "task": task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "prompt",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
        "target_delimiter": " ",
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": True}
            for metric in ("acc", "acc_norm")
        ],
        "metadata": {"version": 1.0, **facts},
    }


def _name(asked: AskedQuestion) -> str:
    step = asked.step
    return f"{step.item}/{step.bucket}/{step.rotation}/{step.repeat}"


def _check_any(written: Sequence[Any], asked: Sequence[AskedQuestion]) -> None:
    if not written:
        raise UserError(
            f"none of the {len(asked)} questions can be asked, in an export; give questions whose "
            "prompts fit into their buckets"
        )


def _write_lines(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    write_atomic(file, "".join(f"{json.dumps(row)}\n" for row in rows))
