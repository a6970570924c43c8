"""``ItemIndices``: batches of the numbers of items, for what asks about items and not about text.

Legend: I items of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

Batch = dict[str, Tensor]


class ItemIndices(Dataset[Batch]):
    """Numbers of items: ``items`` ``[I]``, and ``labels`` ``[I]``, ``IGNORE`` where to skip one.

    Args:
        count: number of items.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        """Return the number of items."""
        return self.count

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Return a batch."""
        items_I = torch.tensor(list(indices))
        return {"items": items_I, "labels": torch.zeros_like(items_I)}
