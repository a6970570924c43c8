"""Micro-batches: parts of a batch, whose graphs are held one at a time.

Legend: B examples of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from lit_research.errors import UserError

Batch = Tensor | Mapping[str, Tensor] | tuple[Tensor, ...]


@dataclass(frozen=True)
class MicroBatch:
    """A micro-batch.

    Args:
        batch: its examples.
        weights: of their losses; None means 1.
        divisor: the weighted sum of the whole batch's losses is divided by it.
        size: number of examples.
        index: (step, number within the batch), which seeds the random numbers.
    """

    batch: Any
    weights: Tensor | None
    divisor: float
    size: int
    index: tuple[int, int]

    def first(self, rows: int) -> MicroBatch:
        """Return its first examples, at most ``rows``, with the same index."""
        if rows >= self.size:
            return self
        weights = None if self.weights is None else self.weights[:rows]
        return replace(self, batch=rows_of(self.batch, slice(0, rows)), weights=weights, size=rows)


def size_of(batch: Batch, step: int) -> int:
    """Return the number of examples of a batch, B.

    Raises:
        UserError: it is not a tensor, a dict or a tuple of tensors of one length.
    """
    if isinstance(batch, Tensor):
        values: list[Any] = [batch]
    elif isinstance(batch, Mapping):
        values = list(batch.values())
    else:
        values = list(batch) if isinstance(batch, Sequence) else []
    tensors = [x for x in values if isinstance(x, Tensor) and x.dim()]
    if not tensors or len(tensors) < len(values):
        raise UserError(
            f"batch {step} is a {type(batch).__name__}, in batches of Training; must be a tensor, "
            "or a dict or tuple of tensors, whose first dimension is the example"
        )
    sizes = sorted({len(x) for x in tensors})
    if len(sizes) > 1:
        raise UserError(
            f"the tensors of batch {step} have {', '.join(map(str, sizes))} examples, in batches of"
            " Training; must have the same number"
        )
    return sizes[0]


def rows_of(batch: Batch, rows: slice) -> Any:
    """Return some examples of a batch."""
    if isinstance(batch, Tensor):
        return batch[rows]
    if isinstance(batch, Mapping):
        return {name: value[rows] for name, value in batch.items()}
    return tuple(value[rows] for value in batch)


def split_batch(
    batch: Batch, weights: Tensor | None, step: int, *, width: int | None, divisor: float | None
) -> Iterator[MicroBatch]:
    """Yield the micro-batches of a step.

    Args:
        batch: of the step.
        weights: of its losses; None means 1.
        step: its index.
        width: examples in a micro-batch; None means all of them.
        divisor: of the weighted sum of the losses; None means B.
    """
    size = size_of(batch, step)
    width = width or size
    for number, start in enumerate(range(0, size, width)):
        rows = slice(start, start + width)
        micro_weights = None if weights is None else weights[rows]
        examples = batch if width >= size else rows_of(batch, rows)
        yield MicroBatch(
            examples,
            micro_weights,
            float(divisor or size),
            min(width, size - start),
            (step, number),
        )
