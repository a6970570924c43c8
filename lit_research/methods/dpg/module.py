"""``DatasetPolicyGradient``: train a generator whose texts move a target's weights where one wants.

Legend: G prompts of a step, n texts of each, N = G n, T tokens of a row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import Attention, check_lm_spec, lm_from_spec, token_log_probs
from lit_research.lm.engines import Completion, EngineCallable, TransformersEngine
from lit_research.methods.base import datamodule
from lit_research.methods.dpg.attributor import Attributor, Reward, gathered
from lit_research.methods.dpg.checks import WHERE, check_sampling, check_sizes
from lit_research.methods.dpg.core import Scale, policy_loss
from lit_research.methods.dpg.inner_run import Inner
from lit_research.methods.dpg.metrics import TargetMetric
from lit_research.methods.dpg.target import make_target
from lit_research.methods.dpg.target_evaluation import TargetEvaluation
from lit_research.methods.dpg.tensorboard import DECISIVE_CURVES, READING, decisive_curves, log_step
from lit_research.methods.dpg.writing import DataSetWriter
from lit_research.methods.pretrain import Schedule, check_recipe, optimizer_with_schedule
from lit_research.methods.text import TextMethod
from lit_research.seeds import numbered_seed, resolve_seed
from lit_research.sft import completion_rows
from lit_research.text import load_tokenizer, vocabulary_size

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class DatasetPolicyGradient(TextMethod):
    """Train a generator by policy gradient; each text's reward is its influence on a target.

    A step: the generator continues the prompts; the target is fine-tuned on the texts, from the
    same start each time; ``tau_i``, the derivative of the metric by the weight of text i through
    all of that training, is its reward (Thrush et al. 2026, arXiv 2604.08423).

    Args:
        generator: language model that writes: ``{model_type: llama, ...}`` builds one,
            ``{folder: PATH}`` loads one.
        target: language model that is trained on what was written, likewise. Its head must not be
            tied to its embedding if the metric reads the head.
        metric: Phi, by class path: ``Bitmap``, ``HeadNorm``, ``TextLoss`` or your own
            ``TargetMetric``.
        inner: how the target is trained: the fields of ``Inner``.
        vocab_size: of the generator; the command takes it from the data.
        target_tokenizer: as for ``Prompts``; None is the target's own if it is loaded, else the
            generator's.
        target_seed: of a target that is built; None is ``seed``.
        target_dtype: ``float32`` or ``float64``.
        rollouts: texts of each prompt, n; ``fit`` compares two or more.
        max_new_tokens: of a text, at most.
        temperature: of the sampling; 0, the likeliest token, is not for ``fit``.
        reward: ``metagradient``; ``dataset`` (the naive baseline: one metric for each of n data
            sets) or ``shuffled`` (a control).
        cross_group_batching: train one target on all texts of a step; else n targets, each on one
            text of each prompt.
        advantage_scale: ``relative`` divides tau by its deviation in the group; ``official`` has
            the official code's rewards, tau times ``inner.divisor``, and adds 1e-6 to theirs.
        mini_batch: texts of an update of the generator; None is all of a step.
        micro_batch: texts of an update whose graph is held at a time; None is all of them.
        epochs: passes over a step's texts.
        clip_ratio: of the policy's ratio.
        max_grad_norm: of the generator's gradient; None does not clip.
        optimizer: makes the generator's optimiser; its learning rate is the peak.
        schedule: learning rate after the warm-up: ``constant``, ``cosine`` or ``linear``.
        warmup: share of the steps over which the learning rate rises to its peak.
        end_lr: learning rate at the end of ``cosine`` or ``linear``.
        warmup_from_zero: begin the warm-up at 0 (the first update is null), as optax does.
        attention: of the generator: ``sdpa``, ``flash`` or ``math``.
        generator_dtype: of the generator's weights.
        engine: writes the texts with the live weights: a class path, with ``init_args`` such as
            ``batch_size``, the texts that are written side by side.
        test_rounds: texts of each prompt of validation and test; None is ``rollouts``.
        output: the ``datasets`` folder that ``predict`` writes; None is ``predict-step=N/texts`` in
            the run's.
        seed: of the sampling; None takes ``seed_everything``.
    """

    decisive_curves, reading = DECISIVE_CURVES, READING
    generator: PreTrainedModel
    defines, returns = ("generator", "target", "vocab_size"), ()
    needs = {**TextMethod.needs, "batches": ("prompts", "tokenizer")}

    def __init__(
        self,
        generator: dict[str, Any],
        target: dict[str, Any],
        metric: TargetMetric,
        inner: Inner,
        vocab_size: int,
        target_tokenizer: str | None = None,
        target_seed: int | None = None,
        target_dtype: str = "float32",
        rollouts: int = 4,
        max_new_tokens: int = 128,
        temperature: float = 1.0,
        reward: Reward = "metagradient",
        cross_group_batching: bool = True,
        advantage_scale: Scale = "relative",
        mini_batch: int | None = None,
        micro_batch: int | None = None,
        epochs: int = 1,
        clip_ratio: float = 0.2,
        max_grad_norm: float | None = 1.0,
        optimizer: OptimizerCallable = lambda params: torch.optim.AdamW(
            params, lr=1e-3, weight_decay=0.0
        ),
        schedule: Schedule = "constant",
        warmup: float = 0.0,
        end_lr: float = 0.0,
        warmup_from_zero: bool = False,
        attention: Attention = "sdpa",
        generator_dtype: str = "float32",
        engine: EngineCallable = lambda model, tokenizer: TransformersEngine(
            model, tokenizer, batch_size=1024
        ),
        test_rounds: int | None = None,
        output: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        for name, spec in (("generator", generator), ("target", target)):
            check_lm_spec(name, spec, WHERE)
        self.keep_hyperparameters()
        check_sizes(self.hparams)
        check_recipe(self.hparams, WHERE)
        self.hparams["seed"] = resolve_seed(seed)
        # A checkpoint's values win over the command's; where to write is the command's own.
        self._output = self.hparams.pop("output")
        self.optimizer, self.metric, self.inner = optimizer, metric, inner
        self.engine = engine
        self.decisive_curves = decisive_curves(metric)
        self.automatic_optimization = False
        self._attributor: Attributor | None = None

    @property
    def has_weights(self) -> bool:
        """Whether the generator is loaded, not built."""
        return "folder" in self.hparams["generator"]

    def setup(self, stage: str) -> None:
        """Refuse sampling from which nothing can be learned; the other verbs can use it.

        Raises:
            UserError: the verb is ``fit``, and texts are all alike or compared with none.
        """
        if stage == "fit":
            check_sampling(self.hparams)

    def configure_model(self) -> None:
        """Build the generator."""
        if hasattr(self, "generator"):
            return
        args = self.hparams
        self.generator = lm_from_spec(
            args["generator"],
            args["vocab_size"],
            attention=args["attention"],
            dtype=args["generator_dtype"],
        )

    def configure_optimizers(self) -> Any:
        """Return the generator's optimiser and its schedule."""
        groups = [{"params": list(self.generator.parameters())}]
        return optimizer_with_schedule(self, self.optimizer, groups)

    @property
    def attributor(self) -> Attributor:
        """The target with its metric. It is no part of the module: nothing of it is learned."""
        if self._attributor is None:
            target, tokenizer = self._target()
            self._attributor = Attributor(target, tokenizer, self.metric, self.inner)
        return self._attributor

    def _target(self) -> tuple[PreTrainedModel, Any]:
        args = self.hparams
        name, tokenizer = args["target_tokenizer"], datamodule(self.trainer).tokenizer
        if name is None and "folder" in args["target"]:
            name = args["target"]["folder"]
        tokenizer = tokenizer if name is None else load_tokenizer(name)
        seed = args["seed"] if args["target_seed"] is None else args["target_seed"]
        dtype = args["target_dtype"]
        target = make_target(args["target"], vocabulary_size(tokenizer), seed, dtype, self.device)
        return target, tokenizer

    def on_fit_start(self) -> None:
        """Build the target, and refuse a metric that does not fit it, before anything is done."""
        self._attributor = self.attributor

    def write(self, prompts: list[list[int]], n: int, seed: int | list[int]) -> list[Completion]:
        """Continue each prompt n times with the live weights; those of one prompt lie together.

        Args:
            prompts: token ids of each.
            n: texts of each prompt.
            seed: of the sampling; or one for each prompt.

        Raises:
            UserError: a prompt cannot be continued.
        """
        args = self.hparams
        of_prompts = self.engine_of(self.generator).generate(
            prompts,
            max_new_tokens=args["max_new_tokens"],
            temperature=args["temperature"],
            n=n,
            seed=seed,
        )
        found = [completion for of_prompt in of_prompts for completion in of_prompt]
        for one in found:
            if one.failed:
                raise UserError(
                    f"prompt {one.prompt_index} of a batch was not continued: {one.finish_reason}; "
                    "in DatasetPolicyGradient: shorten the prompts, or give the generator a longer "
                    "context"
                )
        return found

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Write, reward, update."""
        args, n = self.hparams, self.hparams["rollouts"]
        step = self.global_step
        # Dropout would make the policy that is updated another than the one that wrote.
        self.generator.eval()
        # Ranks write different texts; a step's texts follow from (seed, step, rank).
        seed = numbered_seed(args["seed"], step) * 4_096 + self.global_rank
        completions = self.write(batch["prompts"], n, seed)
        # One target for the texts of all processes: each of them trains it, and keeps its own part.
        texts, own = gathered([c.text for c in completions])
        rewards = self.attributor.rewards(
            texts,
            n,
            kind=args["reward"],
            together=args["cross_group_batching"],
            seed=numbered_seed(args["seed"], step),
        )
        # Members of one data set share a reward, and groups would compare what is equal.
        grouped = args["reward"] != "dataset"
        worth = rewards.advantages(args["advantage_scale"], grouped=grouped)[own]
        self._update(batch["prompts"], completions, worth.to(self.device), seed)
        log_step(self, rewards, texts, completions)

    def _update(
        self, prompts: list[list[int]], completions: list[Completion], worth: Tensor, seed: int
    ) -> None:
        """Take the optimiser's steps on one step's texts."""
        args, total = self.hparams, len(completions)
        rows = completion_rows(prompts, completions, self.device)
        size = min(args["mini_batch"] or total, total)
        micro = min(args["micro_batch"] or size, size)
        draw = torch.Generator().manual_seed(seed)
        parts = [
            part
            for _ in range(args["epochs"])
            for part in torch.randperm(total, generator=draw).split(size)
        ]
        old = None
        if len(parts) > 1:
            with torch.no_grad():
                every = torch.arange(total).split(micro)
                old = torch.cat([self._log_probs(rows, piece) for piece in every])
        optimizer: Any = self.optimizers()
        for number, part in enumerate(parts):
            optimizer.zero_grad()
            own, written = [], rows["mask"][part].sum().clamp(min=1)
            for piece in part.split(micro):
                log_probs = self._log_probs(rows, piece)
                before = log_probs.detach() if old is None else old[piece]
                mask = rows["mask"][piece]
                loss = policy_loss(log_probs, before, worth[piece], mask, clip=args["clip_ratio"])
                tokens, nats = mask.sum(), -(log_probs.detach() * mask).sum()
                self.manual_backward(loss * (tokens / written))
                own.append(torch.stack([loss.detach() * tokens, nats, tokens]))
            self.configure_gradient_clipping(optimizer.optimizer, args["max_grad_norm"], "norm")
            # Lightning counts calls of its own wrapper: one for each step of ours.
            last = number == len(parts) - 1
            (optimizer if last else optimizer.optimizer).step()
        self.lr_schedulers().step()  # type: ignore[union-attr]
        if self.is_logged_step:
            # Means over tokens, of which ranks have written different numbers.
            *sums, tokens = self.trainer.strategy.reduce(torch.stack(own).sum(0), reduce_op="sum")
            for name, total in zip(("policy_loss", "entropy"), sums, strict=True):
                self.log(f"train/{name}", total / tokens.clamp(min=1))

    def _log_probs(self, rows: dict[str, Tensor], part: Tensor) -> Tensor:
        """Return the log-probabilities of the written tokens at the sampling's temperature."""
        logits = self.generator(input_ids=rows["input_ids"][part], use_cache=False).logits
        return token_log_probs(logits / self.hparams["temperature"], rows["labels"][part])

    def on_validation_epoch_start(self) -> None:
        """Begin to collect texts."""
        self._fresh = TargetEvaluation(self, "val")

    def on_test_epoch_start(self) -> None:
        """Begin to collect texts."""
        self._fresh = TargetEvaluation(self, "test")

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Write for held-out prompts."""
        self._fresh.add(batch)

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Write for held-out prompts."""
        self._fresh.add(batch)

    def on_validation_epoch_end(self) -> None:
        """Train a fresh target on what was written."""
        self._fresh.finish()

    def on_test_epoch_end(self) -> None:
        """Train a fresh target on what was written; read it."""
        self._fresh.finish()

    def on_predict_start(self) -> None:
        """Begin the data set, or go on with one that was interrupted."""
        self._writer = DataSetWriter(self, self._output)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Write for the prompts of a batch; return the number of texts."""
        return self._writer.write(batch)

    def on_predict_end(self) -> None:
        """Put the data set together."""
        self._writer.finish()

    @contextlib.contextmanager
    def trained(self, run: Any) -> Iterator[PreTrainedModel]:
        """Lend the target with a run's weights in it; its own come back."""
        target = self.attributor.target
        own = run.layout.read(target)
        run.load_into(target)
        try:
            yield target
        finally:
            run.layout.write(target, own)

    def numbers(self, run: Any) -> dict[str, float]:
        """Return what the metric reports of a trained target."""
        with self.trained(run) as target:
            return self.metric.report(target)

    def models(self) -> Generator[tuple[str, PreTrainedModel], None, None]:
        """Iterate over the generator alone."""
        yield "", self.generator
