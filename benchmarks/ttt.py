"""TTT-E2E: what a long context costs, reading and training.

    python -m benchmarks.ttt             # two tables and a JSON line, about eight minutes
    python -m benchmarks.ttt --reading   # the first alone

Reading: scoring a text with the inner loop on, against full attention of as many parameters, by
torch's fused kernel over the whole text at once and by its KV cache; then a stream of 128K tokens.
Training: a step through the inner loop, with each way to save memory, against (a) next-token
training of the same model and (b) the plain loop of autograd calls, without recomputation. Before
anything is timed, an inner loop with rate 0 must be the sliding-window model, a window as long as
the text must be full attention, and all ways to train must give one gradient.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.pairing import interleave, own_peak_mib, peak_mib_of, publish, ratios
from lit_research.lm import count_parameters
from lit_research.methods.ttt.attention import KeyValues
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.inner_loop import (
    InnerLoop,
    Recompute,
    chunk_losses,
    clipped,
    first_state,
    scan,
)
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from lit_research.methods.ttt.streaming import Stream

# Reading: the sizes of the prototype that the target was measured with.
READER = {
    "vocab_size": 257,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_suffix_layers": 1,
    "window": 256,
    "chunk": 256,
}
CONTEXTS = (512, 1024, 2048, 4096, 8192)
STREAM, PIECE, FULL_STREAM = 131072, 2048, 32768  # tokens
ROUNDS_OF_STREAMS = 31

# Training: a context of 4 chunks is as long as the window.
LEARNER = {**READER, "vocab_size": 512, "hidden_size": 128, "intermediate_size": 256, "chunk": 64}
BATCH, CHUNKS = 1, (4, 16, 64)
WAYS: tuple[Recompute, ...] = ("none", "chunk", "sqrt", "log")


def build(fields: dict[str, Any], **changes: Any) -> TTTE2EForCausalLM:
    """Build a model, the same at each call."""
    torch.manual_seed(0)
    return TTTE2EForCausalLM(TTTE2EConfig(**{**fields, **changes}))


def full_attention(fields: dict[str, Any]) -> TTTE2EForCausalLM:
    """Build full attention with the parameters of the prime MLP in the others."""
    layers = fields["num_hidden_layers"]
    hidden = fields["intermediate_size"] * (layers + fields["num_suffix_layers"]) // layers
    return build(fields, window=None, num_suffix_layers=0, intermediate_size=hidden)


def draw(batch: int, length: int, vocabulary: int) -> Tensor:
    """Draw random tokens ``[B, T]``."""
    return torch.randint(vocabulary, (batch, length), generator=torch.Generator().manual_seed(1))


def log_probs(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return the log-probabilities ``[B, T - 1]`` of the tokens after the first."""
    return -F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")


def seconds(work: Callable[[], Any]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def check_reading(lm: TTTE2EForCausalLM) -> None:
    """Refuse to compare unequal work."""
    tokens = draw(1, 1100, READER["vocab_size"])
    with torch.no_grad():
        window = log_probs(lm(tokens, inner_loop=False).logits, tokens)
        still = Stream(lm, 1, InnerLoop(lr=0.0)).score(tokens)[:, 1:]
        torch.testing.assert_close(still, window, atol=1e-4, rtol=0)
        wide = build(READER, window=2048, num_suffix_layers=0)
        full = build(READER, window=None, num_suffix_layers=0)
        torch.testing.assert_close(
            Stream(wide).score(tokens), Stream(full).score(tokens), atol=1e-4, rtol=0
        )


def compare_reading(rounds: int, threads: int) -> list[dict[str, Any]]:
    """Score texts of growing length: sliding window, with inner steps, and full attention."""
    torch.set_num_threads(threads)
    lm, full = build(READER).eval(), full_attention(READER).eval()
    check_reading(lm)
    rows = []
    for length in CONTEXTS:
        tokens = draw(1, length, READER["vocab_size"])

        @torch.no_grad()
        def whole(tokens: Tensor = tokens) -> Tensor:
            return log_probs(full(tokens, inner_loop=False).logits, tokens)

        rivals = {
            "inner steps": lambda tokens=tokens: Stream(lm).score(tokens),
            "window alone": lambda tokens=tokens: Stream(lm, 1, InnerLoop(lr=0.0)).score(tokens),
            "full attention": whole,
        }
        for run in rivals.values():
            run()
        numbers = interleave({n: partial(seconds, run) for n, run in rivals.items()}, rounds)
        for row in ratios(numbers, "inner steps"):
            ms = 1e3 * median(numbers[row["name"]])
            rows.append({**row, "threads": threads, "tokens": length, "ms": ms})
    return rows


def resident_mib() -> float:
    """Return the process's resident memory in MiB."""
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x]
    return int(line.split()[1]) / 1024


def stream_costs(stream: Stream, length: int) -> dict[str, list[float]]:
    """Stream a text piece by piece; return microseconds a token and resident MiB after each."""
    tokens, lm = draw(1, length, READER["vocab_size"]), stream.model
    found: dict[str, list[float]] = {"us": [], "mib": []}
    Stream(lm).score(tokens[:, : 2 * PIECE])  # warm
    for piece in tokens.split(PIECE, dim=1):
        found["us"].append(1e6 * seconds(partial(stream.score, piece)) / PIECE)
        found["mib"].append(resident_mib())
    return found


