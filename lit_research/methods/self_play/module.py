"""``SelfPlay``: Solver, Conjecturer and Guide prove theorems together, judged by Lean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.strategies import DDPStrategy

from lit_research.errors import UserError
from lit_research.lean import EmbeddedLean, LeanServer
from lit_research.lm import Attention, check_lm_spec, export_hf
from lit_research.lm.engines import TransformersEngine
from lit_research.methods.base import Method, datamodule, run_folder
from lit_research.methods.self_play.archive import Archive
from lit_research.methods.self_play.conjecturer import conjecturer_weights
from lit_research.methods.self_play.evaluation import Evaluation
from lit_research.methods.self_play.formats import Format, PlainFormat
from lit_research.methods.self_play.guides import Guide
from lit_research.methods.self_play.objectives import build_objective
from lit_research.methods.self_play.players import (
    CONJECTURER,
    SOLVER,
    Players,
    Role,
    Weights,
    Writer,
    check_weights,
)
from lit_research.methods.self_play.playing import Table
from lit_research.methods.self_play.proving import ProofWriter
from lit_research.methods.self_play.rounds import play_round
from lit_research.methods.self_play.rules import Rules
from lit_research.methods.self_play.state import PlayState
from lit_research.methods.self_play.updates import Update, UpdateReport, train_player
from lit_research.methods.self_play.warm_start import WarmStart, warm_up
from lit_research.seeds import resolve_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lit_research.methods.self_play.monitor import RoundReport
    from lit_research.methods.self_play.problems import Sample

WHERE = "in model.init_args of SelfPlay"
STATE = "self_play"
OPTIMIZERS: dict[Role, int] = {SOLVER: 0, CONJECTURER: 1}


class SelfPlay(Method):
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
        generation_batch: sequences that are written side by side.
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
    needs = {
        "batches": ("targets", "tokenizer"),
        "sample": ("tokenizer",),
        "export_hf": ("tokenizer",),
    }
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
        generation_batch: int = 256,
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
        sizes = {
            "max_new_tokens": max_new_tokens,
            "generation_batch": generation_batch,
            "eval_attempts": eval_attempts,
        }
        for name, value in sizes.items():
            if value < 1:
                raise UserError(f"{name} is {value}, {WHERE}: give 1 or more")
        if not 0 < top_p <= 1:
            raise UserError(f"top_p is {top_p}, {WHERE}: give a share above 0, at most 1")
        if not temperature >= 0:
            raise UserError(f"temperature is {temperature}, {WHERE}: give 0 or more")
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        # A checkpoint's values win over the command's; how to evaluate is the command's own.
        self.output = self.hparams.pop("output")
        self.eval_attempts = self.hparams.pop("eval_attempts")
        self.lean, self.guide, self.form = lean or EmbeddedLean(), guide, form or PlainFormat()
        self.rules, self.update, self.warm_start = rules, update, warm_start
        self.objective = build_objective(rules.objective)
        self.optimizer = optimizer
        self.automatic_optimization = False
        self.state = PlayState()
        self._archive: Archive | None = None

    def setup(self, stage: str) -> None:
        """Refuse, for ``fit`` alone, what leaves nothing to learn or to grade.

        Raises:
            UserError: attempts are all alike, or a warm start or a Guide would have no effect.
        """
        args, rules = self.hparams, self.rules
        if stage != "fit":
            return
        if args["temperature"] == 0:
            raise UserError(
                f"temperature is {args['temperature']}, {WHERE}: give a number above 0; attempts "
                "that are all alike teach nothing"
            )
        if self.warm_start is not None and args["weights"] == "lora":
            raise UserError(
                f"weights is lora with a warm_start, {WHERE}: a base that is frozen learns nothing "
                "from it; load a trained base (lm: {folder: PATH}) or leave warm_start out"
            )
        if self.guide is not None and (rules.conjecturer == "stp" or rules.conjectures == 0):
            raise UserError(
                f"guide is {type(self.guide).__name__}, {WHERE}, but the rules leave it nothing to "
                f"grade (conjecturer: {rules.conjecturer}, conjectures: {rules.conjectures}): give "
                "guide: null"
            )

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
        return [self.optimizer(self.players.parameters_of(role)) for role in OPTIMIZERS]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the rounds remember."""
        checkpoint[STATE] = self.state.as_plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it back."""
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
    def table(self) -> Table:
        """Where the players sit."""
        args = self.hparams
        writer = Writer(
            self.players,
            datamodule(self.trainer).tokenizer,
            batch_size=args["generation_batch"],
            max_new_tokens=args["max_new_tokens"],
            temperature=args["temperature"],
            top_p=args["top_p"],
        )
        return Table(
            writer,
            self.form,
            self.lean,
            self.archive,
            self.rules,
            seed=args["seed"],
            rank=self.global_rank,
            world=self.trainer.world_size,
        )

    def on_fit_start(self) -> None:
        """Refuse what would fail after the first round: let Lean prove, and the Guide grade.

        Raises:
            UserError: DDP that expects every parameter in every step, or a Lean or a Guide that
                cannot run.
        """
        strategy = self.trainer.strategy
        expects_all = isinstance(strategy, DDPStrategy) and not strategy._ddp_kwargs.get(
            "find_unused_parameters"
        )
        if expects_all and self.hparams["weights"] != "tied":
            raise UserError(
                "strategy is ddp, in trainer, but the players are trained in turn: give "
                "ddp_find_unused_parameters_true"
            )
        self.lean.check()
        if self.guide is not None:
            self.guide.check()

    def on_train_start(self) -> None:
        """Play no further round where a run that has ended is taken up again."""
        if self.rules.is_over(self.state.generations):
            self.trainer.should_stop = True

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Play a round, or warm up in the first step."""
        number = int(batch["round"])
        if self.warm_start is not None and number == 0:
            warm_up(self, self.warm_start)
        else:
            play_round(self, number, batch["targets"])
        self.count_step()

    def conjecturer_weights(self, report: RoundReport) -> dict[int, float]:
        """Return the weight of each conjecture that the Conjecturer learns from.

        Override it to try another rule; the Solver's is ``rules.objective``.

        Args:
            report: of the round; the keys are numbers of its ``conjectures``.
        """
        return conjecturer_weights(self, report)

    def train_role(self, role: Role, samples: Sequence[Sample], round_: int) -> UpdateReport:
        """Train a player on the samples of a round."""
        optimizer: Any = self.optimizers()[OPTIMIZERS[role]]  # type: ignore[index]
        seed = (self.hparams["seed"] * 1_000_003 + round_) * 2 + OPTIMIZERS[role]
        raw, objective = optimizer.optimizer, self.objective
        if role == CONJECTURER:
            return train_player(self, role, samples, self.update, raw, seed=seed)
        return train_player(
            self,
            role,
            samples,
            self.update,
            raw,
            seed=seed,
            loss=objective.loss,
            keep_groups=objective.keeps_groups,
        )

    def on_validation_epoch_start(self) -> None:
        """Begin to collect theorems."""
        self._evaluation = Evaluation(self, "val")

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect theorems."""
        self._evaluation.add(batch)

    def on_validation_epoch_end(self) -> None:
        """Attempt them; log pass@k, and the share of the targets solved so far."""
        self._evaluation.finish()

    def on_test_epoch_start(self) -> None:
        """Begin to collect theorems."""
        self._evaluation = Evaluation(self, "test")

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Collect theorems."""
        self._evaluation.add(batch)

    def on_test_epoch_end(self) -> None:
        """Attempt them; verify every proof of the run anew; fit the law of the solve rate."""
        self._evaluation.finish()
        self._evaluation.replay()

    def on_predict_start(self) -> None:
        """Begin the file of proofs."""
        self._proofs = ProofWriter(self, self.output)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Attempt the theorems of a batch; return the number that were proved."""
        return self._proofs.prove(batch)

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
        engine = TransformersEngine(self.players.model(SOLVER), datamodule(self.trainer).tokenizer)
        completions = engine.generate(
            prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed
        )
        return [of_prompt[0].text for of_prompt in completions]

    def export_hf(self, folder: str) -> None:
        """Write both players and their tokenizer as transformers folders under ``folder``."""
        for role in OPTIMIZERS:
            tokenizer = datamodule(self.trainer).tokenizer
            export_hf(self.players.exported(role), tokenizer, f"{folder}/{role}")
