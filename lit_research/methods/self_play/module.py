"""``SelfPlay``: Self-Guided Self-Play as a Lightning module; one training step is one round."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info

from lit_research.figures import add_text, code_block
from lit_research.lean import EmbeddedLean, LeanServer
from lit_research.lm import Attention, check_lm_spec
from lit_research.lm.engines import EngineCallable, TransformersEngine
from lit_research.methods.base import datamodule, run_folder
from lit_research.methods.self_play.archive import Archive, ArchivedLean
from lit_research.methods.self_play.checks import (
    WHERE,
    check_fit,
    check_sampling,
    check_strategy,
)
from lit_research.methods.self_play.conjecturer import conjecturer_weights
from lit_research.methods.self_play.evaluation import evaluate
from lit_research.methods.self_play.formats import Format, PlainFormat
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.guides import Guide
from lit_research.methods.self_play.monitor import round_line, round_metrics, show_round
from lit_research.methods.self_play.players import (
    ROLES,
    SOLVER,
    Players,
    Weights,
    Writer,
    check_weights,
)
from lit_research.methods.self_play.proof_file import ProofFile
from lit_research.methods.self_play.replay import law_report, replay, solved_table
from lit_research.methods.self_play.rounds import play_round
from lit_research.methods.self_play.rules import Rules
from lit_research.methods.self_play.state import PlayState
from lit_research.methods.self_play.updates import Update
from lit_research.methods.self_play.warm_start import WarmStart, warm_up
from lit_research.methods.self_play.worker import Worker
from lit_research.methods.text import TextMethod
from lit_research.seeds import resolve_seed

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from lit_research.lean.corpus import Theorem
    from lit_research.methods.self_play.monitor import RoundReport

STATE = "self_play"


class SelfPlay(TextMethod):
    """Self-Guided Self-Play (Bailey et al. 2026, arXiv 2604.20209).

    A training step is a round: the Conjecturer writes a conjecture for each unsolved target; the
    Solver attempts targets and conjectures k times each; Lean verifies the proofs. The Solver is
    trained on its proofs of problems that it rarely solves, the Conjecturer on conjectures that are
    rarely solved and that the Guide grades as relevant and clean. With a ``warm_start``, the first
    step is the warm start.

    Args:
        lm: initial language model of both players: ``{model_type: llama, ...}`` initialises one
            randomly, ``{folder: PATH}`` loads one.
        vocab_size: number of tokens; the command takes it from the data.
        lean: verifies proofs, by class path; None is ``EmbeddedLean``.
        guide: grades conjectures, by class path: ``RuleGuide``, ``LanguageModelGuide`` or your own
            ``Guide``; None is the ablation without a Guide (the reward is 1 - solve rate).
        form: prompts and parsing of answers, by class path; None is ``PlainFormat``.
        rules: of a round: the fields of ``Rules``; ``objective`` is a name, or your own
            ``Objective`` by class path.
        update: how players are trained on the samples of a round: the fields of ``Update``.
        warm_start: supervised training before the first round: the fields of ``WarmStart``; None
            for models that can already write proofs.
        weights: ``untied``, ``tied`` or ``lora``.
        lora_rank: rank of the adapters of ``lora``.
        max_new_tokens: of a proof or a conjecture; L_max of the overlong penalty.
        temperature: of the sampling in training and evaluation; must be above 0 for ``fit``.
        top_p: of the sampling.
        engine: generates with the current weights of the players: a class path, with
            ``init_args`` such as ``batch_size``, the number of texts generated at once.
        optimizer: makes the optimiser of each player.
        attention: ``sdpa``, ``flash`` or ``math``.
        dtype: of the weights.
        activation_checkpointing: keep one activation per layer in an update, and recompute the
            others in the backward pass.
        eval_attempts: attempts at each theorem in validation, test and predict.
        output: file that ``predict`` writes; None is ``predict-step=N/proofs.jsonl`` in the run's
            folder.
        seed: of the sampling; None uses ``seed_everything``.
    """

    decisive_curves = {
        "targets with a proof (share of 1)": ["self_play/solve_rate"],
        "held-out theorems proved (share of 1)": ["val/pass_at_1", "val/pass_at_k"],
        "conjectures that are disjunctions (share of 1)": [
            "val/disjunctive_share",
            "val/target_disjunctive_share",
        ],
    }
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the share of targets with a proof, which should rise round by round. "
        "Conjectures have collapsed where their disjunctive share leaves that of the targets."
    )

    players: Players
    defines = ("lm", "vocab_size", "weights", "lora_rank")
    needs = {**TextMethod.needs, "batches": ("targets", "tokenizer")}
    returns = ()

    def __init__(
        self,
        lm: dict[str, Any],
        vocab_size: int,
        lean: LeanServer | None = None,
        guide: Guide | None = None,
        form: Format | None = None,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        update: Update = Update(),  # noqa: B008 - plain data, never changed
        warm_start: WarmStart | None = None,
        weights: Weights = "untied",
        lora_rank: int = 16,
        max_new_tokens: int = 8192,
        temperature: float = 1.0,
        top_p: float = 1.0,
        engine: EngineCallable = lambda model, tokenizer: TransformersEngine(
            model, tokenizer, batch_size=256
        ),
        optimizer: OptimizerCallable = lambda params: torch.optim.AdamW(
            params, lr=3e-6, betas=(0.9, 0.95), weight_decay=0.0
        ),
        attention: Attention = "sdpa",
        dtype: str = "float32",
        activation_checkpointing: bool = False,
        eval_attempts: int = 8,
        output: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_lm_spec("lm", lm, WHERE)
        check_weights(weights, lora_rank, WHERE)
        sizes = {"max_new_tokens": max_new_tokens, "eval_attempts": eval_attempts}
        check_sampling(sizes, temperature, top_p)
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        # Hyperparameters of a checkpoint override the command's; these two belong to the command.
        self.output = self.hparams.pop("output")
        self.eval_attempts = self.hparams.pop("eval_attempts")
        self.lean, self.guide, self.form = lean or EmbeddedLean(), guide, form or PlainFormat()
        self.rules, self.update, self.warm_start = rules, update, warm_start
        self.optimizer, self.engine = optimizer, engine
        self.automatic_optimization = False
        self.state = PlayState()
        self._archive: Archive | None = None
        self._collected: list[Theorem] = []

    def setup(self, stage: str) -> None:
        """Refuse combinations of arguments with which ``fit`` would have nothing to train on.

        Raises:
            UserError: see ``check_fit``.
        """
        if stage == "fit":
            args = self.hparams
            check_fit(self.rules, self.warm_start, self.guide, args["weights"], args["temperature"])

    def configure_model(self) -> None:
        """Build the players."""
        if hasattr(self, "players"):
            return
        args = self.hparams
        self.players = Players(
            args["lm"],
            args["vocab_size"],
            args["weights"],
            args["lora_rank"],
            args["attention"],
            args["dtype"],
            args["activation_checkpointing"],
        )

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Return an optimiser for each player."""
        return [self.optimizer(self.players.parameters_of(role)) for role in ROLES]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the state of the rounds."""
        checkpoint[STATE] = self.state.as_plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of the rounds."""
        self.state = PlayState.from_plain(checkpoint[STATE])

    @property
    def archive(self) -> Archive:
        """The archive of the run; each process has its own file."""
        if self._archive is None:
            folder, rank = run_folder(self.trainer), self.global_rank
            name = "attempts.sqlite" if rank == 0 else f"attempts.rank{rank}.sqlite"
            self._archive = Archive(folder / name if folder else None)
        return self._archive

    @property
    def game(self) -> Game:
        """Everything that this process plays a round with, in its current state."""
        args = self.hparams
        writer = Writer(
            self.players,
            self.engine_of,
            datamodule(self.trainer).tokenizer,
            max_new_tokens=args["max_new_tokens"],
            temperature=args["temperature"],
            top_p=args["top_p"],
        )
        return Game(
            writer,
            ArchivedLean(self.lean, self.archive),
            self.state,
            self.rules,
            self.form,
            self.guide,
            self.update,
            worker=Worker.of(self),
            seed=args["seed"],
        )

    def on_fit_start(self) -> None:
        """Fail early: let Lean verify a proof, and the Guide answer.

        Raises:
            UserError: DDP expects a gradient of every parameter in every step, or Lean or the Guide
                cannot run.
        """
        check_strategy(self.trainer.strategy, self.hparams["weights"])
        self.lean.check()
        if self.guide is not None:
            self.guide.check()

    def on_train_start(self) -> None:
        """Play no further round when a finished run is resumed."""
        if self.rules.is_over(self.state.generations):
            self.trainer.should_stop = True

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Play a round; with a ``warm_start``, the first step is that."""
        number, data = int(batch["round"]), datamodule(self.trainer)
        if self.warm_start is not None and number == 0:
            theorems = getattr(data, "warm", [])
            warm_up(self.game, self.warm_start, theorems, self.optimizer, self._log_warm_start)
            target_ids = [theorem.id for theorem in data.targets]
            self.state.history.append([0, 0, self.state.share_solved(target_ids)])
        else:
            self._play(number, data.targets, batch["targets"])
        self.count_step()

    def _play(self, number: int, theorems: list[Theorem], batch: list[int]) -> None:
        """Play a round and log it; stop the run at ``max_generations``."""
        wrapped: Any = self.optimizers()  # as LightningOptimizer
        optimizers = dict(zip(ROLES, (wrapper.optimizer for wrapper in wrapped), strict=True))
        game = replace(self.game, optimizers=optimizers)
        report = play_round(game, number, theorems, batch, self.conjecturer_weights)
        for name, value in round_metrics(game, report).items():
            self.log(name, value, batch_size=1, prog_bar=name == "self_play/solve_rate")
        show_round(self.trainer, report)
        rank_zero_info(round_line(self.state, report))
        if self.rules.is_over(self.state.generations):
            self.trainer.should_stop = True

    def _log_warm_start(self, step: int, loss: float) -> None:
        for logger in self.trainer.loggers:
            logger.log_metrics({"warm_start/loss": loss}, step)

    def conjecturer_weights(self, game: Game, report: RoundReport) -> dict[int, float]:
        """Return the weight of each conjecture that the Conjecturer trains on.

        Override it for another reward; the Solver's objective is ``rules.objective``.

        Args:
            game: what the round is played with.
            report: of the round; the keys are indices of its ``conjectures``.
        """
        return conjecturer_weights(game, report)

    def on_validation_epoch_start(self) -> None:
        """Start with an empty list of theorems."""
        self._collected = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect the theorems of a batch, to attempt all of them at once."""
        held_out = datamodule(self.trainer).held_out
        self._collected += [held_out[index] for index in batch["targets"]]

    def on_validation_epoch_end(self) -> None:
        """Attempt the theorems; log pass@k, and the share of the targets solved so far.

        The command ``validate`` also attempts the targets.
        """
        is_verb = self.trainer.state.fn == TrainerFn.VALIDATING
        self._evaluate(self.game, "val", attempt_targets=is_verb)

    def on_test_epoch_start(self) -> None:
        """Start with an empty list of theorems."""
        self._collected = []

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect the theorems of a batch, to attempt all of them at once."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Attempt the theorems, verify every proof of the run again, fit the law of the solve rate.

        Raises:
            UserError: an attempt that was recorded as proved is not a proof.
        """
        game, targets = self.game, datamodule(self.trainer).targets
        self._evaluate(game, "test")
        replayed = replay(game, targets)
        self._log_results(replayed.metrics())
        if targets:
            table, law = solved_table(self.state, targets), law_report(self.state.history)
            rank_zero_info(f"\n{table}\n\n{law}")
            add_text(self.trainer, "self_play/solved", code_block(table))
            add_text(self.trainer, "law/robustness", code_block(law))
        replayed.check()

    def _evaluate(self, game: Game, stage: str, *, attempt_targets: bool = False) -> None:
        targets = datamodule(self.trainer).targets
        self._log_results(
            evaluate(
                game,
                stage,
                self._collected,
                targets,
                self.eval_attempts,
                attempt_targets=attempt_targets,
            )
        )

    def _log_results(self, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self.log_result(name, value, prog_bar=name.endswith("/pass_at_k"))

    def on_predict_start(self) -> None:
        """Open the file of proofs."""
        folder = Path(self.trainer.log_dir or ".")
        file = Path(self.output) if self.output else folder / "proofs.jsonl"
        self._proofs = ProofFile(self.game, file, self.eval_attempts)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Attempt the theorems of a batch; return the number of proved ones."""
        attempted = datamodule(self.trainer).attempted
        return self._proofs.prove([attempted[index] for index in batch["targets"]])

    def on_predict_end(self) -> None:
        """Report how many theorems were proved."""
        self._proofs.finish()

    def teardown(self, stage: str) -> None:
        """Terminate Lean's processes; close the archive."""
        self.lean.close()
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def sample(
        self, prompts: list[str], *, max_new_tokens: int, temperature: float, seed: int
    ) -> list[str]:
        """Return one completion of each prompt, generated by the Solver."""
        engine = self.engine_of(self.players.model(SOLVER))
        completions = engine.generate(
            prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed
        )
        return [completion.text for completion, *_ in completions]

    def models(self) -> Generator[tuple[str, PreTrainedModel], None, None]:
        """Yield role and model of each player."""
        for role in ROLES:
            yield role, self.players.exported(role)
