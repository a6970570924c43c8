"""Reading and writing reviews: the released JSON of columns, CSV, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.idea_study.reviews import Reviews

METRICS = (
    "novelty",
    "excitement",
    "feasibility",
    "soundness",
    "effectiveness",
    "overall",
    "faithfulness",
    "codebase",
)
"""Scores that a file may have, under ``NAME``, ``NAME_score`` or ``NAME_quality``."""
_IDEA, _ARM = ("idea_id", "idea"), ("condition", "arm")
_OF_IDEAS = (*_IDEA, *_ARM, "executed")  # columns that say nothing about a review itself
_LEADING_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)(?!\w|\.\d)")

_TELLING = 7  # columns beside idea and arm from which reviews are hardly equal by chance

Row = Mapping[str, Any]


def read_reviews(path: str | Path, metrics: Sequence[str] = METRICS) -> Reviews:
    """Read the reviews of one stage.

    White space is taken out of idea ids: the released files have ``Multilingual_9 _AI``. A score is
    a number, or text that begins with one (``6: marginally above``).

    Args:
        path: ``.json`` (the released form, one list a column; or a list of objects), ``.csv``, or
            ``.jsonl`` as ``write_reviews`` writes it.
        metrics: names of scores to read; those that the file lacks are not there.

    Raises:
        UserError: the file is missing or of another form, a row has no idea or arm, or a score is
            missing or no number.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"{path} is not a file, for reviews; must be .json, .csv or .jsonl")
    rows = list(_rows(file))
    if not rows:
        raise UserError(f"{path} has no reviews; must have one a row")
    if odd := next((row for row in rows if not isinstance(row, dict)), None):
        raise UserError(f"{path} has a row {odd!r}; must be an object with idea_id, arm and scores")
    columns = {metric: name for metric in metrics if (name := _column(rows[0], metric)) is not None}
    if not columns:
        raise UserError(
            f"{path} has none of the scores {', '.join(metrics)} (its columns are "
            f"{', '.join(map(str, rows[0]))}); must have one or more"
        )
    located = [(f"{path}, review {number}", row) for number, row in enumerate(rows, 1)]
    ideas = [re.sub(r"\s", "", _text(row, _IDEA, place)) for place, row in located]
    arms = [_text(row, _ARM, place).strip() for place, row in located]
    scores = {
        metric: np.array([_score(row.get(name), name, place) for place, row in located])
        for metric, name in columns.items()
    }
    topics = [str(row.get("topic") or "").strip() for row in rows]
    reviewers = [str(row.get("reviewer") or "").strip() for row in rows]
    return Reviews(
        ideas=tuple(ideas),
        arms=tuple(arms),
        scores=scores,
        topics=tuple(topics),
        reviewers=tuple(reviewers) if all(reviewers) else None,
        contents=_contents(rows),
    )


def write_reviews(path: str | Path, reviews: Reviews) -> None:
    """Write reviews as JSON lines, which ``read_reviews`` reads.

    Args:
        path: ends with ``.jsonl``.
        reviews: single ones, not means.
    """
    assert not reviews.are_means
    lines = []
    for number, (idea, arm) in enumerate(zip(reviews.ideas, reviews.arms, strict=True)):
        row: dict[str, Any] = {"idea_id": idea, "arm": arm}
        if reviews.topics:
            row["topic"] = reviews.topics[number]
        if reviews.reviewers is not None:
            row["reviewer"] = reviews.reviewers[number]
        row |= {metric: float(values[number]) for metric, values in reviews.scores.items()}
        lines.append(json.dumps(row) + "\n")
    write_atomic(Path(path), "".join(lines))


def _rows(file: Path) -> Iterator[Row]:
    suffix = file.suffix.lower()
    try:
        text = file.read_text(encoding="utf-8-sig")
        if suffix == ".csv":
            yield from csv.DictReader(io.StringIO(text, newline=""), strict=True)
        elif suffix == ".jsonl":
            yield from (json.loads(line) for line in text.split("\n") if line.strip())
        elif suffix == ".json":
            yield from _json_rows(json.loads(text), file)
        else:
            raise UserError(f"{file} ends with {suffix!r}; must end with .json, .csv or .jsonl")
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise UserError(f"{file} cannot be read as {suffix[1:]} ({error}); must be such") from error


def _json_rows(content: Any, file: Path) -> Iterator[Row]:
    """Yield rows of an object of columns, or of a list of objects."""
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        yield from content
        return
    columns = content if isinstance(content, dict) else {}
    lengths = {name: len(v) if isinstance(v, list) else -1 for name, v in columns.items()}
    if not columns or len(set(lengths.values())) != 1 or -1 in lengths.values():
        raise UserError(
            f"{file} is no table (lengths of its columns: {dict(list(lengths.items())[:5])}); must "
            "be one JSON object whose values are lists of equal length, or a list of objects"
        )
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _contents(rows: Sequence[Row]) -> tuple[str, ...]:
    names = [name for name in rows[0] if name not in _OF_IDEAS]
    if len(names) < _TELLING:
        return ()
    return tuple(json.dumps([row.get(name) for name in names]) for row in rows)


def _column(row: Row, metric: str) -> str | None:
    names = (metric, f"{metric}_score", f"{metric}_quality")
    return next((name for name in names if name in row), None)


def _text(row: Row, names: tuple[str, ...], place: str) -> str:
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{names[0]} is {value!r}, in {place}; must be a name")
    return value


def _score(value: Any, name: str, place: str) -> float:
    """Return a score; a missing one would silently give an idea fewer reviews in one metric."""
    if isinstance(value, str) and (match := _LEADING_NUMBER.match(value)):
        return float(match[1])
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise UserError(
            f"{name} is {value!r}, in {place}; must be a number: leave out reviews without a score"
        )
    return float(value)