def late_over_early(late: Stream) -> float:
    """Return the time of a stream's next pieces over that of a new stream's, in turn."""
    early = Stream(late.model)
    pieces = draw(1, (ROUNDS_OF_STREAMS + 1) * PIECE, READER["vocab_size"]).split(PIECE, dim=1)
    for stream in (early, late):
        stream.score(pieces[0])
    rest = iter(pieces[1:])
    both = [(seconds(partial(early.score, p)), seconds(partial(late.score, p))) for p in rest]
    return median(after / before for before, after in both)


def crossover(rows: list[dict[str, Any]]) -> float | None:
    """Return the context at which inner steps cost as much as full attention."""
    points = [(r["tokens"], r["ratio"]) for r in rows if r["name"] == "full attention"]
    for (left, high), (right, low) in itertools.pairwise(points):
        if high >= 1.0 > low:
            return float(left * (right / left) ** ((high - 1) / (high - low)))
    return None


def plain_step(lm: TTTE2EForCausalLM, ids: Tensor, labels: Tensor) -> Tensor:
    """(a): the next-token loss with the inner loop off."""
    logits = lm(ids, inner_loop=False).logits
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def naive_step(lm: TTTE2EForCausalLM, ids: Tensor, labels: Tensor) -> Tensor:
    """(b): every block chunk by chunk, ``create_graph=True``, everything kept."""
    config, means = lm.config, []
    fast = first_state(lm, lm.embed(ids[:, :1])).fast
    shape = (len(ids), config.num_key_value_heads, config.window, config.head_dim)
    empty = KeyValues(torch.zeros(shape), torch.zeros(shape))
    before = [empty] * config.num_hidden_layers
    pairs = zip(ids.split(config.chunk, 1), labels.split(config.chunk, 1), strict=True)
    for place, (tokens, wanted) in enumerate(pairs):
        filled = min(place * config.chunk, config.window)
        h, kept = lm.embed(tokens), list[KeyValues]()
        weights = iter(fast)
        for block, cache in zip([*lm.prefix, *lm.suffix], before, strict=True):
            own = None
            if block.prime_mlp is not None:
                own = (next(weights), next(weights), next(weights))
            h, after = block.chunk(h, cache, filled, own, twice=True)
            kept.append(after)
        _, loss = chunk_losses(lm.head(h), wanted)
        means.append(loss)
        before = kept
        found = torch.autograd.grad(loss.sum(), fast, create_graph=True)
        steps = zip(fast, clipped(found, config.inner_clip), strict=True)
        fast = tuple(w - config.inner_lr * g for w, g in steps)
    return torch.stack(means).mean()


Loss = Callable[[TTTE2EForCausalLM, Tensor, Tensor], Tensor]


def _scan(recompute: Recompute, lm: TTTE2EForCausalLM, ids: Tensor, labels: Tensor) -> Tensor:
    return scan(lm, ids, labels, InnerLoop(recompute=recompute))[0]


STEPS: dict[str, Loss] = {
    "(a) next-token training": plain_step,
    "(b) plain autograd": naive_step,
    **{f"ours, {way}": partial(_scan, way) for way in WAYS},
}


class Training:
    """A model, a batch, and one training step without the optimiser."""

    def __init__(self, chunks: int) -> None:
        self.lm = build(LEARNER).train()
        tokens = draw(BATCH, chunks * LEARNER["chunk"] + 1, LEARNER["vocab_size"])
        self.ids, self.labels = tokens[:, :-1], tokens[:, 1:].clone()

    def run(self, loss: Loss) -> None:
        """Compute the loss and its gradient."""
        self.lm.zero_grad()
        loss(self.lm, self.ids, self.labels).backward()

    def check(self) -> None:
        """Refuse to compare ways that differ in their gradient."""
        found = {}
        for name, loss in STEPS.items():
            if not name.startswith("(a)"):
                self.run(loss)
                found[name] = [p.grad for p in self.lm.parameters()]
        for name, gradients in found.items():
            for one, other in zip(gradients, found["(b) plain autograd"], strict=True):
                worst = (one - other).norm() / other.norm()
                # fp32, through up to 64 steps; the tests compare in float64.
                assert worst < 1e-3, f"{name} has another gradient: off by {worst:.1e}"


def compare_training(rounds: int) -> list[dict[str, Any]]:
    """Measure every way at every number of chunks."""
    rows: list[dict[str, Any]] = []
    for chunks in CHUNKS:
        work = Training(chunks)
        work.check()
        rivals: dict[str, Callable[[], float]] = {
            n: partial(seconds, partial(work.run, loss)) for n, loss in STEPS.items()
        }
        numbers = interleave(rivals, rounds)
        idle = peak_mib_of("benchmarks.ttt", "--alone", "nothing", str(chunks))
        for name, times in numbers.items():
            row = {"name": name, "chunks": chunks, "ms": 1e3 * median(times)}
            for key, rival in (("of_a", "(a) next-token training"), ("of_b", "(b) plain autograd")):
                pairs = zip(times, numbers[rival], strict=True)
                row[key] = median(a / b for a, b in pairs)
            row["mib"] = peak_mib_of("benchmarks.ttt", "--alone", name, str(chunks)) - idle
            rows.append(row)
    return rows


