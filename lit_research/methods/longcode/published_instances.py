"""Instances of SWE-bench as items, without their repositories, which its Docker images hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import Origin, RepairItem
from lit_research.methods.longcode.published_patches import changed_spans, unwrapped
from lit_research.methods.longcode.published_records import (
    items_of,
    keep_columns,
    restore_columns,
)
from lit_research.methods.longcode.published_tables import check_instance, names_of_tests
from lit_research.methods.longcode.trees import SourceTree

_BUILDER = "published_instances 1"


def import_instances(path: str | Path, *, skip_bad: bool = False) -> ItemSet:
    """Read instances of SWE-bench, whose lists of tests are lists or JSON text of lists.

    Their trees are empty: the dataset names a commit, and has no source files.

    Args:
        path: a JSON list, lines of JSON, Parquet, or a folder of ``datasets`` (a split).
        skip_bad: leave out what is no instance, and say so in the card.

    Raises:
        UserError: the file holds no instances.
    """
    rows = _rows(Path(path))
    items, bad = items_of(rows, _instance, f"in {str(path)!r}", skip_bad)
    trees = {item.tree: SourceTree(item.tree, {}, item.origin) for item in items}
    card = {"published": "SWE-bench", "file": Path(path).name, "differences": bad}
    return ItemSet(items, trees, card)


def export_instances(items: ItemSet) -> list[dict[str, Any]]:
    """Return the rows that instances were read from, field by field."""
    return [restore_columns(item.source, {}) for item in items.repairs]


def _instance(index: int, row: Any) -> RepairItem:
    del index
    check_instance(row)
    origin = Origin(row["repo"], version=row["base_commit"], builder=_BUILDER)
    patch = unwrapped(row["patch"])
    return RepairItem(
        row["instance_id"],
        "published",
        row["problem_statement"],
        f"{row['repo']}@{row['base_commit'][:12]}",
        "",
        patch,
        names_of_tests(row["FAIL_TO_PASS"], "FAIL_TO_PASS"),
        names_of_tests(row["PASS_TO_PASS"], "PASS_TO_PASS"),
        origin,
        changed_spans(patch),
        source=keep_columns(row),
    )


def _rows(path: Path) -> Sequence[Any]:
    wanted = "give a JSON list, lines of JSON, Parquet, or a folder of datasets"
    try:
        if path.is_dir():
            from datasets import Dataset, load_from_disk

            data = load_from_disk(str(path))
            if not isinstance(data, Dataset):
                raise UserError(
                    f"{str(path)!r} has the splits {', '.join(data)}; give the folder of one"
                )
            return list(data)
        if path.suffix == ".parquet":
            from pyarrow import parquet

            return parquet.read_table(path).to_pylist()
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"{str(path)!r} holds no instances: {error}; {wanted}") from error
