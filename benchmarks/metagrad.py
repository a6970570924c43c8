"""Gradients through a whole training run: against plain training, one big graph, and peers.

    python -m benchmarks.metagrad               # some ten minutes; tables and a JSON line
    python -m benchmarks.metagrad --compiled    # compiled steps as well, once their code is built

All rivals train the same GPT-2 on the same batches with AdamW and return the derivative of the norm
of its output head with respect to the weight of every example. No time counts whose derivatives
are not equal: all are compared before the first, and those of every timed call after it. Time is
that of the process on its one thread.

Peers (``metagrad_peers.py``) are called in process, with the same numbers of AdamW (torchopt's has
``eps_root`` too), and are left out where they are not installed.

A plain step is 3 units, forward 1 and backward 2, and differentiating it once more about 6: one
graph is 3 times plain training, stored states 4 times, one more pass over the steps 5 times.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from benchmarks.metagrad_peers import with_bergson, with_bergson_in_memory, with_torchopt
from benchmarks.metagrad_problem import (
    BATCH,
    BETAS,
    LENGTH,
    LR,
    SIZES,
    build,
    metric,
    problem,
)
from benchmarks.pairing import interleave, own_peak_mib, peak_mib_of, publish, ratios
from lit_research.metagrad import Layout, Training, metagradient, train
from lit_research.metagrad.layout import Call
from lit_research.metagrad.steps import Steps

ROUNDS = {8: 7, 32: 5, 128: 3}  # steps: rounds, of which long ones need fewer
MEMORY_STEPS = (8, 48, 128)
COMPILED_AT = (32, 48)  # steps at which compiled ones are timed, and their memory measured
EQUAL = 1e-4  # of the derivatives' norm, in fp32


def nothing(training: Training) -> None:
    """Do nothing: an idle process."""


def plain(training: Training) -> None:
    """Train with our steps, and keep nothing."""
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
    layout, call = Layout.of(training.model), Call(training.model)
    theta = layout.read(training.model).requires_grad_()
    state = training.optimizer.init(theta)
    weights = torch.ones(len(training.batches), BATCH, requires_grad=True)
    lr, decay = torch.tensor(LR), torch.tensor(0.0)
    for step, batch in enumerate(training.batches):
        losses = call.at(layout.names, layout.split(theta), training.losses, batch)
        loss = (weights[step] * losses).mean()
        [gradient] = torch.autograd.grad(loss, theta, create_graph=True)
        theta, state = training.optimizer.update(
            theta, gradient, state, step=step, lr=lr, weight_decay=decay, layout=layout
        )
    phi = call.at(layout.names, layout.split(theta), metric)
    return torch.autograd.grad(phi, weights)[0]


@dataclass(frozen=True)
class Rival:
    """One way to the derivatives.

    Args:
        run: trains, and returns the derivatives if it finds them.
        save: the schedule of our training.
        up_to: no more steps than this, which would take gigabytes or minutes.
        package: what it needs installed; None is ours.
        compiled: with compiled steps, only at ``COMPILED_AT``.
    """

    run: Callable[[Training], Tensor | None]
    save: str = "all"
    up_to: int = 128
    package: str | None = None
    compiled: bool = False

    def training(self, steps: int) -> Training:
        """Return what it is given."""
        return problem(steps, self.save, self.compiled)


PLAIN, GRAPH, SQRT = "plain training", "one graph", "ours, sqrt"
RIVALS = {
    PLAIN: Rival(plain),
    "plain, torch's fused AdamW": Rival(fused, up_to=48),
    "ours, all": Rival(ours),
    SQRT: Rival(ours, "sqrt"),
    "ours, budget of sqrt": Rival(ours, "budget"),
    "ours, tree": Rival(ours, "tree"),
    "ours, all, compiled": Rival(ours, compiled=True),
    GRAPH: Rival(unrolled, up_to=48),
    "torchopt, one graph": Rival(with_torchopt, up_to=48, package="torchopt"),
    "bergson, all": Rival(partial(with_bergson, "all"), up_to=8, package="bergson"),
    "bergson, sqrt": Rival(partial(with_bergson, "sqrt"), package="bergson"),
    "bergson, all in memory": Rival(with_bergson_in_memory, package="bergson"),
}


def rivals(steps: int, *, compiled: bool = False) -> dict[str, Rival]:
    """Return the rivals at a number of steps."""
    return {
        name: rival
        for name, rival in RIVALS.items()
        if steps <= rival.up_to
        and (rival.package is None or importlib.util.find_spec(rival.package))
        and (not rival.compiled or (compiled and steps in COMPILED_AT))
    }


class Timed:
    """Times rivals at a number of steps, and refuses unequal work.

    Args:
        steps: T.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.expected: Tensor | None = None
        self.worst: dict[str, float] = {}

    def __call__(self, name: str) -> float:
        """Return the process's seconds of one call."""
        rival = RIVALS[name]
        training = rival.training(self.steps)
        start = time.process_time()
        found = rival.run(training)
        seconds = time.process_time() - start
        if found is not None:
            expected = self.expected = found if self.expected is None else self.expected
            off = float((found - expected).norm() / expected.norm())
            assert off < EQUAL, f"{name} has other derivatives: off by {off:.1e}"
            self.worst[name] = max(off, self.worst.get(name, 0.0))
        return seconds


