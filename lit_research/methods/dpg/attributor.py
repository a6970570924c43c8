"""``Attributor``: fine-tune the target on texts, and differentiate through it for their rewards.

``tau_i = dPhi/dw_i`` at w = 1, through the whole run (Thrush et al. 2026, arXiv 2604.08423). Every
run starts from the same target and a new optimiser state, and uses each text once per pass.

Legend: N texts, G prompts, n texts per prompt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from lit_research.metagrad import (
    Run,
    SequenceLosses,
    Training,
    metagradient,
    train,
    value_at,
)
from lit_research.methods.dpg.core import Scale, advantages, shuffled
from lit_research.methods.dpg.inner_run import Inner
from lit_research.methods.dpg.metrics import TargetMetric
from lit_research.methods.dpg.target import check_length, encode_texts
from lit_research.metrics import gather_objects
from lit_research.text import permutation
from lit_research.text.sampling import rank_and_world_size

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Reward = Literal["metagradient", "dataset", "shuffled"]


@dataclass
class Rewards:
    """The rewards of the texts of one step.

    Args:
        tau: reward of each text, ``[N]`` in the order given, or ``[G, n]`` by prompt.
        undivided: tau times the divisor of the losses of the text's batch, of the same shape: the
            rewards of the official code, which differentiates by the undivided loss of a text.
        phi: the metric after the inner run; the mean over several runs.
        runs: the finished inner runs.
    """

    tau: Tensor
    undivided: Tensor
    phi: float
    runs: list[Run] = field(repr=False)

    def advantages(self, scale: Scale, *, grouped: bool = True) -> Tensor:
        """Return the advantages of the texts, ``[N]``.

        Args:
            scale: ``relative`` uses ``tau``, ``official`` uses ``undivided``.
            grouped: compare a text with those of its prompt; else with all texts.
        """
        rewards = self.undivided if scale == "official" else self.tau
        return advantages(rewards if grouped else rewards.reshape(1, -1), scale).flatten()


def gathered(texts: list[str]) -> tuple[list[str], slice]:
    """Return the texts of all processes, and the slice of those of this one."""
    by_rank = gather_objects(texts)
    rank, _ = rank_and_world_size(None, None)
    start = sum(map(len, by_rank[:rank]))
    return [text for of_rank in by_rank for text in of_rank], slice(start, start + len(texts))


@contextlib.contextmanager
def exactly(device: torch.device) -> Iterator[None]:
    """Switch off autocast, and the inference mode that Lightning wraps around a test."""
    with torch.inference_mode(False), torch.autocast(device.type, enabled=False):
        yield


class Attributor:
    """Trains the target on texts and computes the reward of each text.

    Args:
        target: theta_0; its weights are not changed.
        tokenizer: tokenizer of the target.
        metric: Phi; ``prepare`` is called here.
        inner: settings of the inner run.

    Raises:
        UserError: the metric does not fit the target.
    """

    def __init__(
        self,
        target: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        metric: TargetMetric,
        inner: Inner,
    ) -> None:
        self.target, self.tokenizer, self.metric, self.inner = target, tokenizer, metric, inner
        self._device = next(target.parameters()).device
        self._tried = False
        check_length(target, "length, in inner,", inner.length)
        with exactly(self._device):
            metric.prepare(target, tokenizer)

    def training(self, texts: Sequence[str]) -> tuple[Training, list[Tensor]]:
        """Return the inner run on texts, and the indices of the texts of each step."""
        inner, device = self.inner, self._device
        rows = encode_texts(texts, self.tokenizer, length=inner.length, padding=inner.padding)
        steps = [
            batch
            for epoch in range(inner.passes)
            for batch in torch.from_numpy(
                permutation(len(texts), seed=inner.shuffle_seed, epoch=epoch)
            ).split(inner.batch_size)
        ]
        batches = [{name: value[i].to(device) for name, value in rows.items()} for i in steps]
        training = Training(
            model=self.target,
            batches=batches,
            losses=SequenceLosses(inner.divide_by),
            optimizer=inner.make_optimizer(),
            divisor=inner.divisor,
            micro_batch=inner.micro_batch,
            save=inner.save,
            store=inner.store,
            # The same model and losses each time: one preflight is enough.
            preflight=not self._tried,
        )
        return training, steps

    def _train(self, training: Training, weights: list[Tensor] | None) -> Run:
        run = train(training, weights)
        self._tried = True
        return run

    def run(self, texts: Sequence[str], weights: Tensor | None = None) -> tuple[Run, float]:
        """Train the target on texts; return the run and the metric after it.

        Args:
            texts: the N training texts.
            weights: weight w of each text, ``[N]``; None is 1.
        """
        with exactly(self._device):
            training, steps = self.training(texts)
            step_weights = None if weights is None else [weights[batch] for batch in steps]
            run = self._train(training, step_weights)
            return run, value_at(run, self.metric)

    def attribute(self, texts: Sequence[str]) -> Rewards:
        """Return ``tau_i = dPhi/dw_i`` of each text."""
        with exactly(self._device):
            training, steps = self.training(texts)
            run = self._train(training, None)
            gradient = metagradient(run, self.metric)
        # The reward of a text that is read several times is the sum.
        tau = gradient.weights[0].new_zeros(len(texts))
        undivided = tau.clone()
        for batch, weights in zip(steps, gradient.weights, strict=True):
            rows = batch.to(tau.device)
            tau.index_add_(0, rows, weights)
            undivided.index_add_(0, rows, weights * (self.inner.divisor or len(batch)))
        return Rewards(tau, undivided, gradient.value, [run])

    def rewards(
        self, texts: Sequence[str], n: int, *, kind: Reward, together: bool, seed: int
    ) -> Rewards:
        """Return the rewards of the n texts of each prompt, ``[G, n]``.

        Args:
            texts: the texts, grouped by prompt, N = G n.
            n: texts per prompt.
            kind: ``metagradient``; ``dataset``: train on n data sets with one text of each prompt,
                and reward all texts of a data set with the metric after it (the naive baseline);
                ``shuffled``: metagradients shuffled among all texts (a control).
            together: train one target on all texts; else n targets, as for ``dataset``.
            seed: seed of the shuffled rewards.
        """
        if kind == "dataset" or not together:
            columns = [self._data_set_rewards(texts[j::n], kind) for j in range(n)]
            tau = torch.stack([c.tau for c in columns], dim=1)
            undivided = torch.stack([c.undivided for c in columns], dim=1)
            phi = sum(c.phi for c in columns) / n
            rewards = Rewards(tau, undivided, phi, [run for c in columns for run in c.runs])
        else:
            rewards = self.attribute(texts)
            rewards.tau = rewards.tau.view(-1, n)
            rewards.undivided = rewards.undivided.view(-1, n)
        if kind == "shuffled":
            rewards.tau = shuffled(rewards.tau, seed)
            rewards.undivided = shuffled(rewards.undivided, seed)
        return rewards

    def _data_set_rewards(self, texts: Sequence[str], kind: Reward) -> Rewards:
        if kind != "dataset":
            return self.attribute(texts)
        run, phi = self.run(texts)
        shared = torch.full((len(texts),), phi, dtype=torch.float64)
        return Rewards(shared, shared, phi, [run])
