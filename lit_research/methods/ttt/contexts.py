"""What a test says of a model at several lengths of context, with the inner loop on and off.

Sums are kept on the device until the end, so that no batch waits for a number; no Lightning.

Legend: B sequences, T tokens, A tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from lit_research.binning import binned_means
from lit_research.evals import mean_of_sums
from lit_research.figures import panels, text_table
from lit_research.lm import IGNORE
from lit_research.metrics import MetricsByKey, Sums, sum_dtype

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 32  # points of a curve
MODES = ("on", "off")  # of the inner loop


class ContextLosses:
    """Losses by position at each length of context.

    Args:
        device: where the sums are kept.
    """

    def __init__(self, device: torch.device) -> None:
        # Rows: loss with the inner loop on, off, and labels, at each position.
        self._positions = MetricsByKey[int, Sums](lambda length: Sums((3, length), device))
        # Sequences, their mean gains (off minus on), and the squares of these.
        self._gains = MetricsByKey[int, Sums](lambda length: Sums((3,), device))
        self.positions: dict[int, Tensor] = {}
        self.gains: dict[int, Tensor] = {}

    def add(self, on: Tensor, off: Tensor, labels: Tensor) -> None:
        """Add a batch.

        Args:
            on: token losses with the inner loop on, ``[B, T]`` in nats, 0 where there is no label.
            off: the same with it off.
            labels: ``[B, T]``.
        """
        kind, T = sum_dtype(labels.device), labels.shape[1]
        counted = (labels != IGNORE).to(kind)
        rows = torch.stack([on.to(kind), off.to(kind), counted])
        self._positions[T].update(rows.sum(dim=1))
        on_B, off_B, count_B = rows.sum(dim=2)
        gain_B = (off_B - on_B) / count_B.clamp(min=1)
        known_B = (count_B > 0).to(kind)
        self._gains[T].update(torch.stack([known_B, gain_B, gain_B.square()]).sum(dim=1))

    def reduce(self) -> None:
        """Add up the sums of all processes; after it, no more batches. To be called on each."""
        positions, gains = self._positions.compute(), self._gains.compute()
        self.positions = {n: sums.cpu() for n, sums in positions.items() if sums[2].sum() > 0}
        self.gains = {length: gains[length].cpu() for length in self.positions}

    def losses(self, length: int) -> tuple[float, float]:
        """Return the mean loss at a length with the inner loop on and off, in nats."""
        on, off, count = self.positions[length].sum(dim=1).tolist()
        return on / count, off / count

    def gain(self, length: int) -> tuple[float, float]:
        """Return the mean gain of a sequence from the inner loop, and its standard error.

        Sequences of one document are not independent: where documents give several, the error is
        too small.
        """
        return mean_of_sums(*self.gains[length].tolist())

    def metrics(self) -> dict[str, float]:
        """Return the losses by name; those without a length are of the longest."""
        found: dict[str, float] = {}
        for length in self.positions:
            found[f"loss_{length}"], found[f"loss_frozen_{length}"] = self.losses(length)
        if self.positions:
            longest = max(self.positions)
            found["loss"], found["loss_frozen"] = self.losses(longest)
            on, _, count = self.positions[longest]
            eighths = zip(on.tensor_split(8), count.tensor_split(8), strict=True)
            means = [float(part.sum() / labels.sum()) for part, labels in eighths]
            found["loss_first_eighth"], found["loss_last_eighth"] = means[0], means[-1]
        return found

    def report(self) -> str:
        """Return a line for each length as plain text, in nats per token."""
        rows = [["context", "loss", "inner loop off", "gain", "standard error", "sequences"]]
        for length in self.positions:
            numbers = [*self.losses(length), *self.gain(length)]
            cells = [f"{value:.5f}" for value in numbers]
            rows.append([str(length), *cells, f"{int(self.gains[length][0])}"])
        return text_table(rows)

    def figure(self) -> Figure:
        """Draw the loss by position of each length, solid with the inner loop on, dashed off."""
        drawing, [axes] = panels()
        for number, (length, (on, off, count)) in enumerate(self.positions.items()):
            for sums, style in ((on, "-"), (off, "--")):
                places, means = binned_means(torch.stack([sums, count]), BINS)
                label = f"{length} tokens" if style == "-" else None
                axes.plot(places, means, style, color=f"C{number % 10}", label=label)
        axes.set_xscale("log", base=2)
        axes.set(
            xlabel="position in the context (tokens)",
            ylabel="loss (nats per token)",
        )
        axes.set_title("inner loop on (solid) and off (dashed)", fontsize="medium")
        axes.legend(frameon=False)
        return drawing


class NeedleScores:
    """Whether the answer to a question about what was read long before is found.

    Args:
        depths: places of the needle, from 0 (first) to 1 (last).
        device: where the sums are kept.
    """

    def __init__(self, depths: Sequence[float], device: torch.device) -> None:
        self.depths = list(depths)
        # By depth: sequences; answers that are right and their losses, on; the same, off.
        self._sums = MetricsByKey[int, Sums](lambda length: Sums((len(depths), 5), device))
        self.cells: dict[int, Tensor] = {}

    def add(self, length: int, logits: Sequence[Tensor], answers: Tensor, depth: Tensor) -> None:
        """Add a batch.

        An answer is right where each of its tokens is the most likely one after those before it:
        then greedy decoding writes it, and not otherwise.

        Args:
            length: tokens of the sequences, T.
            logits: after the last A tokens, with the inner loop on and off, ``[B, A, V]`` each.
            answers: labels of these, ``IGNORE`` before the answer, ``[B, A]``.
            depth: place of each needle in ``depths``, ``[B]``.
        """
        kind, counted_BA = sum_dtype(answers.device), answers != IGNORE
        known_B = counted_BA.any(dim=1).to(kind)  # 0: see ``WindowLoader``
        columns = [known_B]
        for of_mode in logits:
            wide = of_mode if of_mode.dtype == torch.float64 else of_mode.float()
            right_B = ((wide.argmax(dim=-1) == answers) | ~counted_BA).all(dim=1)
            loss_BA = F.cross_entropy(
                wide.transpose(1, 2), answers, ignore_index=IGNORE, reduction="none"
            )
            mean_B = loss_BA.sum(1) / counted_BA.sum(1).clamp(min=1)
            columns += [right_B * known_B, mean_B.to(kind)]
        rows_B5 = torch.stack(columns, dim=1)
        sums = rows_B5.new_zeros(len(self.depths), rows_B5.shape[1])
        self._sums[length].update(sums.index_add_(0, depth, rows_B5))

    def reduce(self) -> None:
        """Add up the sums of all processes; after it, no more batches. To be called on each."""
        found = self._sums.compute()
        self.cells = {n: sums.cpu() for n, sums in found.items() if sums[:, 0].sum() > 0}

    def metrics(self) -> dict[str, float]:
        """Return accuracies and mean losses of the answers' tokens, over all and by length."""
        found: dict[str, float] = {}
        if self.cells:
            found |= _means("", torch.stack(list(self.cells.values())).sum(dim=(0, 1)))
        for length, sums in self.cells.items():
            found |= _means(f"_{length}", sums.sum(dim=0))
        return found

    def accuracy(self, mode: str) -> Tensor:
        """Return the accuracy ``[depths, lengths]`` with the inner loop ``on`` or ``off``."""
        cells = torch.stack(list(self.cells.values()), dim=1)
        return cells[..., 1 + 2 * MODES.index(mode)] / cells[..., 0]

    def report(self) -> str:
        """Return the accuracies as plain text; columns: length in tokens, inner loop on or off."""
        rows = [["depth", *(f"{n} {mode}" for mode in MODES for n in self.cells)]]
        both = torch.cat([self.accuracy(mode) for mode in MODES], dim=1)
        for depth, values in zip(self.depths, both.tolist(), strict=True):
            rows.append([f"{depth:g}", *(f"{value:.3f}" for value in values)])
        return text_table(rows)

    def figure(self) -> Figure:
        """Draw a map of the accuracy for the inner loop on and off."""
        drawing, places = panels(2)
        for axes, mode in zip(places, MODES, strict=True):
            values = self.accuracy(mode)
            axes.imshow(values.numpy(), vmin=0, vmax=1.4, cmap="Greens", aspect="auto")
            for row, of_depth in enumerate(values.tolist()):
                for column, value in enumerate(of_depth):
                    axes.text(column, row, f"{value:.2f}", ha="center", va="center")
            axes.set_xticks(range(len(self.cells)), list(map(str, self.cells)))
            axes.set_yticks(range(len(self.depths)), [f"{depth:g}" for depth in self.depths])
            axes.set(
                xlabel="context (tokens)",
                ylabel="needle's depth (share of 1)",
                title=f"accuracy (share of 1), inner loop {mode}",
            )
        return drawing


def _means(suffix: str, sums: Tensor) -> dict[str, float]:
    count, *values = sums.tolist()
    names = (f"{name}{mode}{suffix}" for mode in ("", "_frozen") for name in ("accuracy", "loss"))
    return {name: value / count for name, value in zip(names, values, strict=True)}
