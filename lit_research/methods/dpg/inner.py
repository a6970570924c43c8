"""The inner run: ordinary fine-tuning of the target on what the generator wrote, and the rewards.

``tau_i = dPhi/dw_i`` at w = 1, through the whole run (Thrush et al. 2026, arXiv 2604.08423). The
target and its optimiser begin anew each time; every text is used exactly once.

Legend: N texts, n of them a prompt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.metagrad import (
    SGD,
    AdamW,
    Muon,
    Optimizer,
    Run,
    SequenceLosses,
    Training,
    metagradient,
    train,
    value_at,
)
from lit_research.methods.dpg.core import Scale, advantages, shuffled
from lit_research.methods.dpg.metrics import TargetMetric
from lit_research.methods.dpg.target_text import Padding, check_length, encode_texts
from lit_research.metrics import gather_objects
from lit_research.ranges import COUNT, check_range
from lit_research.text import permutation
from lit_research.text.sampling import place_in_world

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BUILT_IN: dict[str, type[Optimizer]] = {"adamw": AdamW, "sgd": SGD, "muon": Muon}
# Fields of ``Inner`` that say how the optimisers above are made.
OF_BUILT_IN = ("lr", "betas", "eps", "eps_root", "weight_decay")
Reward = Literal["metagradient", "dataset", "shuffled"]


@dataclass(frozen=True)
class Inner:
    """How the target is trained.

    Args:
        lr: learning rate, constant; None with an optimiser of your own, which has its own.
        optimizer: ``adamw``, ``sgd`` or ``muon``; or the class path of your own
            ``metagrad.Optimizer``, as ``{class_path: my_file.MyOptimizer, init_args: {...}}``, from
            which ``lr``, ``betas``, ``eps``, ``eps_root`` and ``weight_decay`` are left out.
        batch_size: texts of a step; N texts are N / batch_size steps.
        passes: over the texts, each in a new order; the paper's is 1.
        micro_batch: texts whose graph is held at a time; None is a whole batch.
        length: tokens of a text, S; longer ones are cut.
        betas: of AdamW.
        eps: of AdamW.
        eps_root: of AdamW, under its root.
        weight_decay: decoupled, of all parameters; None is the official code's: 1e-4, and 0 for
            ``sgd``, where it is written in its configs and not read.
        padding: ``masked`` or ``official``, see ``encode_texts``.
        divide_by: a text's loss is the sum over its tokens by ``length``, S, as in the paper; or
            by its ``tokens``.
        divisor: a batch's loss is the sum of its texts' by this number; None is its size. The
            official code has the size of its micro-batches (smaller ones in a last batch that is
            not full).
        save: states kept for the way back, see ``lit_research.metagrad``.
        store: where: ``ram``, ``pinned`` or ``disk:FOLDER``.
        shuffle_seed: of the order of the texts; the same in every run.
    """

    lr: float | None = None
    optimizer: str | dict[str, Any] = "adamw"
    batch_size: int = 1024
    passes: int = 1
    micro_batch: int | None = None
    length: int = 128
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    eps_root: float = 1e-9
    weight_decay: float | None = None
    padding: Padding = "masked"
    divide_by: Literal["length", "tokens"] = "length"
    divisor: float | None = None
    save: str = "sqrt"
    store: str = "ram"
    shuffle_seed: int = 42

    def __post_init__(self) -> None:
        sizes = {"batch_size": self.batch_size, "length": self.length, "passes": self.passes}
        check_range(COUNT, "in inner", **sizes)
        self.make_optimizer()  # refuses what it cannot be made of

    def make_optimizer(self) -> Optimizer:
        """Return the functional optimiser.

        Raises:
            UserError: there is no such optimiser, ``lr`` is missing, or a field is given that an
                optimiser of the user's own does not read.
        """
        if not isinstance(self.optimizer, str) or self.optimizer not in BUILT_IN:
            made: Optimizer = make_object(Optimizer, self.optimizer, BUILT_IN)  # type: ignore[type-abstract]
            for name in OF_BUILT_IN:
                if getattr(self, name) != getattr(Inner, name):
                    raise UserError(
                        f"{name} is {getattr(self, name)}, in inner, which the optimizer "
                        f"{type(made).__name__} does not read; must be in its init_args"
                    )
            return made
        if self.lr is None:
            raise UserError(f"lr is missing, in inner; the optimizer {self.optimizer!r} needs one")
        decay = self.weight_decay
        if decay is None:
            decay = 0.0 if self.optimizer == "sgd" else 1e-4
        if self.optimizer == "sgd":
            return SGD(self.lr, weight_decay=decay)
        adam = AdamW(self.lr, self.betas, self.eps, self.eps_root, decay)
        if self.optimizer == "muon":
            return Muon(self.lr, adam=adam, weight_decay=decay)
        return adam


@dataclass
class Rewards:
    """What the texts of one step are worth.

    Args:
        tau: of each text, ``[N]`` in the order given, or ``[G, n]`` by prompt.
        undivided: likewise, tau times what the losses of the text's batch were divided by: the
            rewards of the official code, which differentiates by the text's own loss.
        phi: the metric after the inner run; the mean of several runs.
        runs: the finished inner runs.
    """

    tau: Tensor
    undivided: Tensor
    phi: float
    runs: list[Run] = field(repr=False)

    def advantages(self, scale: Scale, *, grouped: bool = True) -> Tensor:
        """Return the advantages of the texts, ``[N]``.

        Args:
            scale: ``relative`` is of ``tau``, ``official`` of ``undivided``.
            grouped: a text is compared with those of its prompt; else with all texts.
        """
        rewards = self.undivided if scale == "official" else self.tau
        return advantages(rewards if grouped else rewards.reshape(1, -1), scale).flatten()


def gathered(texts: list[str]) -> tuple[list[str], slice]:
    """Return the texts of all processes, and where those of this one lie."""
    of_ranks = gather_objects(texts)
    rank, _ = place_in_world(None, None)
    start = sum(map(len, of_ranks[:rank]))
    return [text for some in of_ranks for text in some], slice(start, start + len(texts))


@contextlib.contextmanager
def exactly(device: torch.device) -> Iterator[None]:
    """Leave what Lightning puts around a step: autocast, and inference mode around a test."""
    with torch.inference_mode(False), torch.autocast(device.type, enabled=False):
        yield


class Attributor:
    """Trains the target on texts and says what each of them was worth.

    Args:
        target: theta_0; it is never changed.
        tokenizer: the target's.
        metric: Phi; it is prepared here.
        inner: how the target is trained.

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
        """Return the inner run on texts, and the numbers of the texts of each step."""
        inner, device = self.inner, self._device
        rows = encode_texts(texts, self.tokenizer, length=inner.length, padding=inner.padding)
        steps = [
            part
            for epoch in range(inner.passes)
            for part in torch.from_numpy(
                permutation(len(texts), seed=inner.shuffle_seed, epoch=epoch)
            ).split(inner.batch_size)
        ]
        batches = [{name: value[part].to(device) for name, value in rows.items()} for part in steps]
        training = Training(
            model=self.target,
            batches=batches,
            losses=SequenceLosses(inner.divide_by),
            optimizer=inner.make_optimizer(),
            divisor=inner.divisor,
            micro_batch=inner.micro_batch,
            save=inner.save,
            store=inner.store,
            # The same model and losses each time: tried once.
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
            texts: N of them.
            weights: w of each text, ``[N]``; None is 1.
        """
        with exactly(self._device):
            training, steps = self.training(texts)
            of_steps = None if weights is None else [weights[part] for part in steps]
            run = self._train(training, of_steps)
            return run, value_at(run, self.metric)

    def attribute(self, texts: Sequence[str]) -> Rewards:
        """Return ``tau_i = dPhi/dw_i`` of each text."""
        with exactly(self._device):
            training, steps = self.training(texts)
            run = self._train(training, None)
            found = metagradient(run, self.metric)
        # A text that is read several times is worth the sum.
        tau = found.weights[0].new_zeros(len(texts))
        undivided = tau.clone()
        for part, weights in zip(steps, found.weights, strict=True):
            rows = part.to(tau.device)
            tau.index_add_(0, rows, weights)
            undivided.index_add_(0, rows, weights * (self.inner.divisor or len(part)))
        return Rewards(tau, undivided, found.value, [run])

    def rewards(
        self, texts: Sequence[str], n: int, *, kind: Reward, together: bool, seed: int
    ) -> Rewards:
        """Return what the n texts of each prompt are worth, ``[G, n]``.

        Args:
            texts: those of one prompt after those of another, N = G n.
            n: texts of a prompt.
            kind: ``metagradient``; ``dataset``: n data sets with one text of each prompt are
                trained on, and the metric after each is the reward of all its texts (the naive
                baseline); ``shuffled``: metagradients dealt out to other texts (a control).
            together: one target is trained on all texts; else n targets, as for ``dataset``.
            seed: of the shuffled rewards.
        """
        if kind == "dataset" or not together:
            parts = [self._of_one(texts[j::n], kind) for j in range(n)]
            tau = torch.stack([p.tau for p in parts], dim=1)
            undivided = torch.stack([p.undivided for p in parts], dim=1)
            phi = sum(p.phi for p in parts) / n
            found = Rewards(tau, undivided, phi, [run for p in parts for run in p.runs])
        else:
            found = self.attribute(texts)
            found.tau, found.undivided = found.tau.view(-1, n), found.undivided.view(-1, n)
        if kind == "shuffled":
            found.tau, found.undivided = (shuffled(x, seed) for x in (found.tau, found.undivided))
        return found

    def _of_one(self, texts: Sequence[str], kind: Reward) -> Rewards:
        if kind != "dataset":
            return self.attribute(texts)
        run, phi = self.run(texts)
        alike = torch.full((len(texts),), phi, dtype=torch.float64)
        return Rewards(alike, alike, phi, [run])
