"""LongSWE-Bench as it was released: ``LongSWE_Bench.zip``, read into items and written again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.methods.longcode.counters import AnyCounter, make_counter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import Origin, RepairItem
from lit_research.methods.longcode.published_files import ReleaseFiles
from lit_research.methods.longcode.published_patches import changed_spans, unwrapped
from lit_research.methods.longcode.published_records import (
    BUCKETS,
    check_buckets,
    dump_of_tree,
    items_of,
    keep_columns,
    released_set,
    restore_columns,
    tree_of_dump,
)
from lit_research.methods.longcode.published_tables import (
    FOLDER,
    SPLIT,
    arrow_files,
    check_instance,
    features_of,
    names_of_tests,
    read_tables,
)
from lit_research.methods.longcode.published_writing import writing_release
from lit_research.methods.longcode.trees import SourceTree
from lit_research.storage import save_dataset

if TYPE_CHECKING:
    pass

COLUMNS = (
    *("instance_id", "num_files", "retrieval_strategy", "text", "repo", "base_commit"),
    *("problem_statement", "hints_text", "created_at", "patch", "test_patch", "version"),
    *("FAIL_TO_PASS", "PASS_TO_PASS", "environment_setup_commit", "num_tokens"),
)
_BUILDER = "published_repairs 1"
_BEFORE, _AFTER = "\n</issue>\n\n<code>\n", "\n</code>\n"


def import_repairs(
    path: str | Path,
    counter: AnyCounter = "characters",
    buckets: Sequence[str] = BUCKETS,
    *,
    skip_bad: bool = False,
    max_megabytes: int = 4096,
) -> ItemSet:
    """Read the released repairs.

    An instance of SWE-bench is in a bucket several times, with different files shown: each is an
    item, named ``BUCKET/INSTANCE/NUM_FILES``. Its tree holds only the files that its prompt shows,
    and there are no tests: grading takes SWE-bench's containers (``write_predictions``).

    Args:
        path: ``LongSWE_Bench.zip``, or the folder that it was unpacked to.
        counter: of the items' tokens.
        buckets: those to be read, from ``32K`` to ``1M``.
        skip_bad: leave out what is no repair, and say so; otherwise it is an error.
        max_megabytes: longest file, unpacked.

    Raises:
        UserError: the file has another layout, or lacks a bucket.
    """
    check_buckets(buckets)
    release, counting = ReleaseFiles(path, max_megabytes), make_counter(counter)
    items: list[RepairItem] = []
    trees: dict[str, SourceTree] = {}
    differences, features = [], {}
    names = {bucket: arrow_files(release, bucket) for bucket in buckets}
    for bucket, files in names.items():
        table = read_tables(release, files)
        features[bucket] = features_of(table)
        where, seen = f"in {FOLDER}/{bucket} of {str(path)!r}", Counter[str]()

        def make(
            index: int, row: Any, bucket: str = bucket, seen: Counter[str] = seen
        ) -> RepairItem:
            id_ = f"{bucket}/{row.get('instance_id')}/{row.get('num_files')}"
            seen[id_] += 1
            id_ += f"/{seen[id_]}" if seen[id_] > 1 else ""
            item, tree = _repair(row, id_, bucket, counting.count)
            trees.setdefault(tree.name, tree)
            return item

        made, bad = items_of(table.to_pylist(), make, where, skip_bad)
        items += made
        differences += [*_differences(table.column_names, bucket), *bad]
    return released_set(
        items,
        trees,
        release,
        published="LongSWE_Bench",
        counter=counting.name,
        buckets=buckets,
        differences=differences,
        features=features,
    )


def export_repairs(items: ItemSet, target: str | Path) -> None:
    """Write imported repairs as they were released: a ``DatasetDict`` a bucket, equal by field.

    Args:
        items: what ``import_repairs`` returned.
        target: a name that ends with ``.zip``, or a folder.

    Raises:
        UserError: a repair was not imported, or ``target`` cannot be written.
    """
    from datasets import Dataset, Features

    rows: dict[str, list[dict[str, Any]]] = {}
    for item in items.repairs:
        if "text_after" not in item.source and "text_whole" not in item.source:
            raise UserError(
                f"the repair {item.id!r} is of kind {item.kind!r}; must be one that import_repairs "
                "has read"
            )
        text = "".join(published_text(item, items.trees[item.tree]))
        row = restore_columns(item.source, {"text": text})
        rows.setdefault(item.source["bucket"], []).append(row)
    with writing_release(target) as folder:
        for bucket, of_bucket in rows.items():
            kept = items.card.get("features", {}).get(bucket)
            data = Dataset.from_list(of_bucket, Features.from_dict(kept) if kept else None)
            place = folder / FOLDER / bucket
            place.mkdir(parents=True)
            # What `DatasetDict.save_to_disk` writes, without its progress bars.
            (place / "dataset_dict.json").write_text(json.dumps({"splits": [SPLIT]}))
            save_dataset(data, place / SPLIT)


def published_text(item: RepairItem, tree: SourceTree) -> tuple[str, str]:
    """Return the released prompt, word by word: up to the end of the code, and the rest."""
    if "text_before" not in item.source:
        return "", item.source["text_whole"]
    code = dump_of_tree(tree, item.source)
    return item.source["text_before"] + code, item.source["text_after"]


def _repair(row: Any, id_: str, bucket: str, count: Any) -> tuple[RepairItem, SourceTree]:
    check_instance(row)
    if not isinstance(row.get("text"), str):
        raise UserError("there is no text 'text', the prompt; must be a row of LongSWE_Bench")
    origin = Origin(row["repo"], version=row["base_commit"], builder=_BUILDER)
    text = row["text"]
    before, mark, rest = text.partition(_BEFORE)
    code, end, after = rest.rpartition(_AFTER)
    split = {"text_before": before + mark, "text_after": end + after} if mark and end else {}
    # The released prompts show the README first, or an empty line where there is none.
    header = "\n" if code.startswith("\n") else ""
    tree, dump = tree_of_dump(code if split else text, origin, header=header, numbered=True)
    patch = unwrapped(row["patch"])
    source = {
        "bucket": bucket,
        **keep_columns(row, without=("text",)),
        **dump,
        **(split or {"text_whole": text}),
    }
    item = RepairItem(
        id_,
        "published",
        row["problem_statement"],
        tree.name,
        "",
        patch,
        names_of_tests(row["FAIL_TO_PASS"], "FAIL_TO_PASS"),
        names_of_tests(row["PASS_TO_PASS"], "PASS_TO_PASS"),
        origin,
        tuple(span for span in changed_spans(patch) if span.file in tree.files),
        sum(count(list(tree.files.values()))),
        source,
    )
    return item, tree


def _differences(columns: Sequence[str], bucket: str) -> list[str]:
    found = []
    if missing := [name for name in COLUMNS if name not in columns]:
        found.append(f"{bucket} lacks the columns {', '.join(missing)}")
    if more := [name for name in columns if name not in COLUMNS]:
        found.append(f"{bucket} has further columns: {', '.join(more)}")
    return found
