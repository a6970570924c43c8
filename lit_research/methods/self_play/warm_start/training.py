"""The training of the warm start, the first step of a run; both players start with its weights."""

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
from lit_research.methods.self_play.warm_start.examples import prompts_and_answers
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
    """Search for proofs, train the Solver on proofs and lemmas, and copy it to the Conjecturer.

    Args:
        game: whose players are trained and whose verifier serves the search.
        settings: of the search and of the training.
        theorems: easy statements that are not targets.
        make_optimizer: makes the optimiser of the Solver.
        log: called with the number of every tenth step and its loss in nats per token.

    Raises:
        UserError: there are no statements, or none of them was proved.
    """
    if not theorems:
        raise UserError(
            "warm_start is set but the data have no statements for it, in model.init_args of "
            "SelfPlay; must be null for a model that can already write proofs, or "
            "data.init_args.warm above 0"
        )
    # Only one process searches, since another might find other proofs.
    texts = (
        prompts_and_answers(list(theorems), settings, game.form, game.verifier, game.seed)
        if game.worker.rank == 0
        else []
    )
    samples = encode_examples(game, game.worker.broadcast(texts))
    _train(game, samples, settings, make_optimizer, log)
    game.players.copy_solver_to_conjecturer()


def encode_examples(game: Game, texts: Sequence[tuple[str, str]]) -> list[Sample]:
    """Return prompts and answers as samples of token ids."""
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
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, _warmup_and_decay(steps))
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    scheduler.base_lrs = [settings.lr] * len(optimizer.param_groups)

    def after_step(step: int, loss: torch.Tensor) -> None:
        scheduler.step()
        if step % max(1, steps // 10) == 0:
            rank_zero_info(f"warm start: step {step} of {steps}, loss {loss:.3f} nats per token")
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


def _warmup_and_decay(steps: int) -> Callable[[int], float]:
    warmup = max(1, steps // 10)
    return lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup), 1.0)
