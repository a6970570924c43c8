"""The first step of a run: one model is trained on proofs and lemmas; both players start as it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.lean.corpus import Theorem
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.players import SOLVER
from lit_research.methods.self_play.problems import Sample
from lit_research.methods.self_play.updates import Update, make_batches, train_player
from lit_research.methods.self_play.warm_start.examples import lessons
from lit_research.methods.self_play.warm_start.settings import WarmStart

if TYPE_CHECKING:
    from lightning.pytorch.cli import OptimizerCallable


def warm_up(
    game: Game,
    settings: WarmStart,
    theorems: Sequence[Theorem],
    make_optimizer: OptimizerCallable,
    log: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Find proofs, train one model on proofs and lemmas, and let both players start as it.

    Args:
        game: whose players learn; its verifier judges what the search tries.
        settings: of the search and of the training.
        theorems: easy statements that are no targets.
        make_optimizer: of the model.
        log: called with every tenth step and its loss, in nats per token.

    Raises:
        UserError: there are no statements, or none of them was proved.
    """
    if not theorems:
        raise UserError(
            "warm_start is set, in model.init_args of SelfPlay, but the data has no statements for "
            "it: give data.init_args.warm, or leave warm_start out for a model that can write "
            "proofs"
        )
    # One process searches: another could find other proofs, and learn something else.
    texts = (
        lessons(list(theorems), settings, game.form, game.verifier, game.seed)
        if game.worker.rank == 0
        else []
    )
    samples = examples(game, game.worker.broadcast(texts))
    _train(game, samples, settings, make_optimizer, log)
    game.players.copy_solver_to_conjecturer()


def examples(game: Game, texts: Sequence[tuple[str, str]]) -> list[Sample]:
    """Return prompts with the answers that are to be learned, as tokens."""
    tokenizer = game.writer.tokenizer
    prompts = game.writer.encode([prompt for prompt, _ in texts])
    answers = tokenizer([answer for _, answer in texts], add_special_tokens=False, verbose=False)
    end = tokenizer.eos_token_id
    return [
        Sample(prompt, [*answer, end])
        for prompt, answer in zip(prompts, answers["input_ids"], strict=True)
    ]


def _train(
    game: Game,
    samples: list[Sample],
    settings: WarmStart,
    make_optimizer: OptimizerCallable,
    log: Callable[[int, float], None],
) -> None:
    update = Update(batch_size=settings.batch_size, epochs=settings.epochs)
    steps = len(make_batches(samples, update, game.seed))
    optimizer = make_optimizer(game.players.parameters_of(SOLVER))
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, _rise_and_fall(steps))
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    rates.base_lrs = [settings.lr] * len(optimizer.param_groups)

    def after_step(step: int, loss: torch.Tensor) -> None:
        rates.step()
        if step % max(1, steps // 10) == 0:
            rank_zero_info(f"warm start: step {step} of {steps}, loss {loss:.3f} nats a token")
        if step % 10 == 0:
            log(step, float(loss))

    train_player(
        game.players,
        SOLVER,
        samples,
        update,
        optimizer,
        seed=game.seed,
        worker=game.worker,
        after_step=after_step,
    )


def _rise_and_fall(steps: int) -> Callable[[int], float]:
    rise = max(1, steps // 10)
    return lambda step: min((step + 1) / rise, (steps - step) / max(1, steps - rise), 1.0)
