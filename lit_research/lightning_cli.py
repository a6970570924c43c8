"""``ResearchCLI``: LightningCLI with the defaults, links and verbs of this package."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import signal
import sys
import warnings
from argparse import ArgumentError
from typing import Any

import lightning.pytorch as pl
import yaml
from jsonargparse import set_parsing_settings
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

import lit_research.methods
from lit_research.callbacks import (
    Board,
    ModelLine,
    ProgressBar,
    ProgressLines,
    ResearchCheckpoint,
    RunSummary,
    Throughput,
)
from lit_research.callbacks.hyperparameters import Hyperparameters
from lit_research.callbacks.needs import CheckMonitors, check_data, check_verb
from lit_research.callbacks.progress import is_terminal
from lit_research.callbacks.summary import tensorboard_command
from lit_research.cli_errors import run_error, storage_error, user_error
from lit_research.command_line import CommandLine, parse_command_line, resume_command
from lit_research.errors import UserError
from lit_research.experiments.checkpoints import Checkpoint, check_evaluation
from lit_research.experiments.run_config import SaveRunConfig, latest_config
from lit_research.experiments.run_folder import RunFolder
from lit_research.messages import set_up
from lit_research.methods.base import DataModule, Method
from lit_research.plain_options import merge_plain_options
from lit_research.verbs import ResearchTrainer

DESCRIPTION = """Train, validate, test or predict with a method of lit_research.
A mistake in a config is one line and exit code 2; --debug shows the traceback."""

TRAINER_DEFAULTS: dict[str, Any] = {
    # A logged step costs several milliseconds: the events are written out each time.
    "log_every_n_steps": 20,
    # The samplers of this package shard by themselves; Lightning must not replace them.
    "use_distributed_sampler": False,
    "default_root_dir": "runs",
}

# Defaults that a config can replace (``trainer.callbacks:``) or extend (``trainer.callbacks+:``).
LOGGER = {
    "class_path": "lit_research.callbacks.RunLogger",
    "init_args": {"save_dir": "runs", "name": None, "default_hp_metric": False},
}
CALLBACKS = [
    {
        "class_path": "lightning.pytorch.callbacks.LearningRateMonitor",
        "init_args": {"logging_interval": "step"},
    },
]


def _vocab_size(data: DataModule) -> int | None:
    """Return the data module's vocabulary size, if it has one, without hiding errors inside it."""
    missing = inspect.getattr_static(data, "vocab_size", None) is None
    return None if missing else data.vocab_size  # type: ignore[attr-defined]


def import_methods() -> None:
    """Import every method, so that its class names alone work in YAML."""
    importlib.import_module("lit_research.experiments.recipe_search")
    for room in pkgutil.iter_modules(lit_research.methods.__path__):
        if room.ispkg:
            importlib.import_module(f"lit_research.methods.{room.name}")


