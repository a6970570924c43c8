"""Means of a curve over bins of positions."""

from __future__ import annotations

import torch
from torch import Tensor


def binned_means(sums: Tensor, num_bins: int) -> tuple[Tensor, Tensor]:
    """Average positions in bins of nearly equal size.

    Args:
        sums: summed losses and their counts, ``[2, T]``.
        num_bins: at most this many bins.

    Returns:
        The mean position (1 is the first) and the mean loss of each bin that counts anything.
    """
    length = sums.shape[1]
    bins = torch.arange(length) * min(num_bins, length) // length
    totals = torch.zeros(3, min(num_bins, length), dtype=sums.dtype)
    position = torch.arange(1, length + 1, dtype=sums.dtype)
    totals.index_add_(1, bins, torch.stack([sums[0], sums[1], sums[1] * position]))
    losses, counts, positions = totals[:, totals[1] > 0]
    return positions / counts, losses / counts
