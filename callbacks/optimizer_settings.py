"""The optimizer settings of a config, kept while a checkpoint restores the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.utilities import rank_zero_info
from torch.optim.lr_scheduler import LambdaLR


@dataclass
class OptimizerSettings:
    """Settings of the optimizers as the config gives them.

    Loading the state of an optimizer or schedule also loads the settings that it was saved with; a
    changed config would then have one learning rate while the run uses another.

    Args:
        groups: settings of each optimizer and parameter group, without the parameters.
        base_lrs: peak learning rates of the groups, for each schedule.
    """

    groups: list[list[dict[str, Any]]]
    base_lrs: list[list[float]]

    @classmethod
    def of(cls, trainer: pl.Trainer) -> OptimizerSettings:
        """Read the settings of a trainer's optimizers."""
        groups = [
            [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
            for optimizer in trainer.optimizers
        ]
        schedules = [config.scheduler for config in trainer.lr_scheduler_configs]
        return cls(groups, [list(getattr(schedule, "base_lrs", [])) for schedule in schedules])

    def apply(self, trainer: pl.Trainer, *, changed: bool) -> None:
        """Make a resumed run use the schedule of its config, and report jumps of the learning rate.

        Args:
            trainer: of the run, whose optimizers are restored.
            changed: whether the config may differ from the checkpoint's; if so, its optimizer
                settings are used.
        """
        before = _rates(trainer)
        if changed:
            for optimizer, saved in zip(trainer.optimizers, self.groups, strict=True):
                scheduled = any(c.scheduler.optimizer is optimizer for c in _lambdas(trainer))
                for group, settings in zip(optimizer.param_groups, saved, strict=True):
                    kept = ("lr",) if scheduled else ()
                    group.update({k: v for k, v in settings.items() if k not in kept})
            for config, base in zip(trainer.lr_scheduler_configs, self.base_lrs, strict=True):
                if base:
                    config.scheduler.base_lrs = list(base)
        for config in _lambdas(trainer):
            schedule = config.scheduler
            rates = [b * f(schedule.last_epoch) for b, f in _pairs(schedule)]
            for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
            schedule._last_lr = rates
        after = _rates(trainer)
        if before != after:
            rank_zero_info(
                f"The learning rate continues at {_show(after)}, where the checkpoint had "
                f"{_show(before)}: the optimizer's settings, the schedule or the number of steps "
                f"have changed, and the schedule is that of a run of this config at step "
                f"{trainer.global_step}."
            )


def _lambdas(trainer: pl.Trainer) -> list[Any]:
    """Return the schedules that are a function of the step."""
    return [c for c in trainer.lr_scheduler_configs if isinstance(c.scheduler, LambdaLR)]


def _pairs(schedule: LambdaLR) -> Any:
    return zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)


def _rates(trainer: pl.Trainer) -> list[float]:
    return [float(g["lr"]) for optimizer in trainer.optimizers for g in optimizer.param_groups]


def _show(rates: list[float]) -> str:
    return ", ".join(f"{rate:.3g}" for rate in dict.fromkeys(rates)) or "none"
