"""The ``lit-research`` command: LightningCLI with our defaults and links, and nothing else.

    lit-research fit --config configs/pretrain/tiny.yaml [--model.init_args.z_loss 1e-4]

``main`` is for Python and notebooks (arguments as a list or dict, mistakes raise ``UserError``);
``command`` is for the shell (mistakes are one line on stderr and exit code 2).
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import pkgutil
import signal
import sys
import warnings
from argparse import ArgumentError
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import yaml
from jsonargparse import set_parsing_settings
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

import lit_research.methods
from lit_research.callbacks import ProgressBar, ResearchCheckpoint, Throughput
from lit_research.cli_errors import storage_error, user_error
from lit_research.errors import UserError
from lit_research.methods.base import DataModule, Method
from lit_research.runs import RunFolder, SaveRunConfig

DEBUG_VARIABLE = "LIT_RESEARCH_DEBUG"

DESCRIPTION = """Train, validate, test or predict with a method of lit_research.
A mistake in a config is one line and exit code 2; --debug shows the traceback."""

TRAINER_DEFAULTS: dict[str, Any] = {
    # A logged step costs several milliseconds: the events are written out each time.
    "log_every_n_steps": 20,
    # Our samplers shard by themselves; Lightning must not put its own in their place.
    "use_distributed_sampler": False,
    "default_root_dir": "runs",
}

# Defaults that a config can replace (``trainer.callbacks:``) or extend (``trainer.callbacks+:``).
LOGGER = {
    "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
    "init_args": {"save_dir": "runs", "name": None, "default_hp_metric": False},
}
CALLBACKS = [
    {
        "class_path": "lightning.pytorch.callbacks.LearningRateMonitor",
        "init_args": {"logging_interval": "step"},
    },
]


def _vocab_size(data: DataModule) -> int | None:
    """Return the data module's vocabulary, if it has one; an error inside it is not hidden."""
    missing = inspect.getattr_static(data, "vocab_size", None) is None
    return None if missing else data.vocab_size  # type: ignore[attr-defined]


def config_dir() -> Path:
    """Return the folder of the configs that come with the package."""
    return Path(__file__).parent / "configs"


def _as_words(args: dict[str, Any]) -> list[str]:
    """Turn ``{"subcommand": VERB, VERB: config}`` into the command line that says the same.

    jsonargparse parses a dict without the modes that a config has (references, ``callbacks+``).
    """
    verb = args["subcommand"]
    return [verb, "--config", yaml.safe_dump(args[verb])]


def import_methods() -> None:
    """Import every method's room, so that its class names alone work in YAML."""
    for room in pkgutil.iter_modules(lit_research.methods.__path__):
        if room.ispkg:
            importlib.import_module(f"lit_research.methods.{room.name}")


