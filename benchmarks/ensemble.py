"""Five members trained in one pass, in turn over one stack, and as five models in a plain loop.

    python -m benchmarks.ensemble            # four widths, 7 rounds, a table and a JSON line

All train the same members from the same weights on the same batches with fused AdamW and a clipped
gradient norm of each member. Losses are compared first. ``Ensemble`` chooses by the widths at which
one pass was the faster here (``VECTORISED_UP_TO`` in ``methods/ensemble/members.py``).
"""

from __future__ import annotations

import argparse
import copy
import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.pairing import interleave, own_peak_mib, peak_mib_of, publish, ratios
from lit_research.lm import build_lm, next_token_loss, run_lm
from lit_research.methods.ensemble.members import (
    as_member,
    build_stacked,
    clip_members,
    losses_in_turn,
    losses_vectorised,
)
from lit_research.methods.pretrain import decay_mask, param_groups

MEMBERS, BATCH, LENGTH, VOCABULARY, WARMUP = 5, 8, 64, 257, 2
WIDTHS = {16: 60, 32: 50, 64: 30, 128: 12}  # width: timed steps
ADAM = {"lr": 3e-3, "betas": (0.9, 0.95), "weight_decay": 1.0, "fused": True}
SEEDS = list(range(MEMBERS))


class Work:
    """The members' first weights and batches, and the losses to compare."""

    def __init__(self, width: int) -> None:
        self.width, self.steps = width, WARMUP + WIDTHS[width]
        config = {
            "model_type": "llama",
            "hidden_size": width,
            "intermediate_size": 3 * width,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": LENGTH,
        }
        self.build = partial(build_lm, config, vocab_size=VOCABULARY, attention="math")
        self.mask = decay_mask(self.build())
        self.stack = build_stacked(self.build, SEEDS).train()
        draw = torch.Generator().manual_seed(0)
        shape = (self.steps, MEMBERS, BATCH, LENGTH + 1)
        self.tokens = torch.randint(VOCABULARY, shape, generator=draw)
        self.losses: dict[str, list[float]] = {}

    def batch(self, step: int) -> dict[str, Tensor]:
        """Return the members' batches, ``[K, B, T]`` each."""
        tokens = self.tokens[step]
        return {"input_ids": tokens[..., :-1], "labels": tokens[..., 1:]}

    def optimizer(self, lm: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of one model, or of a stack."""
        return torch.optim.AdamW(param_groups(lm, self.mask), **ADAM)  # type: ignore[arg-type]

    def timed(self, name: str, step: Callable[[int], Tensor]) -> float:
        """Run all steps; return tokens per second of all members after the warm-up."""
        losses, started = [], 0.0
        for number in range(self.steps):
            if number == WARMUP:
                started = time.perf_counter()
            losses.append(step(number))
        seconds = time.perf_counter() - started
        self.losses[name] = [float(loss) for loss in losses]
        return WIDTHS[self.width] * MEMBERS * BATCH * LENGTH / seconds


def one_pass(work: Work) -> float:
    """Train the stack, all members in one pass."""
    return _stacked(work, "one pass", lambda lm, step: losses_vectorised(lm, work.batch(step)))


def in_turn(work: Work) -> float:
    """Train the stack, one member's graph at a time."""
    return _stacked(
        work,
        "in turn",
        lambda lm, step: losses_in_turn(lm, work.batch(step), step=step, seeds=SEEDS),
    )


def _stacked(work: Work, name: str, losses_of: Callable[[Any, int], Tensor]) -> float:
    lm = copy.deepcopy(work.stack)
    optimizer = work.optimizer(lm)

    def step(number: int) -> Tensor:
        losses = losses_of(lm, number)
        optimizer.zero_grad()
        losses.sum().backward()
        clip_members(list(lm.parameters()), 1.0)
        optimizer.step()
        return losses.detach().mean()

    return work.timed(name, step)


def plain_loop(work: Work) -> float:
    """Train five models, each with an optimiser of its own."""
    models = []
    for member in SEEDS:
        model = work.build().train()
        with as_member(work.stack, member) as lm:
            model.load_state_dict(lm.state_dict())
        models.append((model, work.optimizer(model)))

    def step(number: int) -> Tensor:
        batch, losses = work.batch(number), []
        for member, (model, optimizer) in enumerate(models):
            one = {key: value[member] for key, value in batch.items()}
            loss = next_token_loss(run_lm(model, one), one["labels"])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    return work.timed("plain loop", step)


RIVALS: dict[str, Callable[[Work], float]] = {
    "one pass": one_pass,
    "in turn": in_turn,
    "plain loop": plain_loop,
}


def compare(width: int, rounds: int) -> list[dict[str, Any]]:
    """Measure one width and return its rows; refuse to compare unequal work."""
    work = Work(width)
    for run in RIVALS.values():
        run(work)
    for name, losses in work.losses.items():
        pairs = zip(losses, work.losses["plain loop"], strict=True)
        worst = max(abs(a - b) for a, b in pairs)
        assert worst < 1e-3, f"{name} does other work: its loss is off by {worst}"
    numbers = interleave({name: partial(run, work) for name, run in RIVALS.items()}, rounds)
    rows = ratios(numbers, "plain loop")
    for row in rows:
        row["ratio"], row["quartiles"] = 1 / row["ratio"], [1 / q for q in row["quartiles"][::-1]]
        row |= {"width": width, "tokens_per_s": median(numbers[row["name"]])}
        row["peak_mib"] = peak_mib_of("benchmarks.ensemble", "--alone", row["name"], str(width))
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| width | way | tokens/s of all members | of the plain loop [quartiles] | peak MiB |",
        "|--:|---|--:|--:|--:|",
    ]
    for r in rows:
        low, high = r["quartiles"]
        lines.append(
            f"| {r['width']} | {r['name']} | {r['tokens_per_s']:.0f} | "
            f"{r['ratio']:.2f} [{low:.2f}, {high:.2f}] | {r['peak_mib']:.0f} |"
        )
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark, or one way alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--alone", nargs=2, metavar=("WAY", "WIDTH"))
    options = parser.parse_args()
    if options.alone:
        name, width = options.alone
        RIVALS[name](Work(int(width)))
        print(own_peak_mib())
        return
    rows = [row for width in WIDTHS for row in compare(width, options.rounds)]
    text = (
        f"{table(rows)}\n\n{MEMBERS} members of two layers, batch {BATCH} x {LENGTH} each; "
        f"{torch.get_num_threads()} threads; torch {torch.__version__}, CPU; load average "
        f"{os.getloadavg()[0]:.1f}; median of {options.rounds} rounds."
    )
    print(text)
    publish(
        "ensemble",
        work="tokens/s of training five members, same weights, batches and optimiser",
        equal="mean losses of all steps within 1e-3 of the plain loop's",
        rows=rows,
        table=text,
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    command()