def compare(steps: int, rounds: int, names: list[str]) -> list[dict[str, Any]]:
    """Time rivals at a number of steps, in turn."""
    timed = Timed(steps)
    calls: dict[str, Callable[[], float]] = {name: partial(timed, name) for name in names}
    numbers = interleave(calls, rounds)
    rows = []
    for name, values in numbers.items():
        row, *_ = ratios({PLAIN: numbers[PLAIN], name: values}, name)
        ms = 1e3 * median(values) / steps
        rows.append(
            {**row, "name": name, "steps": steps, "rounds": rounds, "ms": ms}
            | {"off_by": timed.worst.get(name)}
        )
    return rows


def beyond_idle(compiled: bool) -> dict[int, dict[str, float]]:
    """Return the peak of each rival alone, beyond a process that imports the same, in MiB."""

    def peak(name: str, steps: int, package: str | None) -> float:
        return peak_mib_of("benchmarks.metagrad", "--alone", name, str(steps), package or "-")

    jobs = [
        (name, steps, rival.package)
        for steps in MEMORY_STEPS
        for name, rival in rivals(steps, compiled=compiled).items()
    ]
    packages = {package for _, _, package in jobs}
    with ThreadPoolExecutor(2) as pool:
        idle = {p: pool.submit(peak, "nothing", max(MEMORY_STEPS), p) for p in packages}
        peaks = [pool.submit(peak, *job) for job in jobs]
    found: dict[int, dict[str, float]] = {steps: {} for steps in MEMORY_STEPS}
    for (name, steps, package), future in zip(jobs, peaks, strict=True):
        before = 0.0 if RIVALS[name].compiled else idle[package].result()
        found[steps][name] = future.result() - before
    return found


def alone(name: str, steps: int, package: str) -> None:
    """Run one rival, and print the peak of this process.

    With compiled steps the first run compiles: print what a second takes beyond what it leaves.
    """
    if package == "bergson":
        importlib.import_module("bergson.magic.trainer")
    elif package == "torchopt":
        importlib.import_module("torchopt")
    rival = RIVALS.get(name, Rival(nothing))
    rival.run(rival.training(steps))
    if not rival.compiled:
        print(own_peak_mib())
        return
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what there is now
    before = own_peak_mib()
    rival.run(rival.training(steps))
    print(own_peak_mib() - before)


