"""Figures and text for the loggers that can show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor


def add_figure(
    trainer: pl.Trainer, name: str, draw: Callable[[], Figure], step: int | None = None
) -> None:
    """Show a figure in TensorBoard at a step (the current one); draw nothing where nobody looks."""
    step = trainer.global_step if step is None else step
    for logger in trainer.loggers:
        if trainer.is_global_zero and isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(name, draw(), step)


def add_picture(
    trainer: pl.Trainer, name: str, picture: Tensor | None, step: int | None = None
) -> None:
    """Show a picture ``[1 or 3, H, W]`` in 0 to 1 in TensorBoard, if there is one."""
    step = trainer.global_step if step is None else step
    for logger in trainer.loggers:
        if trainer.is_global_zero and isinstance(logger, TensorBoardLogger) and picture is not None:
            logger.experiment.add_image(name, picture, step)


def add_text(trainer: pl.Trainer, name: str, markdown: str, step: int | None = None) -> None:
    """Show text in TensorBoard at a step (the current one)."""
    step = trainer.global_step if step is None else step
    for logger in trainer.loggers:
        if trainer.is_global_zero and isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text(name, markdown, step)


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
