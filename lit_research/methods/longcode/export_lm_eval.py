"""Questions for lm-evaluation-harness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

from lit_research.evals.items import Item
from lit_research.files import write_atomic
from lit_research.methods.longcode.asking import AskedQuestion
from lit_research.methods.longcode.export_rows import check_any, sample_name, write_lines
from lit_research.methods.longcode.items import LETTERS
from lit_research.storage import writing

Scored: TypeAlias = Literal["letter", "text"]
"""Whose log-likelihood is compared: that of each letter, or of each option's text."""


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
            sample_name(one),
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
            write_lines(folder / f"{task}.jsonl", rows)
            longest = max(one.tokens for one in can)
            facts = {"longest_prompt": longest, "refused": len(here) - len(can)}
            config = _lm_eval_task(task, folder / f"{task}.jsonl", facts)
            write_atomic(folder / f"{task}.yaml", yaml.safe_dump(config, sort_keys=False))
            tasks.append(task)
        check_any(tasks, asked)
        mean = [{"metric": "acc", "weight_by_size": True}]
        group = {"group": name, "task": tasks, "aggregate_metric_list": mean}
        write_atomic(folder / f"{name}.yaml", yaml.safe_dump(group, sort_keys=False))
    return tasks


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
