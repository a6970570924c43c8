"""Gradients through a whole training run: against plain training, one big graph, and peers.

    python -m benchmarks.metagrad       # T of 8, 32, 128 steps; two tables and a JSON line

All rivals train the same GPT-2 on the same batches with AdamW and return the derivative of the norm
of its output head with respect to the weight of every example; the derivatives are compared first.
``torchopt`` unrolls its functional AdamW as its users do. ``bergson`` is its ``magic`` trainer,
whose states go through files of a temporary folder (in memory where there is one) as it always
writes them; it also computes the logits of a last position that has no label. Peers that are not
installed are left out. Time is that of the process on all its threads.

A plain step is 3 units, forward 1 and backward 2, and differentiating it once more about 6: one
graph is 3 times plain training, stored states 4 times, one more pass over the steps 5 times.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import os
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.pairing import interleave, own_peak_mib, peak_mib_of, publish, ratios
from lit_research.lm import build_lm
from lit_research.metagrad import AdamW, Layout, SequenceLosses, Training, metagradient, train
from lit_research.metagrad.layout import Call
from lit_research.metagrad.steps import Steps

BATCH, LENGTH, VOCABULARY = 8, 64, 256
SIZES = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": LENGTH + 1}
LR, BETAS, EPS, EPS_ROOT = 1e-3, (0.9, 0.95), 1e-8, 1e-9
STEPS = (8, 32, 128)
MEMORY_STEPS, COMPILED_AT = 48, 32
UNROLLED_UP_TO = 48  # steps: beyond it one graph takes gigabytes


def build() -> Any:
    """Build the model, the same at each call."""
    torch.manual_seed(0)
    config = {"model_type": "gpt2", "tie_word_embeddings": False, **SIZES}
    return build_lm(config, vocab_size=VOCABULARY, attention="math").eval()


def tokens(steps: int) -> Tensor:
    """Draw the examples ``[T, B, LENGTH + 1]``."""
    draw = torch.Generator().manual_seed(1)
    return torch.randint(VOCABULARY, (steps, BATCH, LENGTH + 1), generator=draw)


def metric(model: Any) -> Tensor:
    """Phi."""
    return -model.lm_head.weight.norm()


@cache
def model() -> Any:
    """Build the model that ours train, and leave as it is: what is compiled for it is kept."""
    return build()


def problem(steps: int, save: str) -> Training:
    """Return what is trained; ``compiled`` is ``all`` with compiled steps."""
    batches = [{"input_ids": x[:, :-1], "labels": x[:, 1:]} for x in tokens(steps)]
    optimizer = AdamW(LR, BETAS, EPS, EPS_ROOT)
    compiled = save == "compiled"
    save = "all" if compiled else save
    losses = SequenceLosses()
    return Training(model(), batches, losses, optimizer, save=save, compile=compiled)


def plain(training: Training) -> None:
    """Train, and keep nothing."""
    layout = Layout.of(training.model)
    steps, theta = Steps(training, layout, None), layout.read(training.model)
    state = training.optimizer.init(theta)
    for step in range(len(training.batches)):
        theta, state, _ = steps.forward(theta, state, step)


def fused(training: Training) -> None:
    """Train with torch's own AdamW."""
    own, losses = build(), training.losses
    optimizer = torch.optim.AdamW(
        own.parameters(), lr=LR, betas=BETAS, weight_decay=0.0, fused=True
    )
    for batch in training.batches:
        optimizer.zero_grad()
        losses(own, batch).mean().backward()
        optimizer.step()


def ours(training: Training) -> Tensor:
    """Return the derivatives ``[T, B]``."""
    return torch.stack(metagradient(train(training), metric).weights)


