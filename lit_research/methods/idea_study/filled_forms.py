"""The import of filled review forms."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.forms import Forms
from lit_research.methods.idea_study.reviews import Reviews


def read_forms(folder: str | Path, key: str | Path, stage: str | None = None) -> Reviews:
    """Return the reviews of filled forms.

    Args:
        folder: of the forms; every form must be filled.
        key: the key that was written with them.
        stage: before or after, if the forms must be of that one.

    Raises:
        UserError: the key is missing or of another stage, an item is unknown, missing, or there
            twice, or a score is missing or outside the scale.
    """
    path = Path(key).expanduser()
    try:
        content = json.loads(path.read_text())
        forms, items = Forms(**content["forms"]), content["items"]
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(
            f"{key} is no key of forms ({error!r}); must be what predict wrote"
        ) from None
    if stage is not None and forms.stage != stage:
        raise UserError(
            f"the forms of {key} are of the stage {forms.stage!r}, and are given as those {stage} "
            "execution; must be of that stage: forms.stage says it to predict"
        )
    rows: dict[str, dict[str, float]] = {}
    for file in sorted(Path(folder).expanduser().glob("*.csv")):
        for number, row in enumerate(_form_rows(file), 1):
            item = (row.get("item") or "").strip()
            if item not in items or item in rows:
                state = "there twice" if item in rows else f"not an item of {key}"
                raise UserError(f"item {item!r} is {state}, in {file}, row {number}; restore it")
            rows[item] = {
                m: _filled(row.get(m), m, forms, f"{file}, {item}") for m in forms.metrics
            }
    if missing := sorted(set(items) - set(rows)):
        by_reviewer = Counter(items[item]["reviewer"] for item in missing)
        raise UserError(
            f"{len(missing)} of {len(items)} items are missing ({dict(by_reviewer)}), in {folder}; "
            "must be all forms that predict wrote"
        )
    known = [items[item] for item in rows]
    return Reviews(
        ideas=tuple(one["idea"] for one in known),
        arms=tuple(one["arm"] for one in known),
        scores={m: np.array([scores[m] for scores in rows.values()]) for m in forms.metrics},
        topics=tuple(one["topic"] for one in known),
        reviewers=tuple(one["reviewer"] for one in known),
    )


def _form_rows(file: Path) -> list[dict[str, str | None]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file} is no form ({error}); must be CSV in UTF-8") from error


def _filled(value: str | None, metric: str, forms: Forms, place: str) -> float:
    try:
        score = float((value or "").strip())
    except ValueError:
        score = float("nan")
    if not forms.lowest <= score <= forms.highest:
        raise UserError(
            f"{metric} is {value!r}, in {place}; must be a number from {forms.lowest} to "
            f"{forms.highest}"
        )
    return score
