"""A folder of items: ``questions`` and ``repairs`` (datasets), their ``trees``, and a card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.files import replacing_folder, write_json
from lit_research.methods.longcode.items import Item, Origin, QuestionItem, RepairItem, Span
from lit_research.methods.longcode.trees import SourceTree
from lit_research.storage import save_dataset, writing

CARD = "card.json"
FORMAT = 1
_TABLES = {"questions": QuestionItem, "repairs": RepairItem}


@dataclass(frozen=True)
class ItemSet:
    """Items and the trees that they name.

    Attributes:
        items: questions and repairs.
        trees: by name; tests of repairs are trees too.
        card: what a reader must know: the counter of ``tokens``, what was dropped and why.

    Raises:
        UserError: two items have one id, or a tree is missing.
    """

    items: Sequence[Item]
    trees: Mapping[str, SourceTree]
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        id_, count = (
            Counter(item.id for item in self.items).most_common(1)[0] if self.items else ("", 0)
        )
        if count > 1:
            raise UserError(f"{count} items have the id {id_!r}; must be one of a kind")
        for item in self.items:
            names = [item.tree] + (
                [item.tests] if isinstance(item, RepairItem) and item.tests else []
            )
            for name in names:
                if name not in self.trees:
                    raise UserError(
                        f"the item {item.id!r} names the tree {name!r}, which is not there; "
                        "give it in trees"
                    )

    @property
    def questions(self) -> list[QuestionItem]:
        """The questions, in order."""
        return [item for item in self.items if isinstance(item, QuestionItem)]

    @property
    def repairs(self) -> list[RepairItem]:
        """The repairs, in order."""
        return [item for item in self.items if isinstance(item, RepairItem)]

    def save(self, folder: str | Path) -> None:
        """Write a folder, whole or not at all; one that is there is replaced.

        Raises:
            UserError: it cannot be written.
        """
        from datasets import Dataset

        with writing(Path(folder)), replacing_folder(Path(folder)) as new:
            for name, kind in _TABLES.items():
                rows = [_row(item) for item in self.items if isinstance(item, kind)]
                if rows:
                    save_dataset(Dataset.from_list(rows), new / name)
            files = [
                {"tree": name, "path": path, "text": text}
                for name, tree in self.trees.items()
                for path, text in tree.files.items()
            ]
            if files:
                save_dataset(Dataset.from_list(files), new / "trees")
            origins = {name: asdict(tree.origin) for name, tree in self.trees.items()}
            card = {**self.card, "format": FORMAT, "trees": origins}
            card |= {
                name: sum(isinstance(i, kind) for i in self.items) for name, kind in _TABLES.items()
            }
            write_json(new / CARD, card)

    @classmethod
    def load(cls, folder: str | Path) -> ItemSet:
        """Read a folder that ``save`` wrote.

        Raises:
            UserError: it is not such a folder.
        """
        folder = Path(folder)
        try:
            card = json.loads((folder / CARD).read_text())
        except (OSError, ValueError) as error:
            raise UserError(
                f"{str(folder)!r} has no readable {CARD}; give a folder of items, as the builders "
                "and importers of longcode write"
            ) from error
        origins = card.pop("trees", {})
        texts: dict[str, dict[str, str]] = {name: {} for name in origins}
        for row in _rows(folder / "trees"):
            texts[row["tree"]][row["path"]] = row["text"]
        trees = {name: SourceTree(name, texts[name], Origin(**origins[name])) for name in origins}
        items = [_item(kind, row) for name, kind in _TABLES.items() for row in _rows(folder / name)]
        return cls(items, trees, card)


def _row(item: Item) -> dict[str, Any]:
    # Arrow would give every row of `source` the keys of all; text keeps what is there.
    return {**asdict(item), "source": json.dumps(item.source)}


def _rows(folder: Path) -> list[dict[str, Any]]:
    from datasets import load_from_disk

    return list(load_from_disk(str(folder))) if folder.is_dir() else []


def _item(kind: Any, row: dict[str, Any]) -> Item:
    row = dict(row)
    row["origin"] = Origin(**row["origin"])
    row["evidence"] = tuple(Span(**span) for span in row["evidence"])
    row["source"] = json.loads(row["source"])
    for name in ("options", "fail_to_pass", "pass_to_pass"):
        if name in row:
            row[name] = tuple(row[name])
    return kind(**row)