def unrolled(training: Training) -> Tensor:
    """Return the derivatives, through one graph of the whole training."""
    layout, call = Layout.of(training.model), Call(training.model, training.losses)
    theta = layout.read(training.model).requires_grad_()
    state = training.optimizer.init(theta)
    weights = torch.ones(len(training.batches), BATCH, requires_grad=True)
    lr, decay = torch.tensor(LR), torch.tensor(0.0)
    for step, batch in enumerate(training.batches):
        losses = call.at(layout.names, layout.parts(theta), batch)
        loss = (weights[step] * losses).mean()
        [gradient] = torch.autograd.grad(loss, theta, create_graph=True)
        theta, state = training.optimizer.update(
            theta, gradient, state, step=step, lr=lr, weight_decay=decay, layout=layout
        )
    phi = Call(training.model, metric).at(layout.names, layout.parts(theta))
    return torch.autograd.grad(phi, weights)[0]


def with_torchopt(training: Training) -> Tensor:
    """Return the derivatives by torchopt's functional AdamW, unrolled."""
    torchopt = importlib.import_module("torchopt")
    call = Call(training.model, training.losses)
    theta = {n: p.detach().requires_grad_() for n, p in training.model.named_parameters()}
    optimizer = torchopt.FuncOptimizer(
        torchopt.adamw(LR, betas=BETAS, eps=EPS, eps_root=EPS_ROOT, weight_decay=0.0)
    )
    weights = torch.ones(len(training.batches), BATCH, requires_grad=True)
    for step, batch in enumerate(training.batches):
        losses = call.at(list(theta), list(theta.values()), batch)
        theta = optimizer.step((weights[step] * losses).mean(), theta)
    phi = Call(training.model, metric).at(list(theta), list(theta.values()))
    return torch.autograd.grad(phi, weights)[0]


def with_bergson(save: str, training: Training) -> Tensor:
    """Return the derivatives by bergson's trainer, with its own batches and files."""
    trainer = importlib.import_module("bergson.magic.trainer")
    stream = importlib.import_module("bergson.magic.data_stream")
    loss = importlib.import_module("bergson.utils.math").weighted_causal_lm_ce
    torchopt = importlib.import_module("torchopt")
    datasets = importlib.import_module("datasets")
    steps = len(training.batches)
    rows = tokens(steps).flatten(0, 1).tolist()
    data = stream.DataStream(datasets.Dataset.from_dict({"input_ids": rows}), BATCH)
    own = build()
    own.loss_function = loss
    own.config.use_cache = False
    optimizer = torchopt.adamw(LR, betas=BETAS, eps=EPS, eps_root=EPS_ROOT, weight_decay=0.0)
    engine, state = trainer.Trainer.initialize(own, optimizer)
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        contextlib.redirect_stderr(io.StringIO()),
    ):
        state = engine.train(state, data, save_dir=folder, save_mode=save, inplace=True)
        head = state.params["lm_head.weight"].detach().requires_grad_()
        [at_end] = torch.autograd.grad(-head.norm(), head)
        grads = {n: torch.zeros_like(p) for n, p in state.params.items()}
        grads["lm_head.weight"] = at_end
        state.detach_()
        state.requires_grad = True
        others = state.differentiable_tensors()[len(grads) :]
        zeros = [torch.zeros_like(x) for x in others]
        start = trainer.BackwardState(grads, zeros, torch.zeros_like(data.weights))
        found = engine.backward(folder, data, start, state, inplace=True, save_mode=save)
    return found.weight_grads.view(steps, BATCH).detach()


PLAIN, COMPILED = "plain training", "ours, all states, compiled"
Rival = Callable[[Training], Any]


def rivals(steps: int) -> dict[str, tuple[str, Rival]]:
    """Return the rivals at a number of steps: the schedule of our training, and the call."""
    found: dict[str, tuple[str, Rival]] = {
        PLAIN: ("all", plain),
        "plain, torch's fused AdamW": ("all", fused),
        "ours, all states": ("all", ours),
        "ours, sqrt": ("sqrt", ours),
        "ours, tree": ("tree", ours),
    }
    if steps == COMPILED_AT:
        found[COMPILED] = ("compiled", ours)
    if steps <= UNROLLED_UP_TO:
        found["one graph"] = ("all", unrolled)
    if importlib.util.find_spec("torchopt") and steps <= UNROLLED_UP_TO:
        found["torchopt, one graph"] = ("all", with_torchopt)
    if importlib.util.find_spec("bergson"):
        found["bergson, all states"] = ("all", partial(with_bergson, "all"))
        found["bergson, sqrt"] = ("all", partial(with_bergson, "sqrt"))
    return found