class ResearchCLI(LightningCLI):
    """LightningCLI in subclass mode for ``Method`` and ``DataModule``, with research defaults."""

    def __init__(self, args: ArgsType = None) -> None:
        set_parsing_settings(omegaconf_absolute_to_relative_paths=True)
        import_methods()
        super().__init__(
            Method,
            DataModule,
            save_config_callback=SaveRunConfig,
            trainer_defaults=TRAINER_DEFAULTS,
            seed_everything_default=0,
            parser_kwargs={
                "description": DESCRIPTION,
                "parser_mode": "omegaconf+",
                "default_env": True,
                "env_prefix": "LIT_RESEARCH",
                "exit_on_error": False,
            },
            subclass_mode_model=True,
            subclass_mode_data=True,
            args=args,
            auto_configure_optimizers=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the callbacks with a key of their own, the default logger, and the links."""
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
        """Parse, and turn a parser's error into one line with the names that would be right."""
        # Not Lightning's own: it warns when Python gives arguments in a process that was itself
        # started with some, as notebooks, tests and executors' workers are.
        given = sys.argv[1:] if args is None else args
        try:
            self.config = parser.parse_args(_as_words(args) if isinstance(args, dict) else args)
        except (ArgumentError, ValueError) as error:  # a ValueError: an unknown ${reference}
            options = [action.dest for action in self._subcommand_parsers["fit"]._actions]
            words = given if isinstance(given, list) else []
            files = [word for word in words if word.endswith((".yaml", ".yml", ".json"))]
            raise user_error(error, options=options, files=files) from error

    def instantiate_classes(self) -> None:
        """Build the parts; what a constructor refuses is the user's mistake."""
        try:
            super().instantiate_classes()
        except (MisconfigurationException, TypeError, ValueError, OSError) as error:
            raise user_error(error) from error

    def _parse_ckpt_path(self) -> None:
        # Lightning lets the checkpoint's hyper-parameters win over the config without a word. That
        # is right for evaluation; for `fit`, ResearchCheckpoint refuses a checkpoint of another
        # config and says what differs.
        if self.config.subcommand != "fit":
            super()._parse_ckpt_path()

    def before_instantiate_classes(self) -> None:
        """Choose the run's folder and find the checkpoint of ``--ckpt_path last``."""
        config = self.config[self.config.subcommand]
        self.run_folder = RunFolder.prepare(config, verb=self.config.subcommand)

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Add the callbacks that have a place of their own, where the config leaves it to us."""
        trainer_config = self._get(self.config_init, "trainer")
        keys = self._parser(self.subcommand).callback_keys
        off = (
            trainer_config.get("fast_dev_run")
            or trainer_config.get("enable_checkpointing") is False
        )
        callbacks = [
            self._get(self.config_init, key) for key in keys if not (off and key == "checkpoint")
        ]
        if self._needs_progress_bar(trainer_config):
            callbacks.append(ProgressBar())
        return self._instantiate_trainer({**trainer_config, **kwargs}, callbacks)

    @staticmethod
    def _needs_progress_bar(trainer_config: Any) -> bool:
        given = trainer_config.get("callbacks") or []
        given = given if isinstance(given, list) else [given]
        has_one = any(isinstance(callback, pl.callbacks.ProgressBar) for callback in given)
        off = trainer_config.get("enable_progress_bar") is False or trainer_config.get("barebones")
        return not (has_one or off)

    def after_fit(self) -> None:
        """Write the run's hyper-parameters with the metrics that it ended with."""
        # Under a name of their own: TensorBoard would add them to the curves, at step 0.
        metrics = {f"final/{k}": float(v) for k, v in self.trainer.callback_metrics.items()}
        hparams = {"model": dict(self.model.hparams), "data": dict(self.datamodule.hparams)}
        for section in hparams.values():
            section.pop("_instantiator", None)
        for logger in self.trainer.loggers:
            if isinstance(logger, pl.loggers.TensorBoardLogger):
                logger.log_hyperparams(hparams, metrics)
                logger.save()


def main(args: ArgsType = None) -> ResearchCLI:
    """Run the command from Python and return its parts (``.model``, ``.datamodule``, ``.trainer``).

    Args:
        args: as on the command line, as a list or a dict; ``None`` reads ``sys.argv``.

    Raises:
        UserError: a mistake in the config or in what it names.
    """
    # A deprecated call inside Lightning 2.6, and advertising lines of its start-up summary.
    warnings.filterwarnings("ignore", ".*LeafSpec.*")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: "💡 Tip" not in str(record.msg)
    )
    if os.getcwd() not in sys.path:  # so that `class_path: my_method.MyMethod` finds a local file
        sys.path.append(os.getcwd())
    try:
        return ResearchCLI(args)
    except MisconfigurationException as error:
        raise UserError(str(error)) from error
    except OSError as error:  # a read-only folder or a full disk, in the midst of a run
        if (refused := storage_error(error)) is None:
            raise
        raise refused from error


def command() -> None:
    """Entry point of ``lit-research``: exit code 2 and one line for a user's mistake."""
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        os.environ[DEBUG_VARIABLE] = "1"  # the processes that DDP starts inherit it
    try:
        main()
    except UserError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        print(f"lit-research: error: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except SIGTERMException:
        raise SystemExit(
            128 + signal.SIGTERM
        ) from None  # what a scheduler expects of a stopped job


if __name__ == "__main__":
    command()
