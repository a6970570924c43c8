"""``Distill`` and ``DistillCorpus``: distil an ensemble through real and teacher-written text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import next_token_loss, run_lm
from lit_research.methods.base import datamodule
from lit_research.methods.ensemble.checkpoints import load_members, member_builder
from lit_research.methods.ensemble.core import distillation_loss, retained_share
from lit_research.methods.ensemble.members import as_member, count_members
from lit_research.methods.pretrain import MixtureCorpus, Pretrain
from lit_research.ranges import COUNT, POSITIVE, SHARE, check_range
from lit_research.text import MixtureComponent, Windows, fingerprint, load_documents

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Batch = dict[str, Tensor]


class DistillCorpus(MixtureCorpus):
    """Real windows, each drawn exactly ``passes`` times, mixed with a share of teacher text.

    A run is one epoch of ``real windows * passes / (1 - share)`` windows (Kim et al. 2025,
    distillation: ``total_steps = S1 ep / (1 - w)``). Validation and test are real text.
    Takes the arguments of ``Corpus``, and:

    Args:
        pool: ``datasets`` folder of a ``TeacherPool``; not needed if ``share`` is 0.
        share: w, the share of all windows that teachers wrote, 0 to 1. With 0 the student learns
            from real text alone; with 1 from ``passes`` passes over the pool alone.
        passes: number of times that each real window is drawn.
    """

    def __init__(
        self, pool: str | None = None, share: float = 0.75, passes: int = 16, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        where = "in data.init_args of DistillCorpus"
        check_range(SHARE, where, share=share)
        check_range(COUNT, where, passes=passes)

    def setup(self, stage: str) -> None:
        """Refuse to train without the pool; the other verbs read only real text."""
        share = self.hparams["share"]
        if stage == "fit" and share > 0 and self.hparams["pool"] is None:
            raise UserError(
                f"share is {share} but there is no pool, in data.init_args of DistillCorpus; give "
                "the folder that `lit-research predict` with TeacherPool wrote, or share 0"
            )
        super().setup(stage)

    def components(self) -> list[MixtureComponent]:
        """Return the real text, and the teachers' where it has a share."""
        share, passes = self.hparams["share"], self.hparams["passes"]
        if share == 1:
            return [MixtureComponent(self._pool_windows(), passes=passes)]
        parts = [MixtureComponent(self.windows("train"), passes=passes)]
        if share > 0:
            parts.append(MixtureComponent(self._pool_windows(), share=share))
        return parts

    def _pool_windows(self) -> Windows:
        folder = Path(self.hparams["pool"])
        documents = load_documents(str(folder))
        card = folder / "card.json"
        corpus = json.loads(card.read_text()).get("teacher_corpus") if card.is_file() else None
        if corpus not in (None, fingerprint(self.documents["train"])):
            raise UserError(
                f"the teachers of the pool {str(folder)!r} learned from another training split, in "
                "data.init_args of DistillCorpus; give the teachers' source and fractions, since "
                "their text may hold validation text"
            )
        return self.windows_of(documents, "pool")


class Distill(Pretrain):
    """A student of an ensemble: ``Pretrain`` on ``DistillCorpus``, optionally on logits too.

    The paper's student learns by cross-entropy from real and sampled text; its best weight decay
    is the usual 0.1. Takes the arguments of ``Pretrain``, and:

    Args:
        teachers: checkpoints of ``Ensemble`` or ``Pretrain`` runs (files or glob patterns) whose
            mean logits the student learns from; only with ``logit_weight``.
        logit_weight: weight of the divergence from the teachers' distribution in the loss, 0 to 1;
            an addition to the paper.
        temperature: of that divergence.
        single_loss: loss of the best single model, for ``val/retained_share``.
        ensemble_loss: loss of the ensemble, for ``val/retained_share``.
    """

    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the student's loss on held-out real text, to compare with the best "
        "single model's and the ensemble's. Its training loss is of the mixture with the teachers' "
        "text, so the two need not meet."
    )

    def __init__(
        self,
        teachers: list[str] | None = None,
        logit_weight: float = 0.0,
        temperature: float = 1.0,
        single_loss: float | None = None,
        ensemble_loss: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        where = "in model.init_args of Distill"
        check_range(SHARE, where, logit_weight=logit_weight)
        check_range(POSITIVE, where, temperature=temperature)
        if (single_loss is None) != (ensemble_loss is None):
            raise UserError(
                f"single_loss is {single_loss} and ensemble_loss {ensemble_loss}, {where}; "
                "give both or neither"
            )
        if single_loss is not None and ensemble_loss is not None:
            retained_share(
                single_loss, single_loss, ensemble_loss
            )  # refuses a gain that is not positive
            share = {"gain of the ensemble that is kept (share of 1)": ["val/retained_share"]}
            self.decisive_curves = {**self.decisive_curves, **share}
        # Not a submodule: the teachers are neither trained nor saved in the checkpoint.
        self._teachers: tuple[PreTrainedModel, ...] = ()

    def setup(self, stage: str) -> None:
        """Refuse to train with teachers but no weight, or with a weight but no teachers."""
        teachers, weight = self.hparams["teachers"], self.hparams["logit_weight"]
        if stage == "fit" and (teachers is not None) != (weight > 0):
            raise UserError(
                f"teachers is {teachers} and logit_weight {weight}, in model.init_args of Distill; "
                "give both for logit distillation, else neither"
            )

    def on_fit_start(self) -> None:
        """Load the teachers."""
        files = self.hparams["teachers"]
        if files is None or self._teachers:
            return
        lm: Any
        lm, names, _ = load_members(files, member_builder(files), datamodule(self.trainer))
        if lm.config.vocab_size != self.lm.config.vocab_size:
            raise UserError(
                f"the teachers have {lm.config.vocab_size} tokens and the student "
                f"{self.lm.config.vocab_size}, in model.init_args.teachers of Distill; "
                "give teachers of the student's tokenizer"
            )
        self._teachers = (lm.to(self.device).eval().requires_grad_(False),)
        rank_zero_info(f"{len(names)} teachers: {', '.join(names)}.")

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the next-token loss in nats, mixed with the divergence from the teachers."""
        if not self._teachers:
            return super().training_step(batch, batch_idx)
        logits, weight = self(batch), self.hparams["logit_weight"]
        loss = next_token_loss(logits, batch["labels"], z_loss=self.hparams["z_loss"])
        divergence = distillation_loss(
            logits,
            self._teacher_logits(batch),
            batch["labels"],
            temperature=self.hparams["temperature"],
        )
        if self.is_logged_step:
            self.log("train/loss", loss, prog_bar=True, sync_dist=True)
            self.log("train/divergence", divergence, sync_dist=True)
        return (1.0 - weight) * loss + weight * divergence

    def _teacher_logits(self, batch: Batch) -> Any:
        [lm] = self._teachers
        for number in range(count_members(lm)):
            with torch.no_grad(), as_member(lm, number) as teacher:
                logits = run_lm(teacher, batch)
            yield logits

    def log_means(self) -> dict[str, float]:
        """Log also the share of the ensemble's gain that the student retains, if it is known."""
        means = super().log_means()
        single, ensemble = self.hparams["single_loss"], self.hparams["ensemble_loss"]
        for name in ("val/loss", "test/loss"):
            if single is not None and name in means:
                share = retained_share(single, means[name], ensemble)
                self.log_result(name.replace("loss", "retained_share"), share)
        return means
