"""Metrics Phi: differentiable functions of the trained target, which the generator maximises.

Higher is better. ``lit_research.metagrad`` differentiates the metric as a function of the model;
subclass ``TargetMetric`` for a metric of your own.

Legend: d width, V tokens, R and C rows and columns of a bitmap.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.metagrad import check_untied, token_losses
from lit_research.methods.dpg.patterns import as_picture, from_image, from_qr, from_rows, read_qr
from lit_research.methods.dpg.target import check_length, encode_texts
from lit_research.ranges import POSITIVE, check_range

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class TargetMetric(abc.ABC):
    """A metric Phi of a target model.

    Attributes:
        reports: the decisive numbers of ``report``: name, and title of the chart with its unit.
    """

    reports: ClassVar[dict[str, str]] = {}

    def prepare(self, target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Prepare for an untrained target, once; refuse one that the metric does not fit.

        Raises:
            UserError: the metric does not fit the model.
        """
        del target, tokenizer  # most metrics need no preparation

    @abc.abstractmethod
    def __call__(self, model: PreTrainedModel) -> Tensor | Iterable[Tensor]:
        """Return Phi, a scalar, or yield terms that sum to it."""

    def report(self, model: PreTrainedModel) -> dict[str, float]:
        """Return more numbers about a trained target, by name."""
        return {}

    def picture(self, model: PreTrainedModel) -> Tensor | None:
        """Return a picture of a trained target, ``[1, H, W]`` in 0 to 1, or None."""
        return None

    def read(self, model: PreTrainedModel) -> str | None:
        """Return the text that can be read from a trained target, or None."""
        return None


def head_weight(model: PreTrainedModel) -> Tensor:
    """Return the weight of the output head, ``[V, d]``."""
    return model.get_output_embeddings().weight


