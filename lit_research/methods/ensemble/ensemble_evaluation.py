"""``EnsembleEvaluation``: evaluate an ensemble on held-out text or multiple-choice items.

Legend: K members, B sequences of a batch, T tokens of a sequence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.figures import add_figure, add_text, code_block
from lit_research.files import append_line
from lit_research.lm import count_parameters
from lit_research.methods.base import Method, datamodule
from lit_research.methods.ensemble.accuracy_by_size import AccuracyBySize
from lit_research.methods.ensemble.asymptotes import read_points, study
from lit_research.methods.ensemble.core import AVERAGES, Scores
from lit_research.methods.ensemble.loss_by_size import LossBySize
from lit_research.methods.ensemble.members import count_members

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class EnsembleEvaluation:
    """Accumulates scores by batch, then logs, draws and prints the results.

    Args:
        module: module attached to a trainer, for logging.
        lm: the stacked members.
        stage: ``val`` or ``test``, the prefix of the logged names.
        trained_steps: number of steps that the members were trained for.
    """

    def __init__(
        self, module: Method, lm: PreTrainedModel, stage: str, *, trained_steps: int
    ) -> None:
        self.module, self.lm, self.stage, self.trained_steps = module, lm, stage, trained_steps
        self.size, self.average = count_members(lm), module.hparams["average"]
        self.curve = LossBySize(self.size, module.device)
        self.choices = AccuracyBySize(self.size, self.average, module.device)

    def add(self, batch: dict[str, Tensor], scores: Iterable[Scores]) -> Tensor:
        """Add a batch; return the losses ``[B, T]`` of the whole ensemble, in nats."""
        if "option_id" in batch:  # items of MultipleChoice
            return -self.choices.add(batch, scores)
        for size, of_size in enumerate(scores, 1):
            self.curve.add(size, of_size)
            last: Tensor = getattr(of_size, self.average)
        self.curve.count(batch["labels"])
        return -last

    def finish(self) -> None:
        """Reduce over all processes and log; after a test, show the curve, its law and the study.

        Call it on every rank.
        """
        if self.choices.log(self.module, self.stage):
            return
        self._log()
        if self.stage == "test":
            self._show()
            if (
                self.module.hparams["points_file"] is not None
                and self.module.trainer.is_global_zero
            ):
                self._add_to_study(Path(self.module.hparams["points_file"]))

    def _log(self) -> None:
        stage, curve = self.stage, self.curve
        losses = curve.losses(self.average)
        values = {f"{stage}/loss": losses[-1], f"{stage}/loss_member": curve.member_mean}
        if len(losses) > 1:
            values |= {f"{stage}/loss_{name}": curve.losses(name)[-1] for name in AVERAGES}
            values[f"{stage}/gain"] = curve.member_mean - losses[-1]
            values |= {f"{stage}/loss_k{k}": loss for k, loss in enumerate(losses, 1)}
        for name, value in values.items():
            self.module.log_result(name, value, prog_bar=name == f"{stage}/loss")

    def _show(self) -> None:
        text = self.curve.report(self.average)
        add_text(self.module.trainer, "test/members", code_block(text))
        rank_zero_info(f"\n{text}")
        if self.curve.law(self.average) is not None:
            add_figure(self.module.trainer, "law/members", lambda: self.curve.figure(self.average))

    def _add_to_study(self, file: Path) -> None:
        """Append this ensemble's losses to the file; fit and show the laws of all its points."""
        point = json.dumps(self._point())
        lines = file.read_text().splitlines() if file.is_file() else []
        if point not in lines:  # testing again gives the same point
            append_line(file, point)
        laws = study(read_points(file))
        text = laws.report()
        add_text(self.module.trainer, "test/study", code_block(text))
        rank_zero_info(f"\n{text}")
        for name, law in laws.fits.items():
            add_figure(self.module.trainer, f"law/{name}".replace(" ", "_"), law.figure)

    def _point(self) -> dict[str, Any]:
        """Return the fields of ``asymptotes.Measured``."""
        module, data = self.module, datamodule(self.module.trainer)
        _, losses = self.curve.points(self.average)
        return {
            "recipe": module.hparams["recipe"],
            "N": count_parameters(self.lm) // self.size,
            "D": data.unique_tokens,
            "epochs": self.trained_steps / data.batches_per_epoch,
            "losses": losses,
        }
