"""``PairRows``: pairs to score, each with its own d1 and with the d1 of another pair.

Legend: B rows of a batch, T positions of the longest of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.sft import Row, stack_rows
from lit_research.text.grouped import NO_GROUP
from lit_research.text.packing import Batch


class PairRows(Dataset[Batch]):
    """Rows ``[d1; separator; d2; end]`` of their own, padded; their labels are d2 and the end.

    A batch has ``input_ids``, ``labels`` (next tokens, ``IGNORE`` where there is no label) and
    ``loss_groups`` (the group of each label, -1 for none), ``[B, T]``; and ``is_shuffled`` ``[B]``.
    Row ``2 i`` is pair ``i``, row ``2 i + 1`` the same d2 after another pair's d1; where there are
    no other d1, row ``i`` is pair ``i``.

    Args:
        rows: one a pair.
        shuffled: the same d2 after another d1, one a pair; empty where d1 is.
        groups: of the labels of each pair, that is of d2 and the end; None: no groups.
        pad_token_id: fills the rows.

    Raises:
        UserError: there are no rows, or numbers differ.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        shuffled: Sequence[Row] = (),
        groups: Sequence[np.ndarray] | None = None,
        *,
        pad_token_id: int = 0,
    ) -> None:
        sizes = {len(rows), len(shuffled or rows), len(rows if groups is None else groups)}
        if len(rows) == 0 or len(sizes) > 1:
            raise UserError(
                f"{len(rows)} pairs, {len(shuffled)} shuffled and groups of "
                f"{'none' if groups is None else len(groups)}, in PairRows; must be at least one "
                "pair, and as many of the others where there are any"
            )
        self._columns = [rows, shuffled] if shuffled else [rows]
        self._groups, self.pad_token_id = groups, pad_token_id

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._columns) * len(self._columns[0])

    def __getitem__(self, index: int) -> Batch:
        """Return one row, each value ``[T]`` (``is_shuffled``: a scalar)."""
        return {name: value[0] for name, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Return a batch of rows, each value ``[B, T]`` (``is_shuffled``: ``[B]``)."""
        places = [divmod(int(index), len(self._columns)) for index in indices]
        rows = [self._columns[column][pair] for pair, column in places]
        batch = stack_rows(
            [(row.inputs, row.labels) for row in rows], pad_token_id=self.pad_token_id
        )
        groups_BT = torch.full_like(batch["labels"], NO_GROUP)
        for line, ((pair, _), row) in enumerate(zip(places, rows, strict=True)):
            if self._groups is not None:
                group, last = torch.from_numpy(self._groups[pair]), len(row.tokens) - 1
                groups_BT[line, last - len(group) : last] = group
        is_shuffled_B = torch.tensor([column == 1 for _, column in places])
        return {**batch, "loss_groups": groups_BT, "is_shuffled": is_shuffled_B}
