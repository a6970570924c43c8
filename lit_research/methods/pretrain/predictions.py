"""``LogProbWriter``: per-token log-probabilities as Parquet, written batch by batch."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from lit_research.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa


class LogProbWriter:
    """Writes one row per window: ``input_ids``, ``labels`` and ``log_probs``, lists of T numbers.

    The file is written atomically: it appears under its name when it is complete.

    Args:
        path: the Parquet file.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.path, self._open = path, ExitStack()
        temporary = self._open.enter_context(replacing(path, only_writer=True))
        self._schema = pa.schema(
            {
                "input_ids": pa.list_(pa.int32()),
                "labels": pa.list_(pa.int32()),
                "log_probs": pa.list_(pa.float32()),
            }
        )
        self._writer = parquet.ParquetWriter(temporary, self._schema)

    def write(self, columns: dict[str, Tensor]) -> None:
        """Append the rows of a batch; every column is ``[B, T]``."""
        import pyarrow as pa

        arrays = [self._rows(columns[f.name], f.type.value_type) for f in self._schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    @staticmethod
    def _rows(column: Tensor, dtype: pa.DataType) -> pa.Array:
        """Convert ``[B, T]`` to B Arrow lists, without intermediate Python lists."""
        import numpy as np
        import pyarrow as pa

        rows, length = column.shape
        offsets = np.arange(rows + 1, dtype=np.int32) * length
        flat = column.flatten().cpu()
        values = pa.array((flat.float() if flat.is_floating_point() else flat).numpy()).cast(dtype)
        return pa.ListArray.from_arrays(offsets, values)

    def close(self) -> None:
        """Complete the file and move it to its name."""
        self._writer.close()
        self._open.close()
