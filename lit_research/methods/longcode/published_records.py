"""Records of released files: what an item has no place for is kept, so that they can be given back.

A long text is kept once: the tree holds the code, and the item what stands around it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from lightning.pytorch.utilities import rank_zero_warn

from lit_research.errors import UserError
from lit_research.methods.longcode.dumps import dump_files, is_safe, split_dump
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import Item, Origin
from lit_research.methods.longcode.published_files import ReleaseFiles
from lit_research.methods.longcode.trees import SourceTree
from lit_research.storage import content_hash

T = TypeVar("T", bound=Item)

BUCKETS = ("32K", "64K", "128K", "256K", "512K", "1M")
"""The released buckets: their longest prompts in tokens of GPT-4o, from 32 * 1024 on."""

_JSON = "json:"  # before the name of a column that is no text
_KEYS = "keys"  # names of the columns, in order


def bucket_tokens(bucket: str) -> int:
    """Return the longest prompt of a bucket, in tokens: ``32K`` is 32,768."""
    return int(bucket[:-1]) * {"K": 2**10, "M": 2**20}[bucket[-1]]


def check_buckets(buckets: Sequence[str]) -> None:
    """Refuse names of buckets that were not released.

    Raises:
        UserError: there is none of that name.
    """
    for bucket in buckets:
        if bucket not in BUCKETS:
            raise UserError(f"the bucket is {bucket!r}; must be one of {', '.join(BUCKETS)}")


def check_unicode(record: Mapping[str, Any]) -> None:
    """Refuse texts that no file of items can hold.

    Raises:
        UserError: a text has half of a surrogate pair, which JSON can name and UTF-8 cannot.
    """
    for name, value in record.items():
        try:
            str(value).encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{name!r} is no Unicode text: {error}; must be one") from error


def keep_columns(record: Mapping[str, Any], without: Collection[str] = ()) -> dict[str, str]:
    """Return the columns of a record as texts, and the order of all of them.

    Raises:
        UserError: a column holds what JSON cannot, such as a time.
    """
    kept = {_KEYS: json.dumps(list(record))}
    for name, value in record.items():
        if name in without:
            continue
        try:
            kept |= {name: value} if isinstance(value, str) else {_JSON + name: json.dumps(value)}
        except (TypeError, ValueError) as error:
            raise UserError(
                f"the column {name!r} holds {type(value).__name__}; must be text, numbers or lists"
            ) from error
    return kept


def restore_columns(source: Mapping[str, str], others: Mapping[str, str]) -> dict[str, Any]:
    """Return the record that ``keep_columns`` has kept, with the columns that it left out."""
    found: dict[str, Any] = {}
    for name in json.loads(source[_KEYS]):
        if name in others:
            found[name] = others[name]
        else:
            found[name] = source[name] if name in source else json.loads(source[_JSON + name])
    return found


def tree_of_dump(
    code: str, origin: Origin, *, header: str = "", footer: str = "", numbered: bool = False
) -> tuple[SourceTree, dict[str, str]]:
    """Return a tree that holds a shown code, and what ``dump_of_tree`` needs to give it back.

    Where the code cannot be taken apart into files, it is one file without a name.

    Args:
        code: as it is shown.
        origin: of the tree; the hash of the code completes it.
        header: what may stand before the first file.
        footer: what may stand after the last one.
        numbered: whether the lines are numbered.
    """
    name = f"{origin.package}@{content_hash(code)[:12]}"
    inner = code.removeprefix(header).removesuffix(footer)
    files = split_dump(inner, numbered=numbered)
    if files and f"{header}{inner}{footer}" == code and is_safe(files):
        kept = {"header": header, "footer": footer, "numbered": "yes" if numbered else ""}
        return SourceTree(name, files, origin), {f"dump_{key}": kept[key] for key in kept}
    return SourceTree(name, {"": code}, origin), {}


def dump_of_tree(tree: SourceTree, source: Mapping[str, str]) -> str:
    """Return the code of an imported item as it was shown."""
    if set(tree.files) == {""}:
        return tree.files[""]
    dump = dump_files(tree.files.items(), numbered=bool(source["dump_numbered"]))
    return f"{source['dump_header']}{dump}{source['dump_footer']}"


def items_of(
    records: Sequence[Any], make: Callable[[int, Any], T], where: str, skip_bad: bool
) -> tuple[list[T], list[str]]:
    """Return the items of records, and what was wrong with those that were left out.

    Raises:
        UserError: a record is none that an item can be made of, and ``skip_bad`` is off.
    """
    items, bad = [], []
    for index, record in enumerate(records):
        try:
            items.append(make(index, record))
        except UserError as error:
            if not skip_bad:
                raise UserError(
                    f"item {index}, {where}: {error}; or leave such items out with skip_bad"
                ) from error
            bad.append(f"item {index}, {where}, is left out: {error}")
    return items, bad


def warn_of(differences: Sequence[str], path: object) -> None:
    """Say how a file differs from the released one, which does not keep it from being read."""
    if differences:
        rank_zero_warn(
            f"{str(path)!r} differs from the released file: {'; '.join(differences)}; it is "
            "imported as it is"
        )


def released_set(
    items: Sequence[Item],
    trees: Mapping[str, SourceTree],
    release: ReleaseFiles,
    *,
    published: str,
    counter: str,
    buckets: Sequence[str],
    differences: Sequence[str],
    **more: Any,
) -> ItemSet:
    """Return imported items with the trees that they name, and their card; warn of differences.

    Args:
        items: of all buckets.
        trees: by name; those that no item names are left out.
        release: the released files.
        published: name of the benchmark.
        counter: name of the counter of the items' tokens.
        buckets: those that were read.
        differences: how the files differ from the released ones.
        more: what the card says beside that.
    """
    warn_of(differences, release.path)
    used = {item.tree for item in items}
    card = {
        "published": published,
        "file": release.path.name,
        "sha256": release.sha256(),
        "counter": counter,
        "buckets": {b: sum(item.source["bucket"] == b for item in items) for b in buckets},
        **more,
        "differences": list(differences),
    }
    return ItemSet(items, {name: trees[name] for name in trees if name in used}, card)
