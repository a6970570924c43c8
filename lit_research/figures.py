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

# A panel in inches. TensorBoard shows an image some 330 pixels wide, so that 10 points of a panel
# of 4 inches are 11 pixels there: panels of one figure go below each other, not side by side.
PANEL = (4.0, 2.8)
DPI = 200  # sharp where the image is enlarged

# Ends of metrics' names, and the units that they mean.
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
    """Return a new figure of this package's style and its axes, row by row.

    Args:
        rows: of panels.
        columns: of panels; more than one is for pages, not for TensorBoard's cards.
        size: width and height of a panel in inches.
        options: of ``Figure.subplots``.
    """
    from matplotlib.figure import Figure

    width, height = size
    drawing = Figure((width * columns, height * rows), dpi=DPI, layout="constrained")
    grid = drawing.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return drawing, list(grid.flat)


def log_scale(axes: Axes, values: Iterable[float]) -> None:
    """Make the x axis logarithmic, with ticks such as 20k that do not run into each other.

    Args:
        axes: of any panel that shares the axis.
        values: above 0, that are drawn.
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    drawn = list(values)
    narrow = max(drawn) <= 200 * min(drawn)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())


def with_unit(metric: str) -> str:
    """Return a metric's name with its unit, where the end of the name tells it."""
    name = "loss" if metric.rsplit("/")[-1].startswith("loss") else metric
    ends = [end for end in UNITS if name.endswith(end)]
    return f"{metric} ({UNITS[max(ends, key=len)]})" if ends else metric


def _boards(trainer: pl.Trainer) -> Iterator[SummaryWriter]:
    """Yield what writes to TensorBoard, in the process that logs."""
    from lightning.pytorch.loggers import TensorBoardLogger

    for logger in trainer.loggers if trainer.is_global_zero else ():
        if isinstance(logger, TensorBoardLogger):
            yield logger.experiment


def add_figure(
    trainer: pl.Trainer, name: str, draw: Callable[[], Figure], step: int | None = None
) -> None:
    """Show a figure in TensorBoard at a step (the current one); draw nothing where nobody looks."""
    step = trainer.global_step if step is None else step
    for board in _boards(trainer):
        board.add_figure(name, draw(), step)


def add_picture(
    trainer: pl.Trainer, name: str, picture: Tensor | None, step: int | None = None
) -> None:
    """Show a picture ``[1 or 3, H, W]`` in 0 to 1 in TensorBoard, if there is one."""
    step = trainer.global_step if step is None else step
    for board in _boards(trainer) if picture is not None else ():
        board.add_image(name, picture, step)


def add_text(trainer: pl.Trainer, name: str, markdown: str, step: int | None = None) -> None:
    """Show text in TensorBoard at a step (the current one), which is its first line."""
    step = trainer.global_step if step is None else step
    for board in _boards(trainer):
        board.add_text(name, f"**Step {step:,}**\n\n{markdown}", step)


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as plain text in columns; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def code_block(text: str) -> str:
    """Return ``text`` as a Markdown block that its own backquotes do not end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"
