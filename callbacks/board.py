"""``Board``: a TensorBoard layout that shows a run at a glance."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import typing
from contextlib import suppress
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from typing_extensions import override

from lit_research.callbacks.run_logger import RunLogger
from lit_research.callbacks.throughput import PARAMETERS

THROUGHPUT = {
    "tokens per second": ["throughput/tokens_per_s"],
    "share of the matmul rate": ["throughput/mfu"],
}
# Where a run keeps its files does not affect its results.
HIDDEN = {"cache_dir", "num_workers", "output", "points_file"}


class Board(Callback):
    """Lay out CUSTOM SCALARS, explain them under TEXT, and write HPARAMS at the end of a run.

    The module defines what matters: ``decisive_curves``, titles of charts with the metrics of each,
    and ``reading``, two sentences that explain them. HPARAMS has the arguments that differ from the
    defaults, the number of parameters and, as metrics, the decisive curves. (``RunLogger`` makes no
    chart of a single point, so its value is a column next to the arguments.)
    """

    @override
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        curves = getattr(pl_module, "decisive_curves", {})
        if not curves or not trainer.is_global_zero:
            return
        layout = {
            type(pl_module).__name__: charts(curves),
            "Throughput": charts(THROUGHPUT),
        }
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_custom_scalars(layout)
                logger.experiment.add_text("about", pl_module.reading, trainer.global_step)

    @override
    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        from torch.utils.tensorboard.summary import hparams

        if not trainer.is_global_zero:
            return
        values = not_default(pl_module)
        data = getattr(trainer, "datamodule", None)
        values |= {f"data/{k}": v for k, v in not_default(data).items()}
        logged = trainer.callback_metrics
        if PARAMETERS in logged:
            values[PARAMETERS] = int(logged[PARAMETERS])
        curves = getattr(pl_module, "decisive_curves", {}).values()
        metrics = {name: float(logged[name]) for c in curves for name in c if name in logged}
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                single_values = logger.singles.latest if isinstance(logger, RunLogger) else {}
                columns = values | {k: v for k, v in metrics.items() if k in single_values}
                curve_values = {k: v for k, v in metrics.items() if k not in single_values}
                for summary in hparams(columns, curve_values):
                    logger.experiment._get_file_writer().add_summary(summary)
                logger.save()


def charts(curves: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Return charts of metrics by title in TensorBoard's format, in which tags are patterns."""
    return {
        title: ["Multiline", [f"^{re.escape(name)}$" for name in names]]
        for title, names in curves.items()
    }


def not_default(module: Any) -> dict[str, Any]:
    """Return the plain arguments of a module or data module that differ from its defaults."""
    arguments = _flat(type(module), getattr(module, "hparams", {}))
    return {k: v for k, v in arguments.items() if isinstance(v, (bool, int, float, str))}


def _flat(target: Any, arguments: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten the arguments of a class or function, without those equal to its defaults."""
    flat: dict[str, Any] = {}
    defaults, groups = _signature(target)
    for key, value in arguments.items():
        name = f"{prefix}{key}"
        if str(key).startswith("_") or key in HIDDEN:
            continue
        if key in defaults and value == defaults[key]:
            continue
        if isinstance(value, dict) and "class_path" in value:
            # An object of a config is its class and its arguments: one level less to read.
            flat[name] = str(value["class_path"]).rsplit(".", 1)[-1]
            made_by = _import_object(str(value["class_path"]))
            flat |= _flat(made_by, value.get("init_args") or {}, f"{name}/")
        elif isinstance(value, dict):
            flat |= _flat(groups.get(key), value, f"{name}/")
        else:
            flat[name] = str(value) if isinstance(value, (list, tuple)) else value
    return flat


def _signature(target: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the defaults of a class's arguments, and the dataclasses of those that are one."""
    defaults: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    for base in reversed(target.__mro__) if inspect.isclass(target) else ():
        with suppress(TypeError, ValueError):  # builtins have no signature
            parameters = inspect.signature(base).parameters.values()
            defaults |= {p.name: _plain(p.default) for p in parameters}
        with suppress(TypeError, NameError):  # names that only type checkers import
            for name, hint in typing.get_type_hints(vars(base).get("__init__")).items():
                dataclass_types = [
                    k for k in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(k)
                ]
                groups |= {name: dataclass_types[0]} if dataclass_types else {}
    return defaults, groups


def _plain(default: Any) -> Any:
    """Return a default as it appears in a config."""
    return list(default) if isinstance(default, tuple) else default


def _import_object(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None) if module else None
    except ImportError:
        return None
