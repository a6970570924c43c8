"""``Synthesizer``: a language model that learns to write a document given a related one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.pytorch.utilities import rank_zero_info, rank_zero_only
from torch import Tensor

from lit_research.errors import UserError
from lit_research.figures import add_text, code_block
from lit_research.files import write_json
from lit_research.lm import IGNORE, lm_token_losses
from lit_research.methods.base import datamodule, run_folder
from lit_research.methods.pretrain import Pretrain, sums_by_group
from lit_research.methods.sbp.corpus_quality import KEPT, measure
from lit_research.methods.sbp.quality import Quality
from lit_research.methods.sbp.synthetic_corpus import SyntheticCorpus
from lit_research.methods.sbp.writing import CorpusWriter
from lit_research.metrics import sum_dtype
from lit_research.text import load_tokenizer
from lit_research.text.grouped import NO_GROUP

Batch = dict[str, Tensor]

SHUFFLED = "_shuffled"
PAIRS_CARD = "pairs.json"


class Synthesizer(Pretrain):
    """Tune a trained base on pairs of related documents: maximise log p(d2 | d1).

    ``val/loss`` is the conditional loss on held-out pairs, in nats a token of d2 and its end.
    ``val/loss_shuffled`` is that of the same d2 after the d1 of other pairs, and ``val/gain_of_d1``
    their difference: 0 means that the base was only trained further. Stop early by Lightning's
    ``EarlyStopping`` on ``val/loss``. Takes the arguments of ``Pretrain``; ``lm`` must be the
    folder of the base, ``{folder: PATH}``, and its tokenizer the data's.

    With a ``SyntheticCorpus``, ``predict`` writes its texts and ``test`` measures their quality.

    Raises:
        UserError: ``lm`` is no folder.
    """

    validation_metrics = (*Pretrain.validation_metrics, "val/loss_*", "val/gain_of_d1*")
    decisive_curves = {
        "loss given d1 (nats per token of d2)": ["train/loss", "val/loss", "val/loss_shuffled"],
        "gain of d1 (nats per token of d2)": ["val/gain_of_d1"],
    }
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the loss on held-out pairs, given d1 and given the d1 of another "
        "pair. Their gap, the gain of d1, is what was learned about how documents are related: "
        "near 0, the synthesizer ignores d1, and the text that it writes is the base's own."
    )

    _writing: CorpusWriter | None = None
    _quality: Quality | None = None

    def __init__(self, lm: dict[str, Any], vocab_size: int, **kwargs: Any) -> None:
        super().__init__(lm=lm, vocab_size=vocab_size, **kwargs)
        if "folder" not in lm:
            raise UserError(
                "lm has no folder, in model.init_args of Synthesizer, which tunes a trained base; "
                "give {folder: PATH} of one, such as the hf folder of a run with "
                "--checkpoint.export_hf true"
            )

    def setup(self, stage: str) -> None:
        """Refuse a base that was trained with another tokenizer than the data's."""
        folder, data = self.hparams["lm"]["folder"], datamodule(self.trainer)
        if load_tokenizer(folder).get_vocab() != data.tokenizer.get_vocab():
            raise UserError(
                f"the base {folder!r} was trained with another tokenizer than that of "
                f"{type(data).__name__}, whose ids mean other texts; give {folder!r} as "
                "data.init_args.tokenizer, or the base's own corpus"
            )

    def on_fit_start(self) -> None:
        """Write ``pairs.json``, the card of the pairs, in the run's folder."""
        self._started, self._first_step = time.perf_counter(), self.global_step
        self._write_card({})

    def on_fit_end(self) -> None:
        """Add what the tuning took: steps, positions and, of this process, seconds."""
        steps, data = self.global_step - self._first_step, datamodule(self.trainer)
        windows = steps * data.hparams["batch_size"] * self.trainer.accumulate_grad_batches
        cost = {
            "steps": steps,
            "tokens": windows * data.sequence_length * data.world_size,
            "seconds": round(time.perf_counter() - self._started, 1),
        }
        self._write_card({"tuning": cost})

    def _write_card(self, more: dict[str, Any]) -> None:
        folder, card = run_folder(self.trainer), datamodule(self.trainer).card
        if folder is not None:
            rank_zero_only(write_json)(folder / PAIRS_CARD, {**card, **more})

    def costs(self) -> dict[str, Any]:
        """Return the card of the pairs that the synthesizer was tuned on, with its costs.

        It lies in the run's folder: above the ``hf`` folder, or of the checkpoint.
        """
        above = [Path(self.hparams["lm"]["folder"]).parent]
        if (folder := run_folder(self.trainer)) is not None:
            above.append(folder)
        cards = [folder / PAIRS_CARD for folder in above if (folder / PAIRS_CARD).is_file()]
        return {"pairs": json.loads(cards[-1].read_text())} if cards else {}

    def _evaluate(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        losses_BT = lm_token_losses(self.lm, batch, fused=self._fused_loss)
        names = getattr(datamodule(self.trainer), "loss_groups", [])
        is_label_BT, dtype = batch["labels"] != IGNORE, sum_dtype(losses_BT.device)
        for is_shuffled in (False, True):
            in_row_B1 = (batch["is_shuffled"] == is_shuffled)[:, None]
            counted_BT = is_label_BT & in_row_B1
            if not counted_BT.any():
                continue
            suffix = SHUFFLED if is_shuffled else ""
            total = (losses_BT * counted_BT).sum(dtype=dtype)
            self.add_mean(f"{stage}/loss{suffix}", total, counted_BT.sum())
            groups_BT = torch.where(counted_BT, batch["loss_groups"], NO_GROUP)
            sums = sums_by_group(losses_BT, groups_BT, len(names))
            for name, total, count in zip(names, *sums, strict=True):
                if count > 0:
                    self.add_mean(f"{stage}/loss_of_{name}{suffix}", total, count)
        return {"token_losses": losses_BT}

    def log_means(self) -> dict[str, float]:
        """Log also what the pairs' own d1 gain over the d1 of others, in nats."""
        means = super().log_means()
        for name, value in means.items():
            if name.endswith(SHUFFLED):
                own = name.removesuffix(SHUFFLED)
                gain = own.replace("/loss", "/gain_of_d1")
                self.log_result(gain, value - means[own])
        return means

    # The corpus: written by `predict`, measured by `test`.

    def on_predict_start(self) -> None:
        """Start or resume the corpus; for other data see ``Pretrain``."""
        data = datamodule(self.trainer)
        if not isinstance(data, SyntheticCorpus):
            super().on_predict_start()
            return
        context = self.lm.config.max_position_embeddings
        engine, rank = self.engine_of(self.lm), self.global_rank
        self._writing = CorpusWriter(data, engine, context, rank=rank, costs=self.costs())

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Write a shard, unless there are enough, and return its tokens; else see ``Pretrain``."""
        if self._writing is None:
            return super().predict_step(batch, batch_idx)
        return torch.tensor(float(self._writing.write(batch["shard"])))

    def on_predict_end(self) -> None:
        """Put the corpus together from its shards; for other data see ``Pretrain``."""
        if self._writing is None:
            super().on_predict_end()
            return
        self._writing.finish(self.trainer)
        self._writing = None

    def on_test_start(self) -> None:
        """Measure the texts of a corpus; for other data see ``Pretrain``."""
        data = datamodule(self.trainer)
        if not isinstance(data, SyntheticCorpus):
            super().on_test_start()
            return
        self._quality = measure(data)

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Log ``test/loss``; return the ``token_losses`` ``[B, T]`` in nats; none of a corpus."""
        return self._evaluate(batch, "test") if self._quality is None else {}

    def on_test_epoch_end(self) -> None:
        """Log, show and print the table of a corpus; for other data see ``Pretrain``."""
        quality, self._quality = self._quality, None
        if quality is None:
            super().on_test_epoch_end()
            return
        for name, value in quality.metrics(KEPT).items():
            self.log_result(f"test/{name}", value)
        add_text(self.trainer, "test/quality", code_block(quality.table()))
        rank_zero_info(f"\n{quality.table()}")
