"""``ReasoningSFT``: a language model that learns to answer questions from written reasoning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch.strategies import FSDPStrategy
from lightning.pytorch.utilities import rank_zero_info, rank_zero_only
from torch import Tensor

from lit_research.errors import UserError
from lit_research.evals import collapse_space, matches, parse_answers, results_table
from lit_research.figures import add_text, code_block
from lit_research.files import write_atomic, write_json
from lit_research.lm import IGNORE
from lit_research.lm.engines import Completion
from lit_research.methods.base import datamodule, run_folder
from lit_research.methods.openthoughts.core import Outcome, metrics, results
from lit_research.methods.pretrain import Pretrain
from lit_research.metrics import gather_objects
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range
from lit_research.seeds import derive_seed

Batch = dict[str, Tensor]

CARD = "rows.json"
_WHERE = "in model.init_args of ReasoningSFT"


class ReasoningSFT(Pretrain):
    """Tune a language model on the answers of ``ReasoningRows``, and ask it questions.

    Training is that of ``Pretrain``: the labels of the data are the answers' tokens alone.
    ``val/accuracy`` is pass@1, the mean over all samples of all items, with ``val/accuracy_stderr``
    over items; ``val/unparsed_share`` (samples without a final answer, which are not right) and
    ``val/truncated_share`` stand apart. Groups are logged by domain and difficulty, in ``test``
    also by number of tokens written. Samples have the same seeds in every evaluation. ``test``
    writes all answers to ``answers.RANK.jsonl``. Takes the arguments of ``Pretrain``, and:

    Args:
        samples: answers to each item of a validation.
        test_samples: answers to each item of a test.
        temperature: of sampling; 0 takes the likeliest token.
        top_p: keep the smallest set of likeliest tokens with this share of the probability.
        max_new_tokens: longest answer.

    Raises:
        UserError: an argument is out of range, or several samples are asked for at temperature 0.
    """

    decisive_curves = {
        "loss (nats per token of the answers)": ["train/loss"],
        "accuracy (share of 1)": ["val/accuracy"],
        "samples that went wrong (share)": ["val/unparsed_share", "val/truncated_share"],
    }
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the loss of the answers and the share of items answered right. The "
        "loss falls before the accuracy rises: where many answers are unparsed or truncated, the "
        "form is not yet learned, or max_new_tokens is too small."
    )
    needs = {**Pretrain.needs, "batches": ("sequence_length", "prompt")}
    returns = ()
    validation_metrics = (
        "train/loss",
        "val/accuracy*",
        "val/pass_at_*",
        "val/unparsed_share",
        "val/truncated_share",
        "val/answer_tokens",
        "val/teacher_tokens",
        "val/train_rows",
    )

    def __init__(
        self,
        lm: dict[str, Any],
        vocab_size: int,
        samples: int = 1,
        test_samples: int = 4,
        temperature: float = 0.7,
        top_p: float = 1.0,
        max_new_tokens: int = 256,
        **kwargs: Any,
    ) -> None:
        super().__init__(lm=lm, vocab_size=vocab_size, **kwargs)
        counts = {"samples": samples, "test_samples": test_samples}
        check_range(COUNT, _WHERE, **counts, max_new_tokens=max_new_tokens)
        check_range(NOT_NEGATIVE, _WHERE, temperature=temperature)
        check_range(Range(above=0, at_most=1), _WHERE, top_p=top_p)
        for name, count in counts.items():
            if temperature == 0 and count > 1:
                raise UserError(
                    f"{name} is {count} at temperature 0, {_WHERE}, where all samples are equal; "
                    "give 1, or a temperature above 0"
                )
        self._outcomes: list[Outcome] = []
        self._answers: list[str] = []
        self._cost: float | None = None
        self._rows: int | None = None

    def setup(self, stage: str) -> None:
        """Refuse to sample from sharded parameters."""
        validates = stage != "fit" or (
            self.trainer.limit_val_batches != 0 and datamodule(self.trainer).has_validation
        )
        if isinstance(self.trainer.strategy, FSDPStrategy) and validates:
            raise UserError(
                "answers cannot be sampled from sharded parameters, with trainer.strategy FSDP; "
                "give trainer.limit_val_batches 0 in fit, and validate or test with strategy ddp "
                "or on one device"
            )

    def on_fit_start(self) -> None:
        """Write ``rows.json``, the card of the training rows, in the run's folder."""
        folder, data = run_folder(self.trainer), datamodule(self.trainer)
        self._cost = getattr(data, "cost", None)
        card = getattr(data, "card", None)
        self._rows = None if card is None else card.get("rows")
        if folder is not None and card is not None:
            rank_zero_only(write_json)(folder / CARD, card)

    def on_validation_epoch_start(self) -> None:
        """Begin the outcomes."""
        self._outcomes, self._answers = [], []

    def on_test_epoch_start(self) -> None:
        """Begin the outcomes."""
        self._outcomes, self._answers = [], []

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Answer a batch of items."""
        self._answer(batch, "validation", self.hparams["samples"])
        return {}

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Answer a batch of items."""
        self._answer(batch, "test", self.hparams["test_samples"])
        return {}

    def _answer(self, batch: Batch, split: str, samples: int) -> None:
        data, args = datamodule(self.trainer), self.hparams
        is_asked_I = batch["labels"] != IGNORE  # a rank without items of its own skips another's
        numbers = batch["items"][is_asked_I].tolist()
        if not numbers:
            return
        items = [data.items(split)[number] for number in numbers]
        # Of the item alone: the same on any number of ranks, and in every evaluation.
        seeds = [derive_seed("ReasoningSFT", split, item["id"]) >> 1 for item in items]
        written = self.engine_of(self.lm).generate(
            [data.prompt(item) for item in items],
            max_new_tokens=args["max_new_tokens"],
            temperature=args["temperature"],
            top_p=args["top_p"],
            n=samples,
            seed=seeds,
        )
        for number, item, completions in zip(numbers, items, written, strict=True):
            self._judge(number, item, completions)

    def _judge(self, number: int, item: dict[str, Any], completions: list[Completion]) -> None:
        parsed = parse_answers(completions, datamodule(self.trainer).format.parse)
        rights = matches(parsed, [item["answer"]] * len(parsed))
        for completion, answer, right in zip(completions, parsed, rights, strict=True):
            if completion.failed:
                raise UserError(
                    f"the item {item['id']!r} cannot be answered ({completion.finish_reason}), for "
                    "ReasoningSFT; leave it out, or use a model with a longer context"
                )
            outcome = Outcome(
                number,
                completion.sample,
                right,
                answer.text is not None,
                answer.truncated,
                completion.new_tokens or len(completion.token_ids),
            )
            self._outcomes.append(outcome)
            if self.trainer.testing:
                record = {
                    "id": item["id"],
                    "sample": completion.sample,
                    "question": item["question"],
                    "answer": item["answer"],
                    "text": completion.text,
                    "final": None if answer.text is None else collapse_space(answer.text),
                    "right": right,
                    "finish_reason": completion.finish_reason,
                }
                self._answers.append(json.dumps(record))

    def on_validation_epoch_end(self) -> None:
        """Log the accuracy of all ranks."""
        self._log("val", "validation")

    def on_test_start(self) -> None:
        """Documents have no length here."""

    def on_test_epoch_end(self) -> None:
        """Log the accuracy of all ranks, print it as a table, and write the answers."""
        self._log("test", "test")
        file = Path(self.trainer.log_dir or ".") / f"answers.{self.global_rank}.jsonl"
        write_atomic(file, "".join(f"{line}\n" for line in self._answers))
        rank_zero_info(f"Answers: {file}")

    def _log(self, stage: str, split: str) -> None:
        gathered = {
            (one.item, one.sample): one for part in gather_objects(self._outcomes) for one in part
        }
        outcomes = [gathered[key] for key in sorted(gathered)]
        if not outcomes:
            return
        items = datamodule(self.trainer).items(split)
        found = results(outcomes, items, by_length=stage == "test")
        for name, value in metrics(found, outcomes).items():
            self.log_result(f"{stage}/{name}", value, prog_bar=name == "accuracy")
        if self._cost is not None:
            self.log_result(f"{stage}/teacher_tokens", self._cost)
        if self._rows is not None:
            self.log_result(f"{stage}/train_rows", float(self._rows))
        if stage == "test":
            table = results_table(found)
            add_text(self.trainer, "test/accuracy", code_block(table))
            rank_zero_info(f"\n{table}")
