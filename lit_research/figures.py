"""Figures and text for the loggers that can show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor
    from torch.utils.tensorboard import SummaryWriter

# Size of a panel in inches. TensorBoard shows images about 330 pixels wide, so that 10 points in a
# panel of 4 inches are 11 pixels: panels of one figure go below each other, not side by side.
PANEL = (4.0, 2.8)
DPI = 200  # sharp where the image is enlarged

# Suffixes of metric names, and their units.
UNITS = {
    "loss": "nats per token",
    "tokens": "tokens",
    "flops": "FLOPs",
    "parameters": "parameters",
    "generations": "generations",
    "tokens_per_s": "tokens per second",
    "_rate": "share of 1",
    "_share": "share of 1",
    "accuracy": "share of 1",
    "pass_at_1": "share of 1",
    "pass_at_k": "share of 1",
    "mfu": "share of 1",
}


def panels(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float] = PANEL, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a new figure in this package's style, and its axes row by row.

    Args:
        rows: number of rows of panels.
        columns: number of columns; more than one is for pages, not for TensorBoard's cards.
        size: width and height of a panel in inches.
        options: of ``Figure.subplots``.
    """
    from matplotlib.figure import Figure

    width, height = size
    figure = Figure((width * columns, height * rows), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)


def log_scale(axes: Axes, values: Iterable[float]) -> None:
    """Make the x axis logarithmic, with ticks such as 20k that do not overlap.

    Args:
        axes: any panel that shares the axis.
        values: the values drawn, above 0.
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    drawn = list(values)
    narrow = max(drawn) <= 200 * min(drawn)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())


def with_unit(metric: str) -> str:
    """Return a metric's name with its unit, if the suffix of the name tells it."""
    name = "loss" if metric.rsplit("/")[-1].startswith("loss") else metric
    suffixes = [suffix for suffix in UNITS if name.endswith(suffix)]
    return f"{metric} ({UNITS[max(suffixes, key=len)]})" if suffixes else metric


def _tensorboard_writers(trainer: pl.Trainer) -> Iterator[SummaryWriter]:
    """Yield the TensorBoard writers of a trainer, on the rank that logs."""
    from lightning.pytorch.loggers import TensorBoardLogger

    for logger in trainer.loggers if trainer.is_global_zero else ():
        if isinstance(logger, TensorBoardLogger):
            yield logger.experiment


def add_figure(
    trainer: pl.Trainer, name: str, draw: Callable[[], Figure], step: int | None = None
) -> None:
    """Show a figure in TensorBoard at a step (default: the current); without one, draw nothing."""
    step = trainer.global_step if step is None else step
    for writer in _tensorboard_writers(trainer):
        writer.add_figure(name, draw(), step)


def add_picture(
    trainer: pl.Trainer, name: str, picture: Tensor | None, step: int | None = None
) -> None:
    """Show a picture ``[1 or 3, H, W]`` with values 0 to 1 in TensorBoard, unless it is None."""
    step = trainer.global_step if step is None else step
    for writer in _tensorboard_writers(trainer) if picture is not None else ():
        writer.add_image(name, picture, step)


def add_text(trainer: pl.Trainer, name: str, markdown: str, step: int | None = None) -> None:
    """Show text in TensorBoard at a step (default: the current), which its first line names."""
    step = trainer.global_step if step is None else step
    for writer in _tensorboard_writers(trainer):
        writer.add_text(name, f"**Step {step:,}**\n\n{markdown}", step)


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as plain text in aligned columns; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def code_block(text: str) -> str:
    """Return ``text`` as a Markdown code block with a fence longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"
