"""Mixtures of data sets: exact passes over some, fixed shares of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.text.packing import Batch
from lit_research.text.sampling import permutation


@dataclass(frozen=True)
class MixtureComponent:
    """One data set of a mixture, with exactly one of ``passes``, ``windows`` and ``share``.

    Args:
        dataset: windows (``__len__`` and ``__getitems__``).
        share: share of all windows that come from this component, in (0, 1).
        passes: number of times that each of its windows is drawn.
        windows: number of draws; each of its windows is drawn equally often, to one.
    """

    dataset: Any
    share: float | None = None
    passes: int | None = None
    windows: int | None = None

    @property
    def fixed(self) -> int | None:
        """Number of draws, None if it is a share of all."""
        return self.windows if self.passes is None else self.passes * len(self.dataset)


class Mixture(Dataset[Batch]):
    """All windows of a training run, in order: ``floor(sum(n * passes) / (1 - sum(share)))``.

    Components with ``passes`` or ``windows`` are drawn exactly that often, those with ``share``
    fill the rest (w in "Pre-training under infinite compute": real tokens get exactly ``ep``
    passes, teacher tokens have share w). Components are interleaved evenly: every stretch of the
    mixture holds each component's share to within one or two windows. Within a component, each pass
    is a new permutation. The window at an index depends on (seed, index) alone.

    The order is part of the mixture: use a ``ShardedSampler`` with ``shuffle=False``, and one
    epoch. With ``drop_last=False`` the pass counts are exact; otherwise an incomplete global batch
    at the end is dropped. Batches have an additional key ``component`` ``[B]``, the index of each
    window's component. ``counts`` ``[S]`` is the number of windows of each component, and
    ``counts / len(dataset)`` its number of passes: log both.

    Args:
        components: at least one with ``passes`` or ``windows``; those of all components have equal
            keys and shapes.
        seed: seed of all permutations.

    Raises:
        UserError: a component has not exactly one of passes, windows and share, a number is out of
            range, or the windows of two components differ in shape.
    """

    def __init__(self, components: Sequence[MixtureComponent], seed: int) -> None:
        self.components = list(components)
        self.seed = seed
        _check(self.components)
        self.counts = _counts(self.components)
        self._order = lru_cache(maxsize=2 * len(self.components))(self._permutation)

    def __reduce__(self) -> tuple[type[Mixture], tuple[list[MixtureComponent], int]]:
        # For worker processes that are not forks: the cache of permutations stays behind.
        return Mixture, (self.components, self.seed)

    def __len__(self) -> int:
        """Return the number of windows of the whole run."""
        return int(self.counts.sum())

    def locate(self, indices: list[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the component of each index, and the number of the draw from it, both ``[B]``."""
        component = np.zeros(len(indices), dtype=np.int64)
        draw = np.asarray(indices, dtype=np.int64).copy()
        left = np.ones(len(indices), dtype=bool)
        total = len(self)
        # Error diffusion, one component against all later ones at a time: of the first i windows,
        # round(i * count / total) are from this component.
        for number, count in enumerate(self.counts[:-1].tolist()):
            if not left.any():
                break
            before = (2 * draw * count + total) // (2 * total)
            after = (2 * (draw + 1) * count + total) // (2 * total)
            mine = left & (after > before)
            left &= ~mine
            component[left] = number + 1
            draw = np.where(mine, before, np.where(left, draw - before, draw))
            total -= count
        return component, draw

    def __getitem__(self, index: int) -> Batch:
        """Return one window, each value ``[T]``, and ``component`` ``[]``."""
        return {key: value[0] for key, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int] | np.ndarray) -> Batch:
        """Return a batch of windows, each value ``[B, T]``, and ``component`` ``[B]``."""
        component, draw = self.locate(indices)
        batch: Batch = {}
        for number in np.unique(component).tolist():
            rows = np.flatnonzero(component == number)
            windows = self._windows(number, draw[rows])
            for key, value in self.components[number].dataset.__getitems__(windows).items():
                if key not in batch:
                    batch[key] = value.new_empty((len(indices), *value.shape[1:]))
                batch[key][torch.from_numpy(rows)] = value
        batch["component"] = torch.from_numpy(component)
        return batch

    def _windows(self, number: int, draw: np.ndarray) -> np.ndarray:
        """Return the window of the component's data set for each draw."""
        epochs, positions = np.divmod(draw, len(self.components[number].dataset))
        windows = np.empty_like(positions)
        for epoch in np.unique(epochs).tolist():
            windows[epochs == epoch] = self._order(number, epoch)[positions[epochs == epoch]]
        return windows

    def _permutation(self, number: int, epoch: int) -> np.ndarray:
        # Components of equal length must have different permutations.
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1, np.uint64)[0])
        return permutation(len(self.components[number].dataset), seed=seed, epoch=epoch)


def _counts(components: list[MixtureComponent]) -> np.ndarray:
    """Return the windows of each component, ``[S]``; shares are rounded by largest remainder."""
    fixed = [component.fixed or 0 for component in components]
    shares = np.array([component.share or 0.0 for component in components])
    # The tolerance keeps 90 / (1 - 0.1) at 100 in spite of binary fractions.
    total = int(np.floor(sum(fixed) / (1 - shares.sum()) + 1e-6))
    counts = np.floor(shares * total).astype(np.int64) + np.array(fixed, dtype=np.int64)
    remainder = np.where(shares > 0, shares * total - np.floor(shares * total), -1.0)
    missing = total - int(counts.sum())
    counts[np.argsort(-remainder, kind="stable")[:missing]] += 1
    return counts


def _check(components: list[MixtureComponent]) -> None:
    shares = [component.share for component in components if component.share is not None]
    amounts = [(s.passes, s.windows, s.share) for s in components]
    wrong = [amount for amount in amounts if amount.count(None) != 2]
    if wrong or len(shares) == len(components):
        raise UserError(
            f"(passes, windows, share) are {amounts}, in the mixture; give exactly one of them for "
            "each component, and passes or windows for at least one, such as "
            "MixtureComponent(real, passes=16), MixtureComponent(synthetic, share=0.75)"
        )
    if not all(0 < share < 1 for share in shares) or sum(shares) >= 1:
        raise UserError(
            f"shares {shares} do not leave room for the components with passes, in the mixture; "
            "each must be in (0, 1) and their sum below 1"
        )
    if not all(s.fixed is None or s.fixed > 0 for s in components):
        raise UserError(
            f"passes are {[s.passes for s in components]} and windows "
            f"{[s.windows for s in components]}, in the mixture; must be at least 1"
        )
    shapes = [{key: value.shape for key, value in s.dataset[0].items()} for s in components]
    if any(shape != shapes[0] for shape in shapes):
        raise UserError(
            f"the components' windows differ ({[sorted(map(str, s.items())) for s in shapes]}), "
            "in the mixture; give all components one sequence length and one masking"
        )
