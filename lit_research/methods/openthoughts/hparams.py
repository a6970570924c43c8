"""The published hyper-parameters of the student, by number of training rows.

From the training configs that were released with the successor project (LLaMA-Factory YAML) and the
launcher's notes of OpenThoughts3. All: full fine-tuning of Qwen2.5-7B-Instruct, AdamW (0.9, 0.999)
without decay, cosine to 0 after a warm-up of 10% of the steps, rows cut at 16,384 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.ranges import COUNT, check_range

WARMUP = 0.1
"""Share of the steps over which the learning rate rises."""
CUT_OFF = 16_384
"""Longest row, in tokens."""


@dataclass(frozen=True)
class Hyperparameters:
    """The settings of a size class.

    Attributes:
        name: of the class.
        lr: peak learning rate.
        batch: rows, or windows where rows are packed, of a global batch.
        epochs: passes over the rows.
        packing: whether several rows share a window, without attention across them.
        confirmed: whether the paper is known to have used them for this number of rows. The
            settings of ``micro`` and ``1k`` come with the others but are not named among the
            paper's; where ``micro`` ends is ours.
    """

    name: str
    lr: float
    batch: int
    epochs: int
    packing: bool = False
    confirmed: bool = False

    def steps(self, windows: int) -> int:
        """Return the number of optimiser steps: batches that are not full are left out.

        Args:
            windows: of an epoch: rows, or packed windows.
        """
        return self.epochs * (windows // self.batch)


HYPERPARAMETERS = {
    "micro": Hyperparameters("micro", 1e-5, 32, 13),
    "small": Hyperparameters("small", 2e-5, 96, 7, confirmed=True),
    "1k": Hyperparameters("1k", 2e-5, 96, 11),
    "medium": Hyperparameters("medium", 4e-5, 128, 5, confirmed=True),
    "large": Hyperparameters("large", 8e-5, 512, 5, packing=True, confirmed=True),
}
"""By name; ``1k`` is an alternative to ``small`` of the same release."""

# Rows below which a class holds. The paper's sizes: 1k is small, 10k and 31.6k medium, 100k large.
_BELOW = {"micro": 1_000, "small": 3_160, "medium": 31_601}


def hparams_for(n: int) -> Hyperparameters:
    """Return the published settings for a number of training rows.

    Args:
        n: rows. Below 1,000: ``micro``; below 3,160: ``small``; up to 31,600: ``medium``, that of
            the paper's experiments; beyond: ``large``.

    Raises:
        UserError: there are no rows.
    """
    check_range(COUNT, "in hparams_for", n=n)
    name = next((name for name, limit in _BELOW.items() if n < limit), "large")
    return HYPERPARAMETERS[name]
