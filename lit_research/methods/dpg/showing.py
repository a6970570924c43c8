"""What a step of the generator logs and shows: the target's numbers, rewards, a picture, a text.

Legend: N texts of all processes.
"""

from __future__ import annotations

from collections.abc import Sequence

from lightning.pytorch.loggers import TensorBoardLogger

from lit_research.figures import add_picture, add_text, code_block
from lit_research.lm.engines import Completion
from lit_research.methods.dpg.inner import Rewards
from lit_research.methods.dpg.policy import Policy
from lit_research.metrics import gather_objects


def log_step(
    module: Policy,
    rewards: Rewards,
    texts: Sequence[str],
    completions: Sequence[Completion],
) -> None:
    """Log what a step's texts did to the target; show more of it where steps are logged.

    Args:
        module: that wrote.
        rewards: of the texts.
        texts: N of them.
        completions: those of this process.
    """
    numbers = [module.numbers(run) for run in rewards.runs]
    values = {k: sum(found[k] for found in numbers) / len(numbers) for k in numbers[0]}
    for name, value in {"phi": rewards.phi, **values}.items():
        module.log(f"train/{name}", value, prog_bar=name != "phi", batch_size=1)
    if not module.is_logged_step:
        return
    of_ranks = gather_objects([float(len(c.token_ids)) for c in completions])
    lengths = [length for of_rank in of_ranks for length in of_rank]
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
