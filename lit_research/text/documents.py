"""Operations on documents: fingerprint, split, write.

Documents are a ``datasets.Dataset`` with the string columns ``text, id, source_id, kind``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.files import write_json
from lit_research.seeds import derive_seed
from lit_research.storage import build_folder, content_hash, save_dataset

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset, IterableDataset

COLUMNS = ("text", "id", "source_id", "kind")
CARD = "card.json"


def fingerprint(documents: Dataset) -> str:
    """Return a hash of the documents' texts and ids in order: equal content, equal hash.

    It does not depend on the source of the documents, nor on the chunks of their Arrow table.
    """
    hashes = []
    for column in ("id", "text"):
        lengths, characters = hashlib.blake2b(), hashlib.blake2b()
        for array in _arrow_batches(documents, column):
            offsets = np.frombuffer(array.buffers()[1], np.int64)
            offsets = offsets[array.offset : array.offset + len(array) + 1]
            lengths.update(np.diff(offsets).tobytes())
            characters.update(memoryview(array.buffers()[2])[offsets[0] : offsets[-1]])
        hashes += [lengths.digest(), characters.digest()]
    return content_hash(*hashes)


def count_bytes(documents: Dataset) -> int:
    """Return the total size of all texts, in bytes of UTF-8."""
    import pyarrow.compute as pc

    batches = _arrow_batches(documents, "text")
    return sum(pc.sum(pc.binary_length(array)).as_py() or 0 for array in batches)


def _arrow_batches(documents: Dataset, column: str) -> Iterator[pa.LargeStringArray]:
    import pyarrow as pa

    for table in documents.select_columns(column).with_format("arrow").iter(1000):
        yield from table[column].cast(pa.large_string()).chunks


def split_documents(
    documents: Dataset, *, validation_fraction: float, test_fraction: float = 0.0, seed: int
) -> dict[str, Dataset]:
    """Split by document into ``train``, ``validation`` and ``test``; a share of 0 has no entry.

    A document's split depends on a hash of (seed, id) alone: adding documents does not move others,
    and documents with equal ids stay together. Every split is in hash order, so that a prefix of it
    is a random sample (``Windows(max_tokens=...)`` relies on this).

    If there are so few documents that a split would be empty, it gets the first ones in hash order,
    at least one; if there are fewer documents than splits, each document is cut into contiguous
    blocks, the first of them for training. A log line says so.

    Raises:
        UserError: the shares are not in [0, 1), or a single document is too short to be cut.
    """
    ranges = _ranges(validation_fraction, test_fraction)
    ids = [name for names in _arrow_batches(documents, "id") for name in names.to_pylist()]
    if len(set(ids)) < len(ranges):
        return _split_by_blocks(documents, ranges)
    hashes = np.array([_unit_hash(seed, document_id) for document_id in ids])
    order = np.argsort(hashes, kind="stable")
    # The ends of the splits in that order; documents with equal ids have equal hashes.
    sizes = {
        name: int(np.diff(np.searchsorted(hashes[order], ends))[0]) for name, ends in ranges.items()
    }
    if min(sizes.values()) == 0:
        sizes = _at_least_one(sizes, np.unique(hashes, return_counts=True)[1])
        rank_zero_info(f"Few documents: {', '.join(f'{n} for {s}' for s, n in sizes.items())}.")
    splits, first = dict[str, Any](), 0
    for name in ("validation", "test", "train"):
        if name in sizes:
            splits[name] = documents.select(order[first : first + sizes[name]])
            first += sizes[name]
    return {name: splits[name] for name in ranges}


def _at_least_one(sizes: dict[str, int], group_sizes: np.ndarray) -> dict[str, int]:
    """Give each split complete groups of documents, at least one, and otherwise follow ``sizes``.

    Args:
        sizes: number of documents in each split.
        group_sizes: number of documents with each id, in hash order.
    """
    held_out = [name for name in ("validation", "test") if name in sizes]
    groups, adjusted = list(group_sizes), dict[str, int]()
    for number, name in enumerate(held_out):
        others = len(held_out) - number  # splits that still need a group, including train
        adjusted[name] = int(groups.pop(0))
        while adjusted[name] < sizes[name] and len(groups) > others:
            adjusted[name] += int(groups.pop(0))
    return {"train": int(sum(groups)), **adjusted}


def _split_by_blocks(
    documents: Dataset, ranges: dict[str, tuple[float, float]]
) -> dict[str, Dataset]:
    """Cut every document into one block per split, at the ends of lines or words."""
    from datasets import Dataset

    shares = {name: high - low for name, (low, high) in ranges.items()}
    rows: dict[str, list[dict[str, str]]] = {name: [] for name in ranges}
    for row in documents:
        text, first, used = row["text"], 0, 0.0
        for name, share in shares.items():
            used += share
            last = len(text) if name == [*shares][-1] else _cut_near(text, round(used * len(text)))
            if first < last:
                rows[name].append({**row, "text": text[first:last], "id": f"{row['id']}#{name}"})
            first = max(first, last)
    for name in ranges:
        if not rows[name]:
            raise UserError(
                f"the {name} split is empty, from {len(documents)} documents that are too short to "
                f"be cut, with shares {shares}; give more text or other shares"
            )
    rank_zero_info(
        f"{len(documents)} documents for {len(ranges)} splits: each is cut into blocks side by "
        f"side, {', '.join(f'{share:.3g} for {name}' for name, share in shares.items())}."
    )
    return {name: Dataset.from_list(blocks) for name, blocks in rows.items()}


def _cut_near(text: str, position: int) -> int:
    """Return the end of the line at ``position``, else of the word, else ``position``."""
    for separator, reach in (("\n", 2000), (" ", 100)):
        index = text.find(separator, position, min(position + reach, (position + len(text)) // 2))
        if index >= 0:
            return index + 1
    return position


def split_stream(
    documents: IterableDataset,
    *,
    validation_fraction: float,
    test_fraction: float = 0.0,
    seed: int,
) -> dict[str, IterableDataset]:
    """Split a stream as ``split_documents`` does, in the order of the stream.

    Each split reads the whole stream and skips the others. An empty split is not detected before it
    is read.

    Raises:
        UserError: the shares are not in [0, 1).
    """
    return {
        name: documents.filter(
            _lies_between, input_columns="id", fn_kwargs={"seed": seed, "low": low, "high": high}
        )
        for name, (low, high) in _ranges(validation_fraction, test_fraction).items()
    }


def _ranges(validation_fraction: float, test_fraction: float) -> dict[str, tuple[float, float]]:
    """Return the interval of [0, 1) of each requested split."""
    shares = (validation_fraction, test_fraction)
    if min(shares) < 0 or sum(shares) >= 1:
        raise UserError(
            f"validation_fraction={validation_fraction} and test_fraction={test_fraction} are not "
            "shares, in the split of documents; each must be at least 0 and their sum below 1"
        )
    ranges = {
        "train": (sum(shares), 1.0),
        "validation": (0.0, validation_fraction),
        "test": (validation_fraction, sum(shares)),
    }
    return {name: (low, high) for name, (low, high) in ranges.items() if low < high}


def _lies_between(document_id: str, seed: int, low: float, high: float) -> bool:
    return low <= _unit_hash(seed, document_id) < high


def _unit_hash(seed: int, document_id: str) -> float:
    """Return a number in [0, 1) that belongs to the document under this seed."""
    return derive_seed(seed, document_id) / 2**64


def write_documents(documents: Dataset, folder: str | Path, card: dict[str, Any]) -> None:
    """Write a ``datasets`` folder with a card, atomically.

    Args:
        documents: documents with the columns ``text, id, source_id, kind``.
        folder: replaced if it holds documents that this function wrote.
        card: how the documents were made (seeds, config hash, ...); counts and content hash are
            added.

    Raises:
        UserError: a column is missing, or the folder holds something else.
    """
    folder = Path(folder)
    missing = [column for column in COLUMNS if column not in documents.column_names]
    if missing:
        raise UserError(
            f"there is no column {missing[0]!r}, in the documents for {str(folder)!r}; "
            f"documents have the columns {', '.join(COLUMNS)}"
        )
    if folder.exists() and not (folder / CARD).is_file() and any(folder.iterdir()):
        raise UserError(
            f"the folder is not empty, {str(folder)!r} for documents; "
            "give a new folder or one that holds documents with a card"
        )

    def build(partial: Path) -> None:
        save_dataset(documents, partial)
        counts = {
            "documents": len(documents),
            "bytes": count_bytes(documents),
            "content_hash": fingerprint(documents),
        }
        write_json(partial / CARD, {**card, **counts})

    build_folder(folder, build, is_whole=lambda _: False)
