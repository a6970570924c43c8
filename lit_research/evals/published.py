"""Items of the published files of ARC, PIQA and SciQ.

Prompts are those of the lm-evaluation-harness, zero-shot (``Question: ...\\nAnswer:``), as in the
downstream evaluations of Kim et al. 2025 (arXiv 2509.14786).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.evals.items import Item
from lit_research.text.files import row_files
from lit_research.text.rows import read_objects

_DISTRACTORS = ("distractor1", "distractor2", "distractor3")
_SAVED = ("state.json", "dataset_dict.json")


@dataclass(frozen=True)
class Layout:
    """The file layout of a published set.

    Attributes:
        columns: those that a row must have, for error messages.
        split: the split that is scored; the names of its files begin with it.
        convert: returns (question, options, answer) of a row.
    """

    columns: tuple[str, ...]
    split: str
    convert: Callable[[dict[str, Any]], tuple[str, list[str], int]]


def _arc(row: dict[str, Any]) -> tuple[str, list[str], int]:
    question, choices = row["question"], row.get("choices")
    if isinstance(question, dict):  # the authors' JSON lines; otherwise the hub's columns
        question, choices = question["stem"], question["choices"]
    if isinstance(choices, list):
        choices = {key: [choice[key] for choice in choices] for key in ("text", "label")}
    if not isinstance(choices, dict):
        raise ValueError("choices has no text and label")
    labels, key = list(choices["label"]), row["answerKey"]
    if key not in labels:
        raise ValueError(f"answerKey {key!r} is none of the labels {labels}")
    return f"Question: {question}\nAnswer:", list(choices["text"]), labels.index(key)


def _piqa(row: dict[str, Any]) -> tuple[str, list[str], int]:
    return f"Question: {row['goal']}\nAnswer:", [row["sol1"], row["sol2"]], int(row["label"])


def _sciq(row: dict[str, Any]) -> tuple[str, list[str], int]:
    options = [row[name] for name in _DISTRACTORS]
    question = f"{row['support'].lstrip()}\nQuestion: {row['question']}\nAnswer:"
    return question, [*options, row["correct_answer"]], len(options)


_ARC = Layout(("question", "choices", "answerKey"), "test", _arc)
LAYOUTS = {
    "arc_easy": _ARC,
    "arc_challenge": _ARC,
    "piqa": Layout(("goal", "sol1", "sol2", "label"), "valid", _piqa),
    "sciq": Layout(("question", "correct_answer", *_DISTRACTORS, "support"), "test", _sciq),
}


def published_items(
    source: str, path: str | None, *, where: str = "in published_items"
) -> list[Item]:
    """Read the items of a published set from local files.

    Args:
        source: a name of ``LAYOUTS``.
        path: a JSON, JSON lines, CSV or Parquet file, a folder of these (of several files, only
            those whose names begin with the split that is scored), or a ``datasets`` folder.
        where: names the source of ``source`` and ``path`` in error messages.

    Raises:
        UserError: the files do not exist, or a row does not have the layout.
    """
    layout = LAYOUTS[source]
    wanted = (
        f"a datasets folder, JSON lines or Parquet of its {layout.split} split with the columns "
        f"{', '.join(layout.columns)}"
    )
    if path is None or not Path(path).expanduser().exists():
        missing = "no path" if path is None else f"the path {path!r}, which does not exist"
        raise UserError(f"source {source} has {missing}, {where}; give {wanted}")
    items = []
    for location, row in _rows(Path(path).expanduser(), layout.split, wanted):
        try:
            item_id = str(row.get("id") or location.rsplit(", ", 1)[-1])
            items.append(Item(*layout.convert(row), id=item_id))
        except UserError as error:
            raise UserError(f"{error}; from {location}") from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            reason = f"no column {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(
                f"not a row of {source} ({reason}), in {location}; give {wanted}"
            ) from error
    if not items:
        raise UserError(f"there is no item of {source}, in {path}; give {wanted}")
    return items


def _rows(path: Path, split: str, wanted: str) -> Iterator[tuple[str, Any]]:
    """Yield (location for error messages, row) of a saved data set or of files."""
    if path.is_dir() and any((path / name).is_file() for name in _SAVED):
        from datasets import DatasetDict, load_from_disk

        saved = load_from_disk(str(path))
        if isinstance(saved, DatasetDict):
            names = [name for name in saved if name.startswith(split)]
            if not names:
                raise UserError(f"there is no {split} split, in {path}; give {wanted}")
            saved = saved[names[0]]
        yield from ((f"{path}, row {index}", row) for index, row in enumerate(saved))
        return
    files = row_files(path)
    if len(files) > 1:  # a single file is read whatever its name
        files = [file for file in files if file.name.startswith(split)]
    if not files:
        raise UserError(f"no file's name begins with {split!r}, in {path}; give {wanted}")
    for file in files:
        for location, row in read_objects(file):
            yield f"{file}{location}", row