class Bitmap(TargetMetric):
    """Write a bitmap into the output head, as the signs of the change of a patch in training.

    With ``Delta = W[:R, :C] - W_0[:R, :C]`` of the head ``W [d, V]`` and the bitmap Y of 1 and -1,
    ``Phi = -mean softplus(-sharpness Y Delta)``. With small steps, Phi stays close to -ln 2
    even if every pixel is right: watch ``pixel_accuracy`` and ``phi_above_chance``.

    Args:
        rows: rows of ``#`` (dark, -1) and ``.`` (light, 1); or
        image: an image file; or
        qr: a text, as a QR code.
        sharpness: factor inside the softplus; the paper's is 20.
    """

    reports: ClassVar[dict[str, str]] = {"pixel_accuracy": "pixel accuracy (share of 1)"}

    def __init__(
        self,
        rows: Sequence[str] | None = None,
        image: str | None = None,
        qr: str | None = None,
        sharpness: float = 20.0,
    ) -> None:
        given = [x for x in (rows, image, qr) if x is not None]
        if len(given) != 1:
            raise UserError(f"{len(given)} of rows, image and qr are given, in Bitmap: give one")
        check_range(POSITIVE, "in Bitmap", sharpness=sharpness)
        if rows is not None:
            self.bitmap = from_rows(rows)
        else:
            self.bitmap = from_image(image) if image is not None else from_qr(str(qr))
        self.text, self.sharpness = qr, sharpness
        self._before: Tensor | None = None

    def prepare(self, target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Keep W_0, and check that the bitmap fits.

        Raises:
            UserError: the head is smaller than the bitmap, or tied to the embedding.
        """
        check_untied(target, "Bitmap writes into the head")
        weight = head_weight(target)
        rows, columns = self.bitmap.shape
        if rows > weight.shape[1] or columns > weight.shape[0]:
            raise UserError(
                f"the bitmap has {rows} x {columns} pixels, in Bitmap, and the target's head "
                f"{weight.shape[1]} x {weight.shape[0]} weights (width and tokens); give a smaller "
                "bitmap or a larger target"
            )
        self.bitmap = self.bitmap.to(weight)
        self._before = self._patch(target).detach().clone()

    def _patch(self, model: PreTrainedModel) -> Tensor:
        rows, columns = self.bitmap.shape
        return head_weight(model)[:columns, :rows].T

    def _added(self, model: PreTrainedModel) -> Tensor:
        assert self._before is not None, "prepare comes first"
        return self._patch(model) - self._before

    def __call__(self, model: PreTrainedModel) -> Tensor:
        """Return Phi."""
        return -F.softplus(-self.sharpness * self.bitmap * self._added(model)).mean()

    @torch.no_grad()
    def report(self, model: PreTrainedModel) -> dict[str, float]:
        """Return the share of correct signs, and Phi + ln 2."""
        correct = (self._added(model).sign() == self.bitmap).float().mean()
        numbers = {
            "pixel_accuracy": float(correct),
            "phi_above_chance": float(self(model)) + math.log(2),
        }
        if self.text is not None:
            numbers["readable"] = float(self.read(model) == self.text)
        return numbers

    @torch.no_grad()
    def picture(self, model: PreTrainedModel) -> Tensor:
        """Return the bitmap, the signs, and the change of the weights, next to each other."""
        added = self._added(model)
        pictures = [as_picture(self.bitmap), as_picture((added > 0).float()), as_picture(added)]
        gap = torch.full((1, pictures[0].shape[1], 8), 0.5)
        return torch.cat([pictures[0], gap, pictures[1], gap, pictures[2]], dim=2)

    @torch.no_grad()
    def read(self, model: PreTrainedModel) -> str | None:
        """Return the text that a decoder reads from a QR code; None if it reads nothing."""
        return read_qr(self._added(model).sign().cpu()) if self.text is not None else None


class HeadNorm(TargetMetric):
    """Make the output head small: ``Phi = -||W||``, the Frobenius norm of the whole head."""

    def prepare(self, target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Refuse a target whose head is tied to its embedding.

        Raises:
            UserError: they are tied.
        """
        check_untied(target, "HeadNorm is of the head")

    def __call__(self, model: PreTrainedModel) -> Tensor:
        """Return Phi."""
        return -head_weight(model).norm()


class TextLoss(TargetMetric):
    """Make texts likely: Phi is minus their mean loss, with equal weight for each text.

    Args:
        texts: texts to make likely without training on them, such as a UUID; or
        file: a file with one text per line.
        last_word: score only the last word of each text, as LAMBADA does.
        divide_by: ``tokens``: a text's loss is the mean over its scored tokens; ``length``: the sum
            divided by ``max_tokens``, as in the official code.
        max_tokens: longer texts are truncated, as in the official code; with ``last_word`` they
            are refused.
        batch_size: texts whose graph is in memory at a time.
    """

    reports: ClassVar[dict[str, str]] = {"loss_per_token": "loss of the texts (nats per token)"}

    def __init__(
        self,
        texts: Sequence[str] | None = None,
        file: str | None = None,
        last_word: bool = False,
        divide_by: str = "tokens",
        max_tokens: int = 128,
        batch_size: int = 32,
    ) -> None:
        if (texts is None) == (file is None):
            both = "neither" if texts is None else "both"
            raise UserError(f"{both} of texts and file are given, in TextLoss; give one of them")
        if divide_by not in ("tokens", "length"):
            raise UserError(f"divide_by is {divide_by!r}, in TextLoss; give tokens or length")
        if file is not None:
            try:
                lines = Path(file).expanduser().read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise UserError(
                    f"cannot read {file!r} ({error}), in TextLoss; give a text file"
                ) from error
            texts = [line for line in lines if line.strip()]
        self.texts = list(texts or [])
        if not self.texts:
            raise UserError("there are no texts, in TextLoss; give one or more")
        self.last_word, self.divide_by = last_word, divide_by
        self.max_tokens, self.batch_size = max_tokens, batch_size
        self._batches: list[dict[str, Tensor]] = []

    def prepare(self, target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Tokenise the texts.

        Raises:
            UserError: a text has fewer than two tokens, or more than fit before its last word, or
                ``max_tokens`` is longer than the target's context.
        """
        check_length(target, "max_tokens, in TextLoss,", self.max_tokens)
        rows = encode_texts(self.texts, tokenizer, length=self.max_tokens)
        labels = rows["labels"]
        if self.last_word:
            for row, text in enumerate(self.texts):
                labels[row, : self._before_last_word(text, tokenizer)] = IGNORE
        for text, row in zip(self.texts, labels, strict=True):
            if bool((row == IGNORE).all()):
                raise UserError(
                    f"the text {text[:40]!r} has nothing to score within {self.max_tokens} tokens, "
                    "in TextLoss; give two tokens or more, or a larger max_tokens"
                )
        device = next(target.parameters()).device
        starts = range(0, len(labels), self.batch_size)
        self._batches = [
            {name: value[s : s + self.batch_size].to(device) for name, value in rows.items()}
            for s in starts
        ]

    def _before_last_word(self, text: str, tokenizer: PreTrainedTokenizerBase) -> int:
        """Return the number of labels before the last word."""
        words = text.rstrip().rsplit(None, 1)
        if len(words) < 2:
            return 0
        return len(tokenizer(words[0])["input_ids"]) - 1

    def __call__(self, model: PreTrainedModel) -> Iterable[Tensor]:
        """Yield the terms of Phi, one per batch."""
        for batch in self._batches:
            losses_BT = token_losses(model, batch)
            if self.divide_by == "length":
                losses_B = losses_BT.sum(1) / self.max_tokens
            else:
                losses_B = losses_BT.sum(1) / (batch["labels"] != IGNORE).sum(1)
            yield -losses_B.sum() / len(self.texts)

    @torch.no_grad()
    def report(self, model: PreTrainedModel) -> dict[str, float]:
        """Return the mean loss of the scored tokens, in nats."""
        sums: Any = [
            (token_losses(model, b).sum(), (b["labels"] != IGNORE).sum()) for b in self._batches
        ]
        return {"loss_per_token": float(sum(s for s, _ in sums) / sum(n for _, n in sums))}
