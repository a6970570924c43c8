"""``Command``: a callable that runs a command line, as experiments use it.

Experiments must not import the command, so it is passed to them: by ``python -m
lit_research.replicate``, or by the trainer of the run that they are part of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import lightning.pytorch as pl


class Run(Protocol):
    """A finished run: its trainer, model and data."""

    @property
    def trainer(self) -> pl.Trainer:
        """Its trainer, with the metrics that were logged last."""

    @property
    def model(self) -> pl.LightningModule:
        """Its method."""

    @property
    def datamodule(self) -> Any:
        """Its data."""


# Takes the arguments after `lit-research`. Executors send it to workers, so it must be importable.
Command = Callable[[list[str]], Run]
"""The command ``lit-research`` as a function of its arguments; it runs arms and trials."""
