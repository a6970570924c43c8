"""``Board``: TensorBoard laid out so that a run is read at a glance."""

from __future__ import annotations

import inspect
import re
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from typing_extensions import override

from lit_research.figures import add_text

THROUGHPUT = {
    "tokens per second": ["throughput/tokens_per_s"],
    "share of the matmul rate": ["throughput/mfu"],
}
# Where a run keeps its files says nothing about what it does.
HIDDEN = {"cache_dir", "num_workers"}


class RunLogger(TensorBoardLogger):
    """Lightning's logger without the ``epoch`` chart."""

    @override
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        super().log_metrics({k: v for k, v in metrics.items() if k != "epoch"}, step)


class Board(Callback):
    """Lay out CUSTOM SCALARS, explain them under TEXT, and write HPARAMS at the end of a run.

    The module says what decides: ``decisive_curves``, titles of charts with the metrics of each,
    and ``reading``, two sentences. HPARAMS has the arguments that are not the defaults, and as
    metrics the last values of the decisive curves.
    """

    @override
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        curves = getattr(pl_module, "decisive_curves", {})
        if not curves:
            return
        layout = {
            type(pl_module).__name__: charts(curves),
            "Throughput": charts(THROUGHPUT),
        }
        for logger in trainer.loggers:
            if trainer.is_global_zero and isinstance(logger, TensorBoardLogger):
                logger.experiment.add_custom_scalars(layout)
        add_text(trainer, "about", pl_module.reading)  # type: ignore[arg-type]

    @override
    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        from torch.utils.tensorboard.summary import hparams

        if not trainer.is_global_zero:
            return
        values = not_default(pl_module)
        data = getattr(trainer, "datamodule", None)
        values |= {f"data/{k}": v for k, v in not_default(data).items()}
        logged = trainer.callback_metrics
        curves = getattr(pl_module, "decisive_curves", {}).values()
        metrics = {name: float(logged[name]) for c in curves for name in c if name in logged}
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                for summary in hparams(values, metrics):
                    logger.experiment._get_file_writer().add_summary(summary)
                logger.save()
            else:
                logger.log_hyperparams(values)


def charts(curves: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Return charts of metrics by title as TensorBoard takes them, whose tags are patterns."""
    return {
        title: ["Multiline", [f"^{re.escape(name)}$" for name in names]]
        for title, names in curves.items()
    }


def not_default(part: Any) -> dict[str, Any]:
    """Return the plain arguments of a module or data module that are not its defaults."""
    defaults: dict[str, Any] = {}
    for kind in reversed(type(part).__mro__):
        parameters = inspect.signature(kind).parameters.values()
        defaults |= {p.name: p.default for p in parameters}
    given = getattr(part, "hparams", {}).items()
    kept = {k: v for k, v in given if k not in defaults or v != defaults[k]}
    return {k: v for k, v in _flat(kept).items() if isinstance(v, (bool, int, float, str))}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if str(key).startswith("_") or key in HIDDEN:
            continue
        # An object of a config is its class and its arguments: one level less to read.
        name = prefix.rstrip("/") if key in ("class_path", "init_args") else f"{prefix}{key}"
        if isinstance(value, dict):
            found |= _flat(value, f"{name}/")
        else:
            found[name] = str(value) if isinstance(value, (list, tuple)) else value
    return found
