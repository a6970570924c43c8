"""The command as experiments see it: a callable that runs a command line.

Experiments lie below the command, and so are given it: by ``python -m lit_research.replicate``, or
by the trainer of the run that they are part of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import lightning.pytorch as pl


class Run(Protocol):
    """The parts of a finished run."""

    @property
    def trainer(self) -> pl.Trainer:
        """Its trainer, with the metrics that were logged last."""

    @property
    def model(self) -> pl.LightningModule:
        """Its method."""

    @property
    def datamodule(self) -> Any:
        """Its data."""


# Takes the words after `lit-research`. Executors send it to workers, so it must be importable.
Command = Callable[[list[str]], Run]
"""The command ``lit-research``, given its words; what runs an arm or a trial is given it."""
