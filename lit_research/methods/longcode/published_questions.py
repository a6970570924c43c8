"""LongCodeQA as it was released: ``LongCodeQA.zip``, read into items and written again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from lit_research.errors import UserError
from lit_research.methods.longcode.counters import AnyCounter, make_counter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import LETTERS, Origin, QuestionItem
from lit_research.methods.longcode.prompts import CODE_HEADER, options_of
from lit_research.methods.longcode.published_files import ReleaseFiles
from lit_research.methods.longcode.published_records import (
    BUCKETS,
    check_buckets,
    check_unicode,
    dump_of_tree,
    items_of,
    keep_columns,
    released_set,
    restore_columns,
    tree_of_dump,
)
from lit_research.methods.longcode.published_writing import writing_release
from lit_research.methods.longcode.trees import SourceTree

FOLDER = "LQA"
COUNTS = dict(zip(BUCKETS, (113, 76, 92, 65, 47, 50), strict=True))
"""Questions of each released bucket."""
COLUMNS = (
    "prompt",
    "repo",
    "question",
    "correct_letter",
    "repo_text",
    "prompt_goal",
    "is_hard",
)
_BUILDER = "published_questions 1"
_WRITTEN: tuple[dict[str, Any], ...] = tuple(
    {"indent": indent, "ensure_ascii": ascii}
    for indent in (4, 2, None, 1)
    for ascii in (True, False)
)


def import_questions(
    path: str | Path,
    counter: AnyCounter = "characters",
    buckets: Sequence[str] = BUCKETS,
    *,
    skip_bad: bool = False,
    max_megabytes: int = 4096,
) -> ItemSet:
    """Read the released questions.

    Every different ``repo_text`` is one tree: its files, where it can be taken apart for certain.
    ``published_prompt`` gives the released prompt; ``source`` has what the item has no place for.

    Args:
        path: ``LongCodeQA.zip``, or the folder that it was unpacked to.
        counter: of the items' tokens.
        buckets: those to be read, from ``32K`` to ``1M``.
        skip_bad: leave out what is no question with four different options, and say so; otherwise
            it is an error.
        max_megabytes: longest file, unpacked.

    Raises:
        UserError: the file has another layout, or lacks a bucket.
    """
    check_buckets(buckets)
    release, counting = ReleaseFiles(path, max_megabytes), make_counter(counter)
    found = _bucket_files(release, buckets)
    items: list[QuestionItem] = []
    trees: dict[str, SourceTree] = {}
    differences, layouts = [], {}
    for bucket, name in found.items():
        content = release.read(name)
        records, where = _records(content, name, path), f"in {name!r} of {str(path)!r}"
        layouts[bucket] = _layout(content, records)

        def make(index: int, record: Any, bucket: str = bucket) -> QuestionItem:
            item, tree = _question(record, bucket, index)
            trees.setdefault(tree.name, tree)
            return item

        made, bad = items_of(records, make, where, skip_bad)
        differences += [*_differences(records, bucket), *bad]
        items += made
    totals = {name: sum(counting.count(list(tree.files.values()))) for name, tree in trees.items()}
    return released_set(
        [replace(item, tokens=totals[item.tree]) for item in items],
        trees,
        release,
        published="LongCodeQA",
        counter=counting.name,
        buckets=list(found),
        differences=differences,
        layouts=layouts,
    )


def export_questions(items: ItemSet, target: str | Path) -> None:
    """Write imported questions as they were released.

    A file whose JSON was written in one of the usual ways is equal byte by byte, others field by
    field.

    Args:
        items: what ``import_questions`` returned.
        target: a name that ends with ``.zip``, or a folder.

    Raises:
        UserError: a question was not imported, or ``target`` cannot be written.
    """
    by_bucket: dict[str, list[dict[str, Any]]] = {}
    for item in items.questions:
        record = published_record(item, items.trees[item.tree])
        by_bucket.setdefault(item.source["bucket"], []).append(record)
    with writing_release(target) as folder:
        (folder / FOLDER).mkdir()
        for bucket, records in by_bucket.items():
            layout = items.card.get("layouts", {}).get(bucket) or {"indent": 4}
            (folder / FOLDER / f"{bucket}.json").write_bytes(_written(records, layout))


def published_record(item: QuestionItem, tree: SourceTree) -> dict[str, Any]:
    """Return the released record of an imported question.

    Raises:
        UserError: it was not imported from one.
    """
    if item.kind != "published" or "keys" not in item.source:
        raise UserError(
            f"the question {item.id!r} is of kind {item.kind!r}; must be one that import_questions "
            "has read"
        )
    code = dump_of_tree(tree, item.source)
    prompt = "".join(published_prompt(item, tree))
    return restore_columns(item.source, {"repo_text": code, "prompt": prompt})


def published_prompt(item: QuestionItem, tree: SourceTree) -> tuple[str, str]:
    """Return the released prompt, word by word: up to the end of the code, and the rest."""
    if "prompt_before" not in item.source:
        return "", item.source["prompt_whole"]
    code = dump_of_tree(tree, item.source)
    return item.source["prompt_before"] + code, item.source["prompt_after"]


def _bucket_files(release: ReleaseFiles, buckets: Sequence[str]) -> dict[str, str]:
    """Return the file of each bucket: ``LQA/32K.json``, or ``32K.json`` of the folder ``LQA``."""
    found, listed = {}, ", ".join(release.names[:6]) or "nothing"
    for bucket in buckets:
        names = {f"{FOLDER}/{bucket}.json", f"{bucket}.json"}
        here = [name for name in release.names if name in names]
        nested = [
            n for n in release.names if PurePosixPath(n).parts[-2:] == (FOLDER, f"{bucket}.json")
        ]
        if len(here or nested) != 1:
            raise UserError(
                f"the bucket {bucket} is missing in {str(release.path)!r}, which has {listed}; "
                f"must hold {FOLDER}/{bucket}.json, or leave the bucket out of buckets"
            )
        found[bucket] = (here or nested)[0]
    return found


def _records(content: bytes, name: str, path: str | Path) -> list[Any]:
    where = f"{name!r} of {str(path)!r}"
    try:
        records = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is no JSON: {error}; download it again") from error
    if not isinstance(records, list) or not records:
        raise UserError(f"{where} holds no list of questions; must be that of LongCodeQA.zip")
    return records


def _question(record: Any, bucket: str, index: int) -> tuple[QuestionItem, SourceTree]:
    missing = [name for name in COLUMNS if not isinstance(_column(record, name), str)]
    if missing:
        raise UserError(f"there is no text {missing[0]!r}; must have {', '.join(COLUMNS)}")
    check_unicode(record)
    parsed = options_of(record["question"])
    if parsed is None:
        raise UserError(
            f"the question {record['question'][-80:]!r} has no options; must end with lines that "
            "begin with A) to D)"
        )
    question, options = parsed
    letter = record["correct_letter"].strip()
    if len(letter) != 1 or letter not in LETTERS:
        raise UserError(f"correct_letter is {letter!r}; must be one of {', '.join(LETTERS)}")
    origin = Origin(record["repo"], builder=_BUILDER)
    code, prompt = record["repo_text"], record["prompt"]
    tree, dump = tree_of_dump(code, origin, header=CODE_HEADER, footer="\n")
    before, shown, after = prompt.partition(code)
    split = {"prompt_before": before, "prompt_after": after} if code and shown else {}
    source = {
        "bucket": bucket,
        **keep_columns(record, without=("repo_text", "prompt")),
        **dump,
        **(split or {"prompt_whole": prompt}),
    }
    item = QuestionItem(
        f"lqa-{bucket}-{index:04d}",
        "published",
        question,
        tuple(option.strip() for option in options),
        LETTERS.index(letter),
        tree.name,
        origin,
        source=source,
    )
    return item, tree


def _column(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, Mapping) else None


def _differences(records: Sequence[Any], bucket: str) -> list[str]:
    found = []
    if len(records) != COUNTS[bucket]:
        found.append(f"{bucket} has {len(records)} questions, and not {COUNTS[bucket]}")
    known = [record for record in records if isinstance(record, Mapping)]
    if more := sorted({str(name) for record in known for name in record} - set(COLUMNS)):
        found.append(f"{bucket} has further columns: {', '.join(more)}")
    hard = {str(record.get("is_hard")) for record in known} - {"Yes", "No"}
    if hard:
        found.append(f"is_hard is {sorted(hard)[0]!r} in {bucket}, and not Yes or No")
    return found


def _written(records: Sequence[Any], layout: Mapping[str, Any]) -> bytes:
    options = {key: layout[key] for key in ("indent", "ensure_ascii") if key in layout}
    text = json.dumps(records, **options)
    return (text + layout.get("end", "")).encode(errors="surrogatepass")


def _layout(content: bytes, records: Sequence[Any]) -> dict[str, Any] | None:
    """Return how a JSON was written; None if in none of the usual ways."""
    end = "\n" if content.endswith(b"\n") else ""
    # The first lines tell the indent: a large file is written once or twice, not eight times.
    begin = content[:200].decode(errors="replace")
    for layout in _WRITTEN:
        indent = layout["indent"]
        starts = "[{" if indent is None else "[\n" + " " * indent + "{"
        if begin.startswith(starts):
            whole = {**layout, "end": end}
            if _written(records, whole) == content:
                return whole
    return None