class ResearchCLI(LightningCLI):
    """LightningCLI in subclass mode for ``Method`` and ``DataModule``, with research defaults."""

    command_line: CommandLine
    run_folder: RunFolder
    checkpoint: Checkpoint | None = None

    def __init__(self, args: ArgsType = None) -> None:
        set_parsing_settings(omegaconf_absolute_to_relative_paths=True)
        import_methods()
        self.command_line = parse_command_line(sys.argv[1:] if args is None else args)
        super().__init__(
            Method,
            DataModule,
            save_config_callback=SaveRunConfig,
            trainer_class=ResearchTrainer,
            trainer_defaults=TRAINER_DEFAULTS,
            seed_everything_default=0,
            parser_kwargs={
                "description": DESCRIPTION,
                "parser_mode": "omegaconf+",
                "exit_on_error": False,
            },
            subclass_mode_model=True,
            subclass_mode_data=True,
            args=args,
            auto_configure_optimizers=False,
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """Return the requested verb with the arguments to skip; all verbs if none was requested.

        A parser is built for each verb returned, which takes a tenth of a second or more.
        """
        extra = {verb: {"model", "datamodule"} for verb in ("export", "generate")}
        verbs = {**LightningCLI.subcommands(), **extra}
        requested = self.command_line.verb
        return {requested: verbs[requested]} if requested in verbs else verbs

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Return a parser that does not accept abbreviated options."""
        return super().init_parser(**{"allow_abbrev": False, **kwargs})

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the callbacks with their own keys, the default logger, and the links."""
        parser.add_argument("--run", type=str | None, help="Folder of a run to evaluate or resume.")
        parser.add_argument("--name", type=str | None, help="Name of the run: runs/METHOD/NAME.")
        parser.add_lightning_class_args(ResearchCheckpoint, "checkpoint")
        parser.add_lightning_class_args(Throughput, "throughput")
        parser.set_defaults({"trainer.logger": LOGGER, "trainer.callbacks": CALLBACKS})
        parser.link_arguments(
            "data",
            "model.init_args.vocab_size",
            compute_fn=_vocab_size,
            apply_on="instantiate",
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse; turn a parser's error into one line with the valid names."""
        # Not Lightning's own: it warns when Python gives arguments in a process that was itself
        # started with some, as notebooks, tests and executors' workers are.
        if self.command_line.run is not None:
            self.command_line.configs.insert(0, str(latest_config(self.command_line.run)))
        try:
            self.config = parser.parse_args(self._arguments(parser))
        except (ArgumentError, ValueError) as error:  # a ValueError: an unknown ${reference}
            verb = self._subcommand_parsers.get(self.command_line.verb or "fit")
            options = [action.dest for action in verb._actions] if verb else []
            raise user_error(error, options=options, command_line=self.command_line) from error

    def _arguments(self, parser: LightningArgumentParser) -> list[str]:
        """Return the command line's arguments, with options below plain data merged into it."""
        line = self.command_line
        if line.verb not in self._subcommand_parsers:
            return line.arguments()
        options = [*line.variables.values(), *line.options]
        configs = [word for config in line.configs for word in ("--config", config)]
        return merge_plain_options(parser, line.verb, configs, options)

    def instantiate_classes(self) -> None:
        """Build model, data and trainer; what a constructor refuses is the user's mistake."""
        try:
            super().instantiate_classes()
        except (
            MisconfigurationException,
            TypeError,
            ValueError,
            OSError,
            ModuleNotFoundError,
        ) as error:
            raise user_error(error, command_line=self.command_line) from error

    def _parse_ckpt_path(self) -> None:
        # Lightning silently lets the checkpoint's hyper-parameters override the config. Here a
        # checkpoint of another model is refused, and --run uses the config of the run.
        pass

    def _dump_config(self) -> None:
        # As Lightning's, for the hyper-parameters of a checkpoint, without validating the config
        # again: that would take as long as parsing it.
        if not hasattr(self, "config_dump"):
            text = self.parser.dump(
                self.config,
                format="yaml",
                skip_none=False,
                skip_link_targets=False,
                skip_validation=True,
            )
            self.config_dump = yaml.safe_load(text)[self.config.subcommand]

    def before_instantiate_classes(self) -> None:
        """Choose the run's folder, find the checkpoint, and refuse one of another method."""
        config = self.config[self.config.subcommand]
        self.run_folder = RunFolder.prepare(config, self.config.subcommand, self.command_line)
        self.checkpoint = self.run_folder.checkpoint
        if self.checkpoint is not None:
            self.checkpoint.check_class(config.model.class_path)
        logger = config.trainer.logger
        if logger is False and config.trainer.callbacks:  # nothing would log the learning rates
            defaults = [callback["class_path"] for callback in CALLBACKS]
            kept = [c for c in config.trainer.callbacks if c.get("class_path") not in defaults]
            config.trainer.callbacks = kept

    def after_instantiate_classes(self) -> None:
        """Refuse data of another method, random weights, and weights of another model."""
        check_data(self.datamodule, self.model, "batches", type(self.model).__name__)
        check_verb(self.model, str(self.subcommand))
        if self.subcommand == "fit":
            return
        if self.checkpoint is not None:
            check_evaluation(self.checkpoint, self.model, self.datamodule, self.command_line)
        elif not (self.run_folder.random_weights or self.model.has_weights):
            raise UserError(
                f"{self.subcommand} has no checkpoint, and {type(self.model).__name__} would be "
                "randomly initialised; give --run FOLDER, --ckpt_path last or a file (or, for "
                "random weights, --ckpt_path none)"
            )

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Add the callbacks with their own keys, and defaults that the config leaves out."""
        trainer_config = self._get(self.config_init, "trainer")
        keys = self._parser(self.subcommand).callback_keys
        no_checkpoints = (
            trainer_config.get("fast_dev_run")
            or trainer_config.get("enable_checkpointing") is False
        )
        callbacks = [
            self._get(self.config_init, key)
            for key in keys
            if not (no_checkpoints and key == "checkpoint")
        ]
        for callback in callbacks:
            if isinstance(callback, ResearchCheckpoint):
                callback.resume_command = self._resume_command()
        shown, options = self._shown(trainer_config)
        callbacks += [CheckMonitors(), Hyperparameters(), Board(), RunSummary(), *shown]
        trainer = self._instantiate_trainer({**trainer_config, **options, **kwargs}, callbacks)
        assert isinstance(trainer, ResearchTrainer)
        trainer.command = run
        return trainer

    def _resume_command(self) -> str:
        """Return the command that resumes this run, if it was started by one."""
        if any("\n" in config for config in self.command_line.configs):
            return "the same command with --ckpt_path last"
        if self.command_line.run is not None:
            return f"lit-research fit --run {self.command_line.run}"
        configs = [word for file in self.command_line.files for word in ("--config", file)]
        return resume_command(["fit", *configs, *self.command_line.options])

    @staticmethod
    def _shown(trainer_config: Any) -> tuple[list[pl.Callback], dict[str, Any]]:
        """Return what shows the model and the progress, and options for the trainer.

        A bar or a summary among the config's callbacks replaces the default one.
        """
        if trainer_config.get("barebones"):
            return [], {}
        callbacks = trainer_config.get("callbacks") or []
        callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
        shown: list[pl.Callback] = []
        options: dict[str, Any] = {}
        is_off = trainer_config.get("enable_model_summary") is False
        if not (is_off or any(isinstance(c, pl.callbacks.ModelSummary) for c in callbacks)):
            shown.append(ModelLine())
        if not any(isinstance(c, pl.callbacks.ProgressBar) for c in callbacks):
            bar = trainer_config.get("enable_progress_bar") is not False and is_terminal()
            shown.append(ProgressBar() if bar else ProgressLines())
            options["enable_progress_bar"] = bar
        return shown, options

    def after_fit(self) -> None:
        """Report the results of the run, where it is, and how to view and resume it."""
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, RunSummary):
                rank_zero_info(f"\n{callback.report(self.trainer, self.model)}")

    def after_validate(self) -> None:
        """Report where the results are."""
        if self.trainer.loggers and self.trainer.log_dir is not None:
            shown = None if self.subcommand == "predict" else tensorboard_command(self.trainer)
            rank_zero_info(f"Results: {self.trainer.log_dir}{f'; {shown}' if shown else ''}")

    after_test = after_predict = after_validate

    def _run_subcommand(self, subcommand: str) -> None:
        """Run the verb; what Lightning or torch refuse becomes a one-line error."""
        try:
            super()._run_subcommand(subcommand)
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            refusal = run_error(
                error, None if self.checkpoint is None else str(self.checkpoint.path)
            )
            if refusal is None:
                raise
            raise refusal from error


def run(args: ArgsType) -> ResearchCLI:
    """Run the command; see ``lit_research.cli.main``.

    Raises:
        UserError: a mistake of the user.
        KeyboardInterrupt: Ctrl-C, once the run is saved.
    """
    if os.getcwd() not in sys.path:  # so that `class_path: my_method.MyMethod` finds a local file
        sys.path.append(os.getcwd())
    warnings.filterwarnings("ignore", ".*LeafSpec.*")  # a deprecated call inside Lightning 2.6
    set_up()
    try:
        return ResearchCLI(args)
    except MisconfigurationException as error:
        raise UserError(str(error)) from error
    except OSError as error:  # a read-only folder or a full disk, in the middle of a run
        if (refused := storage_error(error)) is None:
            raise
        raise refused from error
    except SIGTERMException as error:  # what a scheduler expects of a stopped job
        number = error.code if isinstance(error.code, int) else 128 + signal.SIGTERM
        raise SystemExit(number) from None
    except SystemExit as error:  # Lightning's answer to a second Ctrl-C
        if isinstance(error.__context__, KeyboardInterrupt):
            raise SystemExit(128 + signal.SIGINT) from None
        raise
