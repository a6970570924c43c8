"""``Throughput``: tokens seen, tokens per second, and MFU by the measured matmul rate."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from typing_extensions import override

from lit_research.callbacks.progress import RATE

TOKENS, FLOPS, PARAMETERS = "train/tokens", "train/flops", "model/parameters"


@cache
def matmul_peak_flops(device: str, dtype: torch.dtype) -> float:
    """Measure the matmul rate of a device in FLOPs per second: the best of a few, about 0.2 s."""
    size = 8192 if device == "cuda" else 1024
    # Random numbers, since a GPU multiplies constant ones faster; not the run's generator.
    draw = torch.Generator(device).manual_seed(0)
    a, b = torch.randn(2, size, size, device=device, generator=draw).to(dtype)
    best, deadline = float("inf"), time.perf_counter() + 0.2
    while time.perf_counter() < deadline or best == float("inf"):
        start = time.perf_counter()
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best


class Throughput(Callback):
    """Log ``train/tokens``, ``train/flops`` and ``throughput/{tokens_per_s,step_ms,mfu}``.

    ``model/parameters`` is logged once, at the end, so that ``RunLogger`` shows it as a single
    value and not as a chart: with it and the FLOPs, laws over several runs have their N, D and C.

    Rates are means over the steps since the last logged one, without validation and checkpoints.
    Nothing is measured, and no device synchronised, between logged steps. FLOPs per token are the
    module's ``flops_per_token`` (forward and backward), else 6 per trainable parameter.

    Args:
        measure_peak: measure the matmul rate at the start, for ``throughput/mfu``.
    """

    logs = ("train/tokens", "model/parameters", "train/flops")

    def __init__(self, measure_peak: bool = True) -> None:
        self.measure_peak = measure_peak
        self.tokens = 0
        self._peak = 0.0
        self._flops_per_token = self._parameters = 0.0
        self._reset()

    def _reset(self) -> None:
        self._since: float | None = None  # seconds
        self._steps = self._batch_tokens = 0

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"tokens": self.tokens}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.tokens = state_dict["tokens"]

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        parameters = sum(p.numel() for p in pl_module.parameters() if p.requires_grad)
        self._flops_per_token = float(getattr(pl_module, "flops_per_token", 6 * parameters))
        self._parameters = float(parameters)
        if self.measure_peak:
            half = "16" in str(trainer.precision)
            dtype = torch.bfloat16 if half else torch.float32
            self._peak = matmul_peak_flops(pl_module.device.type, dtype) * trainer.world_size
        self._reset()

    @override
    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._since is None:
            self._since = time.perf_counter()

    @override
    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if "input_ids" not in batch:  # a method whose steps read no tokens
            return
        tokens = batch["input_ids"].numel() * trainer.world_size
        self.tokens += tokens
        self._batch_tokens += tokens
        if trainer.fit_loop._should_accumulate():
            return
        self._steps += 1
        if trainer._logger_connector.should_update_logs:
            self._log(trainer, pl_module)

    def _log(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if module.device.type == "cuda":
            torch.cuda.synchronize()
        values = {TOKENS: float(self.tokens), FLOPS: self.tokens * self._flops_per_token}
        seconds = time.perf_counter() - self._since if self._since is not None else 0.0
        if self._steps and seconds > 0:
            rate = self._batch_tokens / seconds
            values["throughput/tokens_per_s"] = rate
            trainer.progress_bar_metrics[RATE] = rate
            values["throughput/step_ms"] = 1e3 * seconds / self._steps
            if self._peak:
                values["throughput/mfu"] = rate * self._flops_per_token / self._peak
        # Straight to the loggers: `module.log` costs 0.5 ms a value, a short step's whole time.
        for logger in trainer.loggers:
            logger.log_metrics(values, trainer.fit_loop.epoch_loop._batches_that_stepped)
        self._reset()
        self._since = time.perf_counter()  # not at the next batch, so that waiting for data counts

    @override
    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._reset()
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._show_tokens(trainer)

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._show_tokens(trainer)
        for logger in trainer.loggers:
            logger.log_metrics({PARAMETERS: self._parameters}, trainer.global_step)

    def _show_tokens(self, trainer: pl.Trainer) -> None:
        """Make the counts available to other callbacks, such as `ScalingLawFit`."""
        values = {
            TOKENS: float(self.tokens),
            FLOPS: self.tokens * self._flops_per_token,
            PARAMETERS: self._parameters,
        }
        trainer.callback_metrics.update({k: torch.tensor(v) for k, v in values.items()})

    @override
    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Tensor]
    ) -> None:
        self._reset()
