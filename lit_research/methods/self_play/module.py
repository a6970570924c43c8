"""``SelfPlay``: Solver, Conjecturer and Guide prove theorems together, judged by Lean."""

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

    A step of the trainer is a round: the Conjecturer writes a statement for each unsolved target;
    the Solver attempts targets and conjectures k times each; Lean judges; the Solver learns from
    its proofs of what it seldom proves, the Conjecturer from conjectures that were seldom proved
    and that the Guide finds relevant and clean. With a ``warm_start`` the first step is that.

    Args:
        lm: language model that both players start as: ``{model_type: llama, ...}`` builds one,
            ``{folder: PATH}`` loads one.
        vocab_size: number of tokens; the command takes it from the data.
        lean: the judge, by class path; None is ``EmbeddedLean``.
        guide: grades conjectures, by class path: ``RuleGuide``, ``LanguageModelGuide`` or your own
            ``Guide``; None is the ablation without one (the solve rate alone is the reward).
        form: prompts and how answers are read, by class path; None is ``PlainFormat``.
        rules: of a round: the fields of ``Rules``; ``objective`` is a name of ours, or your own
            ``Objective`` by class path.
        update: how players are trained on a round: the fields of ``Update``.
        warm_start: supervised training before the first round: the fields of ``WarmStart``; None
            for models that can write proofs already.
        weights: ``untied``, ``tied`` or ``lora``.
        lora_rank: of ``lora``.
        max_new_tokens: of a proof or a conjecture; L_max of the overlong penalty.
        temperature: of the sampling in training and evaluation; 0, the likeliest token, is not for
            ``fit``.
        top_p: of the sampling.
        engine: writes what the players say with their live weights: a class path, with
            ``init_args`` such as ``batch_size``, the texts that are written side by side.
        optimizer: makes the optimiser of each player.
        attention: ``sdpa``, ``flash`` or ``math``.
        dtype: of the weights.
        activation_checkpointing: keep one activation a layer in an update, compute the rest again
            in backward.
        eval_attempts: attempts at each theorem in validation, test and predict.
        output: file that ``predict`` writes; None is ``predict-step=N/proofs.jsonl`` in the run's
            folder.
        seed: of the sampling; None takes ``seed_everything``.
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
        # A checkpoint's values win over the command's; how to evaluate is the command's own.
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
        """Refuse, for ``fit`` alone, what leaves nothing to learn or to grade.

        Raises:
            UserError: attempts are all alike, or a warm start or a Guide would have no effect.
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
        """Keep what the rounds remember."""
        checkpoint[STATE] = self.state.as_plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore it from the checkpoint."""
        self.state = PlayState.from_plain(checkpoint[STATE])

    @property
    def archive(self) -> Archive:
        """The run's file of everything that was tried; each process has its own."""
        if self._archive is None:
            folder, rank = run_folder(self.trainer), self.global_rank
            name = "attempts.sqlite" if rank == 0 else f"attempts.rank{rank}.sqlite"
            self._archive = Archive(folder / name if folder else None)
        return self._archive

    @property
    def game(self) -> Game:
        """What this process plays with, as things stand."""
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
        """Refuse what would fail after the first round: let Lean prove, and the Guide grade.

        Raises:
            UserError: DDP that expects every parameter in every step, or a Lean or a Guide that
                cannot run.
        """
        check_strategy(self.trainer.strategy, self.hparams["weights"])
        self.lean.check()
        if self.guide is not None:
            self.guide.check()

    def on_train_start(self) -> None:
        """Play no further round where a run that has ended is taken up again."""
        if self.rules.is_over(self.state.generations):
            self.trainer.should_stop = True

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Play a round, or warm up in the first step."""
        number, data = int(batch["round"]), datamodule(self.trainer)
        if self.warm_start is not None and number == 0:
            theorems = getattr(data, "warm", [])
            warm_up(self.game, self.warm_start, theorems, self.optimizer, self._log_warm_start)
            known = [theorem.id for theorem in data.targets]
            self.state.history.append([0, 0, self.state.share_solved(known)])
        else:
            self._play(number, data.targets, batch["targets"])
        self.count_step()

    def _play(self, number: int, theorems: list[Theorem], batch: list[int]) -> None:
        """Play a round, log it, and end the run where the rules say so."""
        wrapped: Any = self.optimizers()
        optimizers = dict(zip(ROLES, (each.optimizer for each in wrapped), strict=True))
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
        """Return the weight of each conjecture that the Conjecturer learns from.

        Override it to try another rule; the Solver's is ``rules.objective``.

        Args:
            game: what the round is played with.
            report: of the round; the keys are numbers of its ``conjectures``.
        """
        return conjecturer_weights(game, report)

    def on_validation_epoch_start(self) -> None:
        """Begin to collect theorems."""
        self._collected = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect theorems, to attempt all of them at once."""
        held_out = datamodule(self.trainer).held_out
        self._collected += [held_out[number] for number in batch["targets"]]

    def on_validation_epoch_end(self) -> None:
        """Attempt them; log pass@k, and the share of the targets solved so far.

        The command ``validate`` attempts the targets too.
        """
        is_verb = self.trainer.state.fn == TrainerFn.VALIDATING
        self._evaluate(self.game, "val", attempt_targets=is_verb)

    def on_test_epoch_start(self) -> None:
        """Begin to collect theorems."""
        self._collected = []

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect theorems."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Attempt them; verify every proof of the run anew; fit the law of the solve rate.

        Raises:
            UserError: a proof that was counted is not one.
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
        """Begin the file of proofs."""
        folder = Path(self.trainer.log_dir or ".")
        file = Path(self.output) if self.output else folder / "proofs.jsonl"
        self._proofs = ProofFile(self.game, file, self.eval_attempts)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Attempt the theorems of a batch; return the number that were proved."""
        attempted = datamodule(self.trainer).attempted
        return self._proofs.prove([attempted[number] for number in batch["targets"]])

    def on_predict_end(self) -> None:
        """Say what was proved."""
        self._proofs.finish()

    def teardown(self, stage: str) -> None:
        """End Lean's processes; close the archive."""
        self.lean.close()
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def sample(
        self, prompts: list[str], *, max_new_tokens: int, temperature: float, seed: int
    ) -> list[str]:
        """Let the Solver continue ``prompts``; one text each."""
        engine = self.engine_of(self.players.model(SOLVER))
        written = engine.generate(
            prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed
        )
        return [completion.text for completion, *_ in written]

    def models(self) -> Generator[tuple[str, PreTrainedModel], None, None]:
        """Iterate over the players, each in a folder of its role."""
        for role in ROLES:
            yield role, self.players.exported(role)
