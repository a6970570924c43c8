"""Runs read back as tables: one row a run, or one row a logged value.

    from lit_research.experiments import read_metrics, read_runs

    runs = read_runs("runs/pretrain")            # arguments and last values of every run
    curves = read_metrics(runs.index[0])         # step, name, value

Read are ``config.yaml`` and what TensorBoard's or the CSV logger wrote; nothing is built or loaded.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lit_research.callbacks.run_logger import VALUES
from lit_research.errors import UserError
from lit_research.experiments.run_config import latest_config

if TYPE_CHECKING:
    import pandas

Point = tuple[int, str, float]
_EXPLORED = ("model", "data", "seed_everything", "trainer")


def find_runs(folder: str | Path) -> list[Path]:
    """Return the folders of the runs in or below ``folder``, in the order of their names.

    Raises:
        UserError: there is none.
    """
    root = Path(folder)
    found = sorted({file.parent for file in root.rglob("config.yaml")}, key=_place)
    if not found:
        raise UserError(
            f"there is no run in {str(root)!r}; give a folder such as runs, runs/METHOD or "
            "runs/METHOD/NAME/version_N"
        )
    return found


def read_runs(folders: str | Path | Iterable[str | Path]) -> pandas.DataFrame:
    """Return a row for each run, by its path: its arguments, and the last value of each metric.

    Columns of arguments are those of the config without ``init_args``, such as
    ``model.lm.hidden_size``, ``data.batch_size`` and ``trainer.max_steps``; columns of metrics have
    their names, such as ``val/loss``, and ``step`` is the last logged one.

    Args:
        folders: one or more, which hold runs at any depth.

    Raises:
        UserError: there is no run, or pandas is not installed.
    """
    pandas = _pandas()
    given = [folders] if isinstance(folders, (str, Path)) else folders
    rows = {}
    for run in (run for folder in given for run in find_runs(folder)):
        points = _points(run)
        last = {name: value for _, name, value in points}  # in the order of the steps
        steps = {"step": max(step for step, _, _ in points)} if points else {}
        rows[str(run)] = {**_arguments(run), **steps, **last}
    table = pandas.DataFrame.from_dict(rows, orient="index")
    table.index.name = "run"
    return table


def read_metrics(run: str | Path) -> pandas.DataFrame:
    """Return all that a run has logged in training: columns ``step``, ``name`` and ``value``.

    Args:
        run: its folder. What ``validate``, ``test`` and ``predict`` logged lies in the folders
            ``VERB-step=N`` in it, which can be given likewise.

    Raises:
        UserError: nothing is logged there, or pandas is not installed.
    """
    pandas = _pandas()
    points = _points(Path(run))
    if not points:
        raise UserError(
            f"there are no records in {str(run)!r}; give the folder of a run whose logger writes "
            "files (TensorBoard's or the CSV logger)"
        )
    return pandas.DataFrame(points, columns=["step", "name", "value"])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise UserError(
            "a table of runs needs the package pandas, which is not installed; pip install pandas"
        ) from error
    return pandas


def _place(run: Path) -> tuple[Any, ...]:
    """Return what runs are ordered by: their numbers as numbers."""
    number = run.name.removeprefix("version_")
    return (*run.parts[:-1], int(number) if number.isdecimal() else -1, run.name)


def _arguments(run: Path) -> dict[str, Any]:
    """Return the plain arguments of the config that the run was last started with."""
    config = yaml.safe_load(latest_config(str(run)).read_text())
    kept = {key: config[key] for key in _EXPLORED if key in config}
    for key in ("callbacks", "logger", "plugins", "profiler"):
        kept.get("trainer", {}).pop(key, None)
    return _flat(kept)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return dotted names with plain values; a class is ``NAME.class_path``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = prefix.rstrip(".") if key == "init_args" else f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}.")
        elif value is not None:
            flat[name] = str(value) if isinstance(value, list) else value
    return flat


def _points(run: Path) -> list[Point]:
    """Return what was logged, by step; of a step that was logged twice, the later value."""
    found: dict[tuple[int, str], float] = {}
    for step, name, value in (*_single_points(run), *_event_points(run), *_csv_points(run)):
        found[step, name] = value
    return [(step, name, value) for (step, name), value in sorted(found.items())]


def _event_points(run: Path) -> Iterable[Point]:
    """Yield the scalars of all event files of a run, a resumed run's later ones last."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for file in sorted(run.glob("events.out.tfevents.*"), key=lambda file: file.stat().st_mtime):
        events = EventAccumulator(str(file), size_guidance={"scalars": 0})
        events.Reload()
        for name in events.Tags()["scalars"]:
            yield from ((e.step, name, e.value) for e in events.Scalars(name))


def _single_points(run: Path) -> Iterable[Point]:
    """Yield what has had one value so far, which ``RunLogger`` makes no chart of."""
    file = run / VALUES
    if file.is_file():
        kept = json.loads(file.read_text())["values"]
        yield from ((int(v["step"]), name, float(v["value"])) for name, v in kept.items())


def _csv_points(run: Path) -> Iterable[Point]:
    """Yield what Lightning's CSV logger wrote."""
    file = run / "metrics.csv"
    if not file.is_file():
        return
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            step = int(float(row.pop("step")))
            row.pop("epoch", None)
            yield from ((step, name, float(value)) for name, value in row.items() if value)
