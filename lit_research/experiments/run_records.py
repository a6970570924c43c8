"""Read runs as tables: one row for each run, or one row for each logged value.

    from lit_research.experiments import read_metrics, read_runs

    runs = read_runs("runs/pretrain")            # arguments and last values of every run
    curves = read_metrics(runs.index[0])         # step, name, value

Only ``config.yaml`` and the files of TensorBoard's or the CSV logger are read; no model is built.
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

LoggedValue = tuple[int, str, float]
_SECTIONS = ("model", "data", "seed_everything", "trainer")


def find_runs(folder: str | Path) -> list[Path]:
    """Return the folders of the runs in or below ``folder``, in the order of their names.

    Raises:
        UserError: there are no runs.
    """
    root = Path(folder)
    runs = sorted({file.parent for file in root.rglob("config.yaml")}, key=_sort_key)
    if not runs:
        raise UserError(
            f"there is no run in {str(root)!r}; must be a folder such as runs, runs/METHOD or "
            "runs/METHOD/NAME/version_N"
        )
    return runs


def read_runs(folders: str | Path | Iterable[str | Path]) -> pandas.DataFrame:
    """Return a row for each run, by its path: its arguments, and the last value of each metric.

    Columns of arguments are named as in the config, without ``init_args``, such as
    ``model.lm.hidden_size``, ``data.batch_size`` and ``trainer.max_steps``; columns of metrics have
    their names, such as ``val/loss``, and ``step`` is the last logged one.

    Args:
        folders: one or more folders, with runs at any depth.

    Raises:
        UserError: there is no run, or pandas is not installed.
    """
    pandas = _pandas()
    given = [folders] if isinstance(folders, (str, Path)) else folders
    rows = {}
    for run in (run for folder in given for run in find_runs(folder)):
        points = _logged_values(run)
        last = {name: value for _, name, value in points}  # in the order of the steps
        steps = {"step": max(step for step, _, _ in points)} if points else {}
        rows[str(run)] = {**_arguments(run), **steps, **last}
    table = pandas.DataFrame.from_dict(rows, orient="index")
    table.index.name = "run"
    return table


def read_metrics(run: str | Path) -> pandas.DataFrame:
    """Return all that a run has logged in training: columns ``step``, ``name`` and ``value``.

    Args:
        run: its folder, or one of its folders ``VERB-step=N`` with what ``validate``, ``test`` and
            ``predict`` logged.

    Raises:
        UserError: nothing is logged there, or pandas is not installed.
    """
    pandas = _pandas()
    points = _logged_values(Path(run))
    if not points:
        raise UserError(
            f"there are no records in {str(run)!r}; must be the folder of a run whose logger "
            "writes files (TensorBoard's or the CSV logger)"
        )
    return pandas.DataFrame(points, columns=["step", "name", "value"])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise UserError(
            "a table of runs needs the package pandas, which is not installed; install it with pip "
            "install pandas"
        ) from error
    return pandas


def _sort_key(run: Path) -> tuple[Any, ...]:
    """Return the sort key of a run, in which version numbers count as numbers."""
    number = run.name.removeprefix("version_")
    return (*run.parts[:-1], int(number) if number.isdecimal() else -1, run.name)


def _arguments(run: Path) -> dict[str, Any]:
    """Return the plain arguments of the config that the run was last started with."""
    config = yaml.safe_load(latest_config(str(run)).read_text())
    arguments = {key: config[key] for key in _SECTIONS if key in config}
    for key in ("callbacks", "logger", "plugins", "profiler"):
        arguments.get("trainer", {}).pop(key, None)
    return _flat(arguments)


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


def _logged_values(run: Path) -> list[LoggedValue]:
    """Return the logged values by step; the later value of a step that was logged twice."""
    values: dict[tuple[int, str], float] = {}
    for step, name, value in (*_single_values(run), *_event_values(run), *_csv_values(run)):
        values[step, name] = value
    return [(step, name, value) for (step, name), value in sorted(values.items())]


def _event_values(run: Path) -> Iterable[LoggedValue]:
    """Yield the scalars of all event files of a run, a resumed run's later ones last."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for file in sorted(run.glob("events.out.tfevents.*"), key=lambda file: file.stat().st_mtime):
        events = EventAccumulator(str(file), size_guidance={"scalars": 0})
        events.Reload()
        for name in events.Tags()["scalars"]:
            yield from ((e.step, name, e.value) for e in events.Scalars(name))


def _single_values(run: Path) -> Iterable[LoggedValue]:
    """Yield metrics with a single value so far, of which ``RunLogger`` makes no chart."""
    file = run / VALUES
    if file.is_file():
        values = json.loads(file.read_text())["values"]
        yield from ((int(v["step"]), name, float(v["value"])) for name, v in values.items())


def _csv_values(run: Path) -> Iterable[LoggedValue]:
    """Yield what Lightning's CSV logger wrote."""
    file = run / "metrics.csv"
    if not file.is_file():
        return
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            step = int(float(row.pop("step")))
            row.pop("epoch", None)
            yield from ((step, name, float(value)) for name, value in row.items() if value)
