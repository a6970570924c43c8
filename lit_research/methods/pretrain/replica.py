"""Loss against parameters and against unique tokens, on the embedded corpus, with fitted laws.

The claim of scaling-law papers, at laptop scale: held-out loss falls as ``E + A / x^alpha`` in
the number of parameters (at fixed data) and in the number of unique tokens (at fixed model and four
passes). Model sizes exclude the embedding, as in Kaplan et al. 2020. The learning rate is
inversely proportional to the width: at one rate for all (6e-3), the widest models were unstable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lit_research.figures import panels
from lit_research.laws import Fit, fit
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, Verdict, pooled_stderr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "pretrain/replica.yaml"
WIDTHS = (16, 24, 32, 48, 64, 96)
UNIQUE_TOKENS = (16_384, 32_768, 65_536, 131_072, 262_144, 524_288)
PASSES = 4
BATCH_TOKENS = 8 * 128
LM = "model.init_args.lm"
LEARNING_RATE = 3e-3  # of width 64, the config's


def _width(width: int) -> Arm:
    sizes = {
        f"{LM}.hidden_size": width,
        f"{LM}.intermediate_size": 3 * width,
        "model.init_args.optimizer.init_args.lr": LEARNING_RATE * 64 / width,
    }
    return Arm(f"width-{width}", CONFIG, sizes, {"width": width})


def _unique(tokens: int) -> Arm:
    options = {
        "data.init_args.max_train_tokens": tokens,
        "trainer.max_steps": PASSES * tokens // BATCH_TOKENS,
    }
    return Arm(f"unique-{tokens}", CONFIG, options, {"tokens": tokens})


ARMS = [*map(_width, WIDTHS), *map(_unique, UNIQUE_TOKENS)]
SERIES = {
    "parameters": ("width", "Loss falls as a power law in parameters"),
    "unique tokens": ("tokens", f"Loss falls as a power law in unique tokens ({PASSES} passes)"),
}


def _points(results: Results, series: str) -> tuple[np.ndarray, np.ndarray]:
    """Return x ``[n]`` and the losses ``[n, seeds]`` of a series, in the order of its arms."""
    tag, _ = SERIES[series]
    arms = [arm for arm in ARMS if tag in arm.tags and arm.name in results]
    losses = np.array([results[arm.name]["val/loss"] for arm in arms])
    if series == "unique tokens":
        return np.array([arm.tags["tokens"] for arm in arms], dtype=float), losses
    counts = [results[arm.name]["non_embedding_parameters"][0] for arm in arms]
    return np.array(counts), losses


def _fit(results: Results, series: str) -> Fit:
    x, losses = _points(results, series)
    return fit("power", x, losses.mean(axis=1), method="ls", noise=pooled_stderr(losses.T))


def _verdict(law: Fit, losses: np.ndarray) -> Verdict:
    means, (low, high) = losses.mean(axis=1), law.interval("alpha")
    if high <= 0.0 or means[-1] >= means[0]:
        return "contradicted"
    return "reproduced" if low > 0.0 and bool(np.all(np.diff(means) < 0)) else "unresolved"


def verdicts(results: Results) -> list[Claim]:
    """Judge both series: the effect is the exponent alpha with its 90% interval."""
    claims = []
    for series, (_, claim) in SERIES.items():
        law, (_, losses) = _fit(results, series), _points(results, series)
        claims.append(
            Claim(
                claim=f"{claim}: alpha",
                verdict=_verdict(law, losses),
                effect=law.params["alpha"],
                interval=law.interval("alpha"),
                seeds=losses.shape[1],
            )
        )
    return claims


def figure(results: Results) -> Figure:
    """Draw both series with their seeds and laws."""
    figure, both_axes = panels(1, 2, size=(4.5, 3.6))
    for axes, series in zip(both_axes, SERIES, strict=True):
        (x, losses), law = _points(results, series), _fit(results, series)
        grid = np.geomspace(x.min(), x.max(), 100)
        axes.plot(np.repeat(x, losses.shape[1]), losses.ravel(), "o", alpha=0.5, label="seeds")
        p = law.params
        label = f"{p['E']:.3g} + {p['A']:.3g} / x^{p['alpha']:.3g}"
        axes.plot(grid, law.predict(grid), "-", label=label)
        axes.set(
            xscale="log", xlabel=f"{series} (count)", ylabel="validation loss (nats per token)"
        )
        axes.set_xticks(x, [f"{value / 1e3:.0f}k" for value in x])
        axes.minorticks_off()
        axes.legend()
    return figure