def reading_table(rows: list[dict[str, Any]]) -> str:
    """Return what reading costs, as Markdown."""
    lines = [
        "| threads | tokens | inner steps, ms | window alone | full attention, fused "
        "| inner steps / full [quartiles] |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for threads, length in dict.fromkeys((r["threads"], r["tokens"]) for r in rows):
        place = (threads, length)
        own = {r["name"]: r for r in rows if (r["threads"], r["tokens"]) == place}
        ms = {name: f"{row['ms']:.1f}" for name, row in own.items()}
        full = own["full attention"]
        low, high = full["quartiles"]
        lines.append(
            f"| {threads} | {length} | {ms['inner steps']} | {ms['window alone']} | "
            f"{ms['full attention']} | {full['ratio']:.2f} [{low:.2f}, {high:.2f}] |"
        )
    return "\n".join(lines)


def stream_lines(
    ours: dict[str, list[float]], full: dict[str, list[float]], flat: float
) -> tuple[str, Any]:
    """Return what a long stream costs, as Markdown and as numbers."""

    def at(costs: dict[str, list[float]], tokens: int) -> str:
        place = tokens // PIECE
        near = costs["us"][max(0, place - 2) : place + 2]
        return f"{median(near):.0f} us, {costs['mib'][place - 1]:.0f} MiB" if near else "-"

    places = (4096, 8192, 16384, FULL_STREAM, STREAM)
    lines = ["| tokens read | inner steps: a token, resident | KV cache |", "|--:|--:|--:|"]
    for tokens in places:
        whole = at(full, tokens) if tokens <= FULL_STREAM else "-"
        lines.append(f"| {tokens} | {at(ours, tokens)} | {whole} |")
    mib = ours["mib"]
    numbers: dict[str, Any] = {
        "late_over_early": flat,
        "resident_spread": (max(mib) - min(mib)) / median(mib),
        "ours": ours,
        "full": full,
    }
    lines.append(
        f"\nAfter {STREAM} tokens a token costs {flat:.2f} times one of a new stream, in turn, "
        f"median of {ROUNDS_OF_STREAMS}; resident memory stays within "
        f"{100 * numbers['resident_spread']:.1f} %."
    )
    return "\n".join(lines), numbers


def training_table(rows: list[dict[str, Any]]) -> str:
    """Return what training costs, as Markdown."""
    lines = [
        "| chunks | way | ms a step | of (a) | of (b) | MiB over idle |",
        "|--:|---|--:|--:|--:|--:|",
    ]
    for r in rows:
        lines.append(
            f"| {r['chunks']} | {r['name']} | {r['ms']:.0f} | {r['of_a']:.2f} | {r['of_b']:.2f} "
            f"| {r['mib']:.0f} |"
        )
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark, or one way to train alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--reading", action="store_true", help="leave training out")
    parser.add_argument("--alone", nargs=2, metavar=("WAY", "CHUNKS"))
    options = parser.parse_args()
    if options.alone:
        name, chunks = options.alone
        work = Training(int(chunks))
        if name in STEPS:
            work.run(STEPS[name])
        print(own_peak_mib())
        return
    lm, full = build(READER), full_attention(READER)
    sizes = f"{count_parameters(lm)} and {count_parameters(full)} parameters"
    stream = Stream(lm.eval())
    ours = stream_costs(stream, STREAM)
    flat = late_over_early(stream)
    streams, numbers = stream_lines(ours, stream_costs(Stream(full.eval()), FULL_STREAM), flat)
    threads = torch.get_num_threads()
    parts = {n: compare_reading(options.rounds, n) for n in sorted({1, threads})}
    reading = [row for rows in parts.values() for row in rows]
    cross = {n: crossover(rows) for n, rows in parts.items()}
    where = "; ".join(f"{n} threads: {c:.0f} tokens" for n, c in cross.items() if c is not None)
    text = f"{reading_table(reading)}\n\n{sizes}; batch 1. Equal cost: {where}.\n\n{streams}"
    print(text, flush=True)
    if options.reading:
        return
    training = compare_training(options.rounds)
    text += (
        f"\n\n{training_table(training)}\n\nFour blocks of width {LEARNER['hidden_size']}, the "
        f"last with fast weights; chunk {LEARNER['chunk']}, window {LEARNER['window']}, batch "
        f"{BATCH}; "
        f"{torch.get_num_threads()} threads; torch {torch.__version__}, CPU; load average "
        f"{os.getloadavg()[0]:.1f}; median of {options.rounds} rounds."
    )
    print(text)
    publish(
        "ttt",
        work="scoring a text, and one training step without the optimiser",
        equal="rate 0 is the window, a long window is full attention, gradients within 1e-3 (fp32)",
        rows=[*reading, *training],
        table=text,
        stream=numbers,
        crossover=cross,
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    command()
