"""What a run shows in TensorBoard: the decisive curves, how to read them, and each step.

Legend: N texts of all processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lightning.pytorch.loggers import TensorBoardLogger

from lit_research.figures import add_picture, add_text, code_block
from lit_research.lm.engines import Completion
from lit_research.methods.dpg.attributor import Rewards
from lit_research.methods.dpg.policy import Policy
from lit_research.metrics import gather_objects

if TYPE_CHECKING:
    from lit_research.methods.dpg.metrics import TargetMetric

DECISIVE_CURVES = {
    "metric of a freshly trained target (Phi)": ["val/phi"],
    "metric of the target in training (Phi)": ["train/phi"],
    "standard deviation of the rewards (of Phi)": ["train/reward_std"],
}
READING = (
    "CUSTOM SCALARS shows the metric of a target trained on fresh texts, which should rise "
    "with the steps. Where train/phi rises and val/phi does not, the texts fit one target."
)


def decisive_curves(metric: TargetMetric) -> dict[str, list[str]]:
    """Return the decisive curves, with those that the metric reports."""
    reported = {title: [f"train/{name}", f"val/{name}"] for name, title in metric.reports.items()}
    return {**DECISIVE_CURVES, **reported}


def log_step(
    module: Policy,
    rewards: Rewards,
    texts: Sequence[str],
    completions: Sequence[Completion],
) -> None:
    """Log the effect of a step's texts on the target; on logged steps also rewards and a picture.

    Args:
        module: the module that generated the texts.
        rewards: rewards of the texts.
        texts: the N texts.
        completions: the completions of this process.
    """
    numbers = [module.numbers(run) for run in rewards.runs]
    values = {name: sum(of_run[name] for of_run in numbers) / len(numbers) for name in numbers[0]}
    for name, value in {"phi": rewards.phi, **values}.items():
        module.log(f"train/{name}", value, prog_bar=name != "phi", batch_size=1)
    if not module.is_logged_step:
        return
    by_rank = gather_objects([float(len(c.token_ids)) for c in completions])
    lengths = [length for of_rank in by_rank for length in of_rank]
    spread = float(rewards.tau.double().std()) if rewards.tau.numel() > 1 else 0.0
    module.log("train/reward_std", spread, batch_size=1)
    module.log("train/length_tokens", sum(lengths) / len(lengths), batch_size=1)
    _show(module, rewards, texts)


def _show(module: Policy, rewards: Rewards, texts: Sequence[str]) -> None:
    for logger in module.loggers:
        if isinstance(logger, TensorBoardLogger) and module.trainer.is_global_zero:
            tau = rewards.tau.detach().cpu().flatten()
            logger.experiment.add_histogram("train/reward", tau, module.global_step)
    with module.trained(rewards.runs[0]) as target:
        add_picture(module.trainer, "train/target", module.metric.picture(target))
    best = int(rewards.tau.flatten().argmax())
    add_text(module.trainer, "train/best_text", code_block(texts[best]))
