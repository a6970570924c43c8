"""``PackedRows``: several rows in a window, without attention across rows.

Legend: B windows of a batch, T positions of a window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.lm import IGNORE, document_positions
from lit_research.sft.rows import Row
from lit_research.text.packing import Batch, make_batch


class PackedRows(Dataset[Batch]):
    """Windows of ``T`` positions that each hold as many rows as fit; use with ``make_loader``.

    A batch has ``input_ids``, ``labels`` (next tokens; ``IGNORE`` where there is no label),
    ``document_ids`` and ``position_ids`` ``[B, T]``, which restart at 0 with each row: with
    ``run_lm`` or ``lm_loss`` each row is read as if it were alone. The rest of a window is padding,
    a row of its own.

    The longest rows are placed first, each into the fullest window that has room (best fit
    decreasing). The order of the windows depends on the rows alone; shuffle with the sampler.

    Args:
        rows: of at most ``T`` positions each; see ``truncate_rows``.
        sequence_length: T.
        pad_token_id: fills the rest of a window.

    Raises:
        UserError: there is no row, one has no position, or one is too long.
    """

    def __init__(self, rows: Sequence[Row], sequence_length: int, *, pad_token_id: int = 0) -> None:
        lengths = [len(row.tokens) - 1 for row in rows]
        wrong = [index for index, n in enumerate(lengths) if not 1 <= n <= sequence_length]
        if wrong or not lengths:
            problem = (
                f"row {wrong[0]} has {lengths[wrong[0]]} positions"
                if wrong
                else "there are no rows"
            )
            raise UserError(
                f"{problem}, in PackedRows; each row must have 1 to {sequence_length} positions: "
                "use truncate_rows"
            )
        self.sequence_length, self.pad_token_id = sequence_length, pad_token_id
        self.windows = best_fit(lengths, sequence_length)
        # Flat arrays: a list of Python numbers takes ten times the memory.
        self._offsets = np.cumsum([0, *lengths])
        self._inputs = np.fromiter((x for row in rows for x in row.inputs), np.int32)
        self._labels = np.fromiter((x for row in rows for x in row.labels), np.int32)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.windows)

    @property
    def fill(self) -> float:
        """Share of all positions that hold a row."""
        return float(self._offsets[-1] / (len(self) * self.sequence_length))

    def __getitem__(self, index: int) -> Batch:
        """Return one window, each value ``[T]``."""
        return {name: value[0] for name, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return a batch of windows, each value ``[B, T]``."""
        shape = (len(indices), self.sequence_length)
        inputs_BT = np.full(shape, self.pad_token_id)
        labels_BT = np.full(shape, IGNORE)
        begins_BT1 = np.zeros((shape[0], shape[1] + 1), dtype=bool)
        for line, index in enumerate(indices):
            start = 0
            for row in self.windows[index]:
                span = slice(self._offsets[row], self._offsets[row + 1])
                end = start + span.stop - span.start
                inputs_BT[line, start:end] = self._inputs[span]
                labels_BT[line, start:end] = self._labels[span]
                begins_BT1[line, end] = True
                start = end
        # A row's last label is its own last token, which is not an input: nothing is masked here.
        first_B = np.zeros(len(indices), dtype=np.int64)
        batch = make_batch(inputs_BT, labels_BT, begins_BT1, first_B, mask=False)
        return {**batch, "position_ids": document_positions(batch["document_ids"])}


def best_fit(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Return bins of at most ``size``: the indices of the ``lengths`` in each, longest first.

    Args:
        lengths: 1 to ``size`` each.
        size: of a bin.
    """
    bins: list[list[int]] = []
    with_room: dict[int, list[int]] = {}  # indices of the bins by the room left in them
    rooms = 0  # the keys of `with_room` as bits: bit r is set if a bin has room r
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        enough = rooms >> lengths[index]
        if enough:
            room = lengths[index] + (enough & -enough).bit_length() - 1
            bin_index = with_room[room].pop()
            if not with_room[room]:
                rooms &= ~(1 << room)
        else:
            room, bin_index = size, len(bins)
            bins.append([])
        bins[bin_index].append(index)
        if left := room - lengths[index]:
            with_room.setdefault(left, []).append(bin_index)
            rooms |= 1 << left
    return bins
