"""Figures and text for the loggers that can show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def add_figure(trainer: pl.Trainer, name: str, draw: Callable[[], Figure]) -> None:
    """Show a figure in TensorBoard at the current step; draw nothing where nobody looks."""
    for logger in trainer.loggers:
        if trainer.is_global_zero and isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(name, draw(), trainer.global_step)


def add_text(trainer: pl.Trainer, name: str, markdown: str) -> None:
    """Show text in TensorBoard at the current step."""
    for logger in trainer.loggers:
        if trainer.is_global_zero and isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text(name, markdown, trainer.global_step)


def code_block(text: str) -> str:
    """Return ``text`` as a Markdown block that its own backquotes do not end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"