def check(steps: int) -> None:
    """Refuse to compare rivals that disagree."""
    expected: Tensor | None = None
    for name, (save, run) in rivals(steps).items():
        found = run(problem(steps, save))
        if found is None:
            continue
        expected = found if expected is None else expected
        worst = float((found - expected).norm() / expected.norm())
        assert worst < 1e-3, f"{name} has other derivatives: off by {worst:.1e}"  # fp32


def cpu_seconds(run: Rival, training: Training) -> float:
    """Return the process's seconds of one call."""
    start = time.process_time()
    run(training)
    return time.process_time() - start


def compare(steps: int, rounds: int) -> list[dict[str, Any]]:
    """Time every rival at a number of steps, and measure its memory alone."""
    check(steps)
    calls: dict[str, Callable[[], float]] = {
        name: partial(cpu_seconds, run, problem(steps, save))
        for name, (save, run) in rivals(steps).items()
    }
    numbers = interleave(calls, rounds)
    rows = []
    for name, values in numbers.items():
        [row] = [
            r for r in ratios({name: values, PLAIN: numbers[PLAIN]}, name) if r["name"] == PLAIN
        ]
        rows.append({**row, "name": name, "steps": steps, "ms": 1e3 * median(values) / steps})
    return rows


def memory(steps: int) -> dict[str, float]:
    """Return the peak of each rival beyond an idle process, in MiB."""
    idle = peak_mib_of("benchmarks.metagrad", "--alone", "nothing", str(steps))
    return {
        name: peak_mib_of("benchmarks.metagrad", "--alone", name, str(steps)) - idle
        for name in rivals(steps)
        if name != COMPILED  # the compiler takes more than the work
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| steps | rival | CPU ms a step | of plain [quartiles] | MiB beyond idle |",
        "|--:|---|--:|--:|--:|",
    ]
    for r in rows:
        low, high = r["quartiles"]
        peak = "" if r["peak_mib"] is None else f"{r['peak_mib']:.0f}"
        lines.append(
            f"| {r['steps']} | {r['name']} | {r['ms']:.1f} | {r['ratio']:.2f} [{low:.2f}, "
            f"{high:.2f}] | {peak} |"
        )
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark, or one rival alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", nargs=2, metavar=("RIVAL", "STEPS"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.alone:
        name, steps = options.alone[0], int(options.alone[1])
        save, run = rivals(steps).get(name, ("all", lambda training: None))
        run(problem(steps, save))
        print(own_peak_mib())
        return
    rows = []
    for steps in STEPS:
        peaks = memory(steps)
        rows += [{**r, "peak_mib": peaks.get(r["name"])} for r in compare(steps, options.rounds)]
    at = memory(MEMORY_STEPS)
    beyond = {name: mib - at[PLAIN] for name, mib in at.items()}
    share = {name: mib / beyond["one graph"] for name, mib in beyond.items() if "ours" in name}
    shares = ", ".join(f"{name}: {mib:.3f}" for name, mib in share.items())
    text = (
        f"{table(rows)}\n\nGPT-2 of width {SIZES['n_embd']}, {SIZES['n_layer']} blocks, batch "
        f"{BATCH} x {LENGTH}, one thread; torch {torch.__version__}, CPU; load average "
        f"{os.getloadavg()[0]:.1f}; median of {options.rounds} rounds. At {MEMORY_STEPS} steps one "
        f"graph takes {beyond['one graph']:.0f} MiB beyond plain training; of that, {shares}."
    )
    print(text)
    publish(
        "metagrad",
        work="training, and the derivative of a metric by every example's weight",
        equal="derivatives within 1e-3 (fp32)",
        rows=rows,
        table=text,
        memory={"steps": MEMORY_STEPS, "mib": at, "share_of_one_graph": share},
    )


if __name__ == "__main__":
    command()
