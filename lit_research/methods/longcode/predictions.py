"""Patches in SWE-bench's format, for its own graders; and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lit_research.errors import UserError, nearest
from lit_research.files import write_atomic
from lit_research.methods.longcode.items import RepairItem
from lit_research.storage import writing

COLUMNS = ("instance_id", "model_name_or_path", "model_patch")


def write_predictions(
    items: Iterable[RepairItem], patches: Mapping[str, str], folder: str | Path, model: str
) -> list[Path]:
    """Write patches for ``swebench.harness.run_evaluation``, which reads one of each instance.

    LongSWE-Bench shows an instance with several sets of files: each set is a file of its own, named
    ``BUCKET-NUM_FILES.jsonl``; other items are in ``predictions.jsonl``. What is graded there and
    what is graded on this machine are two scores.

    Args:
        items: repairs; those without a patch are left out, which the harness counts as unsolved.
        patches: unified diffs by the item's id.
        folder: to be written to.
        model: its name in a report.

    Returns:
        The files.

    Raises:
        UserError: a patch is of no item, or ``folder`` cannot be written.
    """
    by_id = {item.id: item for item in items}
    for id_ in patches:
        _check_known(id_, by_id, "in patches")
    rows: dict[str, list[dict[str, str]]] = {}
    for id_, item in by_id.items():
        if id_ in patches:
            values = (instance_id(item), model, patches[id_])
            rows.setdefault(_file(item), []).append(dict(zip(COLUMNS, values, strict=True)))
    files = []
    with writing(Path(folder)):
        for name, of_file in rows.items():
            files.append(Path(folder) / name)
            write_atomic(files[-1], "".join(f"{json.dumps(row)}\n" for row in of_file))
    return files


def read_predictions(items: Iterable[RepairItem], path: str | Path) -> dict[str, str]:
    """Return the patches of a file, or of a folder that ``write_predictions`` wrote, by item id.

    Args:
        items: repairs that the patches must be of; of those without one nothing is returned.
        path: lines of JSON, a JSON list, or a folder of such files named as they were written.

    Raises:
        UserError: a prediction is of another item, of several, or there twice; or it is none.
    """
    path, items = Path(path), list(items)
    if not path.is_dir():
        return _read(path, items)
    known = {_file(item) for item in items}
    found: dict[str, str] = {}
    for file in sorted(path.glob("*.jsonl")):
        if file.name not in known:
            raise UserError(f"{str(file)!r} is of other items; {nearest(file.name, sorted(known))}")
        found |= _read(file, [item for item in items if _file(item) == file.name])
    if not found:
        raise UserError(f"there are no predictions in {str(path)!r}; must hold files of .jsonl")
    return found


def instance_id(item: RepairItem) -> str:
    """Return the name of an item in SWE-bench; of others their own id."""
    return item.source.get("instance_id", item.id)


def _file(item: RepairItem) -> str:
    if "bucket" not in item.source:
        return "predictions.jsonl"
    return f"{item.source['bucket']}-{item.source['json:num_files']}.jsonl"


def _read(file: Path, items: list[RepairItem]) -> dict[str, str]:
    by_instance: dict[str, list[RepairItem]] = {}
    for item in items:
        by_instance.setdefault(instance_id(item), []).append(item)
    found: dict[str, str] = {}
    for number, row in enumerate(_rows(file), start=1):
        where = f"in prediction {number} of {str(file)!r}"
        if not isinstance(row, Mapping) or not isinstance(row.get("instance_id"), str):
            raise UserError(f"there is no instance_id, {where}; must have {', '.join(COLUMNS)}")
        patch = row.get("model_patch") or ""  # SWE-bench writes null where a model gave none
        if "model_patch" not in row or not isinstance(patch, str):
            raise UserError(f"there is no model_patch, {where}; must have {', '.join(COLUMNS)}")
        name = row["instance_id"]
        _check_known(name, by_instance, where)
        if len(by_instance[name]) > 1:
            raise UserError(
                f"{name!r} is {len(by_instance[name])} items, with other files shown, {where}; "
                "give the items of one bucket and num_files, or the whole folder"
            )
        [item] = by_instance[name]
        if item.id in found:
            raise UserError(f"{name!r} is there twice, {where}; must be one prediction an item")
        found[item.id] = patch
    return found


def _rows(file: Path) -> list[Any]:
    try:
        text = file.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise UserError(
            f"{str(file)!r} holds no predictions: {error}; give lines of JSON with "
            f"{', '.join(COLUMNS)}"
        ) from error


def _check_known(name: str, known: Mapping[str, Any], where: str) -> None:
    if name not in known:
        raise UserError(
            f"there is a patch of {name!r}, {where}, and no such item; {nearest(name, known)}"
        )
