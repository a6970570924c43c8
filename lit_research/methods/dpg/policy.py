"""``Policy``: what the parts of the method use of its module."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import lightning.pytorch as pl
from torch import Tensor

from lit_research.lm.engines import Completion, Engine
from lit_research.methods.dpg.attributor import Attributor
from lit_research.methods.dpg.metrics import TargetMetric

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Policy(Protocol):
    """A generator that writes, the target that is trained on what it wrote, and a logger."""

    generator: PreTrainedModel
    metric: TargetMetric

    @property
    def attributor(self) -> Attributor:
        """Trains targets on texts, and walks back."""

    def engine_of(self, lm: PreTrainedModel) -> Engine:
        """Return what writes texts with a model's live weights."""

    @property
    def hparams(self) -> Any:
        """The arguments of ``DatasetPolicyGradient``."""

    @property
    def trainer(self) -> pl.Trainer:
        """The trainer that it is attached to."""

    @property
    def loggers(self) -> Any:
        """The trainer's."""

    @property
    def global_step(self) -> int:
        """Steps taken."""

    @property
    def global_rank(self) -> int:
        """Number of this process."""

    @property
    def is_logged_step(self) -> bool:
        """Whether the logger writes this step."""

    def log(
        self, name: str, value: Any, prog_bar: bool = False, *, batch_size: int | None = None
    ) -> None:
        """Log a number of a training step."""

    def log_result(self, name: str, value: float | Tensor, prog_bar: bool = False) -> None:
        """Log a result that every rank has already."""

    def write(self, prompts: list[list[int]], n: int, seed: int | list[int]) -> list[Completion]:
        """Write n texts for each prompt."""

    def trained(self, run: Any) -> AbstractContextManager[PreTrainedModel]:
        """Lend the target with a run's weights in it."""

    def numbers(self, run: Any) -> dict[str, float]:
        """Return what the metric reports of a trained target."""