def targets(
    rows: list[dict[str, Any]], mib: dict[int, dict[str, float]]
) -> list[tuple[str, str, bool]]:
    """Return what was aimed at, what was measured, and whether that is enough."""
    ratio = {(r["name"], r["steps"]): r["ratio"] for r in rows}
    few, middle, many = MEMORY_STEPS
    found = []
    for name, bound in (("ours, all", 4.0), (SQRT, 5.0)):
        measured = [ratio[name, steps] for steps in ROUNDS]
        text = ", ".join(f"{x:.2f}" for x in measured)
        found.append((f"{name}: at most {bound} of plain", text, max(measured) <= bound))
    beyond = {n: mib[middle][n] - mib[middle][PLAIN] for n in (SQRT, GRAPH)}
    share = beyond[SQRT] / beyond[GRAPH]
    aim = f"{SQRT}: memory beyond plain, at {middle} steps, at most 0.1 of one graph's"
    found.append((aim, f"{share:.3f}", share <= 0.1))
    growth = (mib[many][SQRT] - mib[many][PLAIN]) / (mib[few][SQRT] - mib[few][PLAIN])
    root = (many / few) ** 0.5
    aim = f"{SQRT}: memory beyond plain grows from {few} to {many} steps at most as sqrt(T), {root}"
    found.append((aim, f"{growth:.2f}", growth <= root))
    for name, rival in rivals(few).items():
        if rival.package is None:
            continue
        for steps in (s for s in ROUNDS if s <= rival.up_to):
            # The fastest of ours that need no more memory, at as many steps if that was measured.
            peaks = mib[steps if name in mib.get(steps, {}) else middle]
            fit = [
                (ratio[n, steps], n)
                for n, x in peaks.items()
                if n.startswith("ours") and x <= peaks[name] and (n, steps) in ratio
            ]
            aim = f"faster than {name} in no more memory, {steps} steps"
            if not fit:
                found.append((aim, "none of ours fits", False))
                continue
            speed = min(fit)[0] / ratio[name, steps]
            found.append((aim, f"{min(fit)[1]}: {speed:.2f} of its time", speed < 1))
    return found


def table(
    rows: list[dict[str, Any]],
    mib: dict[int, dict[str, float]],
    aims: list[tuple[str, str, bool]],
) -> str:
    """Return all as Markdown."""
    lines = ["| steps | rival | CPU ms a step | of plain [quartiles] |", "|--:|---|--:|--:|"]
    for r in rows:
        low, high = r["quartiles"]
        lines.append(
            f"| {r['steps']} | {r['name']} | {r['ms']:.1f} | {r['ratio']:.2f} [{low:.2f}, "
            f"{high:.2f}] |"
        )
    heads = " | ".join(f"{steps} steps" for steps in mib)
    lines += ["", f"| MiB beyond idle, alone | {heads} |", "|---|" + "--:|" * len(mib)]
    for name in (n for n in RIVALS if any(n in found for found in mib.values())):
        cells = [f"{found[name]:.0f}" if name in found else "-" for found in mib.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "| target | measured | met |", "|---|---|---|"]
    lines += [f"| {aim} | {text} | {'yes' if met else 'no'} |" for aim, text, met in aims]
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark, or one rival alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--alone", nargs=3, metavar=("RIVAL", "STEPS", "PACKAGE"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.alone:
        name, steps, package = options.alone
        alone(name, int(steps), package)
        return
    packages = sorted({r.package for r in RIVALS.values() if r.package})
    installed = [p for p in packages if importlib.util.find_spec(p)]
    for package in packages:
        if package not in installed:
            print(f"{package} is not installed and is left out: see benchmarks/README.md")
    check = Timed(min(ROUNDS))
    for name in rivals(min(ROUNDS)):  # before anything is timed; all are warm then
        check(name)
    mib = beyond_idle(options.compiled)
    rows = []
    for steps, rounds in ROUNDS.items():
        names = list(rivals(steps, compiled=options.compiled))
        for name in names:
            if RIVALS[name].compiled:
                RIVALS[name].run(RIVALS[name].training(steps))  # builds its code
        rows += compare(steps, rounds, names)
    aims = targets(rows, mib)
    versions = ", ".join(f"{p} {version(p)}" for p in ("torch", *installed))
    counts = ", ".join(f"{rounds} ({steps} steps)" for steps, rounds in ROUNDS.items())
    text = (
        f"{table(rows, mib, aims)}\n\nGPT-2 of width {SIZES['n_embd']}, {SIZES['n_layer']} blocks, "
        f"batch {BATCH} x {LENGTH}, one thread, fp32; {versions}, CPU; load average "
        f"{os.getloadavg()[0]:.1f}; medians of rounds: {counts}. Derivatives differ by at most "
        f"{max(r['off_by'] or 0.0 for r in rows):.0e} of their norm."
    )
    print(text)
    publish(
        "metagrad",
        work="training, and the derivative of a metric by every example's weight",
        equal=f"derivatives of every call within {EQUAL} of their norm (fp32)",
        rows=rows,
        table=text,
        peers={p: version(p) for p in installed},
        mib_beyond_idle=mib,
        targets=[{"target": aim, "measured": text, "met": met} for aim, text, met in aims],
    )


if __name__ == "__main__":
    command()
