"""The first step of a run: one model is trained on proofs and lemmas; both players start as it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.methods.base import datamodule
from lit_research.methods.self_play.players import SOLVER
from lit_research.methods.self_play.problems import Sample
from lit_research.methods.self_play.updates import Update, make_batches, train_player
from lit_research.methods.self_play.warm_start.examples import lessons
from lit_research.methods.self_play.warm_start.proofs import Remembering
from lit_research.methods.self_play.warm_start.settings import WarmStart

if TYPE_CHECKING:
    from lit_research.methods.self_play.module import SelfPlay


def warm_up(module: SelfPlay, settings: WarmStart) -> None:
    """Find proofs, train one model on proofs and lemmas, and let both players start as it.

    Raises:
        UserError: the data module has no statements for it, or none of them was proved.
    """
    theorems = list(getattr(datamodule(module.trainer), "warm", []))
    if not theorems:
        raise UserError(
            "warm_start is set, in model.init_args of SelfPlay, but the data has no statements for "
            "it: give data.init_args.warm, or leave warm_start out for a model that can write "
            "proofs"
        )
    # One process searches: another could find other proofs, and learn something else. All open
    # their archives before that, since they tell each other where the run lies.
    trainer, lean = module.trainer, Remembering(module.lean, module.archive)
    texts = (
        lessons(theorems, settings, module.form, lean, module.hparams["seed"])
        if trainer.is_global_zero
        else []
    )
    _train(module, examples(module, trainer.strategy.broadcast(texts)), settings)
    module.players.copy_solver_to_conjecturer()
    known = [theorem.id for theorem in datamodule(trainer).targets]
    module.state.history.append([0, 0, module.state.share_solved(known)])


def examples(module: SelfPlay, texts: Sequence[tuple[str, str]]) -> list[Sample]:
    """Return prompts with the answers that are to be learned, as tokens."""
    tokenizer = datamodule(module.trainer).tokenizer
    prompts = module.table.writer.encode([prompt for prompt, _ in texts])
    answers = tokenizer([answer for _, answer in texts], add_special_tokens=False, verbose=False)
    end = tokenizer.eos_token_id
    return [
        Sample(prompt, [*answer, end])
        for prompt, answer in zip(prompts, answers["input_ids"], strict=True)
    ]


def _train(module: SelfPlay, samples: list[Sample], settings: WarmStart) -> None:
    update = Update(batch_size=settings.batch_size, epochs=settings.epochs)
    seed = module.hparams["seed"]
    steps = len(make_batches(samples, update, seed))
    optimizer = module.optimizer(module.players.parameters_of(SOLVER))
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, _rise_and_fall(steps))
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    rates.base_lrs = [settings.lr] * len(optimizer.param_groups)

    def after_step(step: int, loss: torch.Tensor) -> None:
        rates.step()
        if step % max(1, steps // 10) == 0:
            rank_zero_info(f"warm start: step {step} of {steps}, loss {loss:.3f} nats a token")
        if step % 10 == 0:
            for logger in module.trainer.loggers:
                logger.log_metrics({"warm_start/loss": float(loss)}, step)

    train_player(module, SOLVER, samples, update, optimizer, seed=seed, after_step=after_step)


def _rise_and_fall(steps: int) -> Callable[[int], float]:
    rise = max(1, steps // 10)
    return lambda step: min((step + 1) / rise, (steps - step) / max(1, steps - rise), 1.0)
