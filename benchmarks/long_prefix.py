"""Options of several questions about one long text: its beginning read once, and for each option.

    python -m benchmarks.long_prefix

The text has 8,192 tokens, there are 8 questions about it with 4 options each, and a small llama
with random weights scores the options. ``separate`` reads a text from its beginning for each
option, in the same pieces and with the logits of the option alone; since all cost the same, it is
timed on four of the 32. It must give the same scores of an option of each question before a time
counts.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from benchmarks.pairing import interleave, publish, ratios
from lit_research.lm import build_lm, score_continuations

CONTEXT, QUESTIONS, OPTIONS, QUESTION, OPTION, ROUNDS = 8192, 8, 4, 64, 8, 3
TIMED = 4  # options that are read apart in a round
VOCABULARY = 4096
OURS, SEPARATE = "lit_research, shared", "separate"
TARGET = 8.0
MODEL = {
    "model_type": "llama",
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2 * CONTEXT,
}
Text: TypeAlias = tuple[list[int], list[int]]


def texts_of(context: int) -> list[Text]:
    """Return a prompt and an option for each option of each question."""
    draw = torch.Generator().manual_seed(0)

    def tokens(count: int) -> list[int]:
        drawn: list[int] = torch.randint(VOCABULARY, (count,), generator=draw).tolist()
        return drawn

    shared = tokens(context)
    prompts = [[*shared, *tokens(QUESTION)] for _ in range(QUESTIONS)]
    return [(prompt, tokens(OPTION)) for prompt in prompts for _ in range(OPTIONS)]


def separately(model: Any, texts: list[Text]) -> list[Tensor]:
    """Return the scores, each text read from its beginning."""
    return [score for text in texts for score in score_continuations(model, [text])]


def lower_bound(context: int) -> float:
    """Return how many times fewer tokens are read: what the ratio is if a token costs the same."""
    whole = context + QUESTION + OPTION - 1
    shared = context + QUESTIONS * (QUESTION + OPTIONS * (OPTION - 1))
    return QUESTIONS * OPTIONS * whole / shared


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--context", type=int, default=CONTEXT, help="tokens of the text")
    context = parser.parse_args().context
    torch.manual_seed(0)
    model, texts = build_lm(MODEL, vocab_size=VOCABULARY), texts_of(context)
    ways: dict[str, Callable[[], list[Tensor]]] = {
        OURS: lambda: score_continuations(model, texts),
        SEPARATE: lambda: separately(model, texts[:TIMED]),
    }
    some = [OPTIONS * n + n % OPTIONS for n in range(QUESTIONS)]
    scores = ways[OURS]()
    first = torch.cat([scores[n] for n in some])
    second = torch.cat(separately(model, [texts[n] for n in some]))
    torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-5)
    apart = float((first - second).abs().max())

    def rate(way: Callable[[], list[Tensor]]) -> float:
        begun = time.perf_counter()
        scored = len(way())
        return scored / (time.perf_counter() - begun)

    numbers = interleave({name: partial(rate, way) for name, way in ways.items()}, ROUNDS)
    rows = ratios(numbers, OURS)
    for row in rows:
        row["options_per_s"] = sorted(numbers[row["name"]])[ROUNDS // 2]
    bound = lower_bound(context)
    lines = ["| way | options/s | ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        lines.append(
            f"| {row['name']} | {row['options_per_s']:.2f} | "
            f"{row['ratio']:.1f} [{low:.1f}, {high:.1f}] |"
        )
    met = "yes" if rows[1]["ratio"] >= TARGET else "no"
    table = "\n".join(lines) + (
        f"\n\n{QUESTIONS} questions of {QUESTION} tokens with {OPTIONS} options of {OPTION} after "
        f"{context:,} tokens; {bound:.1f} times fewer tokens are read. Target, at least "
        f"{TARGET:g} times as fast: {met}. Scores differ by at most {apart:.1g} nats. torch "
        f"{torch.__version__}, {torch.get_num_threads()} threads; {os.cpu_count()} processors; "
        f"load average {os.getloadavg()[0]:.1f}; median of {ROUNDS} rounds."
    )
    print(table)
    publish(
        "long_prefix",
        work="options scored a second, of several questions about one long text",
        equal="log-probabilities of an option of each question are the same to 1e-4 nats",
        rows=rows,
        table=table,
        times_fewer_tokens=bound,
    )


if __name__ == "__main__":
    command()
