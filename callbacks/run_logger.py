"""``RunLogger``: charts of metrics with several values, a table and a file of single ones."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from lit_research.files import write_atomic

VALUES = "values.json"


class SingleValues:
    """The metrics with a single value so far, and the names of those with more.

    Args:
        file: where both are stored, for a resumed run; ``None`` keeps them in memory.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        saved = json.loads(file.read_text()) if file is not None and file.is_file() else {}
        self._values: dict[str, dict[str, float]] = saved.get("values", {})
        self._curves: set[str] = set(saved.get("curves", ()))
        self._changed = False

    @property
    def latest(self) -> dict[str, tuple[float, int]]:
        """The single values by name, each with its step."""
        return {name: (point["value"], int(point["step"])) for name, point in self._values.items()}

    def add(self, name: str, value: float, step: int) -> list[tuple[float, int, float]]:
        """Add a value; return the points that can be drawn now, as value, step and time in seconds.

        The first value of a metric waits for one of a later step. A value of the same or an earlier
        step replaces it: a resumed run repeats the measurements after its checkpoint.
        """
        now = {"value": value, "step": step, "time_s": time.time()}
        first = self._values.get(name)
        if name in self._curves:
            return [(value, step, now["time_s"])]
        self._changed = True
        if first is None or first["step"] >= step:
            self._values[name] = now
            return []
        self._curves.add(name)
        del self._values[name]
        return [(point["value"], int(point["step"]), point["time_s"]) for point in (first, now)]

    def save(self) -> None:
        """Write the file if something has changed."""
        changed, self._changed = self._changed, False
        if changed and self._file is not None:
            content = {"values": self._values, "curves": sorted(self._curves)}
            write_atomic(self._file, json.dumps(content, indent=1) + "\n")

    def table(self) -> str:
        """Return the single values as a Markdown table."""
        rows = [f"| `{name}` | {v:.6g} | {step} |" for name, (v, step) in self.latest.items()]
        return "\n".join(["| metric | value | step |", "|---|--:|--:|", *sorted(rows)])


class RunLogger(TensorBoardLogger):
    """Lightning's logger, without the ``epoch`` chart and without charts of one point.

    A metric becomes a chart with its second value. Until then, or if there never is one (the
    parameters of a law, the results of a test), its value is in ``values.json`` in the run's folder
    and, once the run has ended, under TEXT as ``values``.
    """

    _singles: SingleValues | None = None

    @property
    def singles(self) -> SingleValues:
        """The metrics with a single value so far."""
        if self._singles is None:
            remote = "://" in self.log_dir
            self._singles = SingleValues(None if remote else Path(self.log_dir) / VALUES)
        return self._singles

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        for name, value in metrics.items():
            if name == "epoch":
                continue
            if step is None or isinstance(value, dict):
                super().log_metrics({name: value}, step)
                continue
            for point in self.singles.add(name, float(value), step):
                self.experiment.add_scalar(self._tag(name), *point)
        self.singles.save()

    def _tag(self, name: str) -> str:
        return f"{self._prefix}{self.LOGGER_JOIN_CHAR}{name}" if self._prefix else name

    @override
    @rank_zero_only
    def finalize(self, status: str) -> None:
        latest = self.singles.latest
        if latest and self._experiment is not None:
            step = max(step for _, step in latest.values())
            self.experiment.add_text("values", self.singles.table(), step)
        super().finalize(status)
