"""Where a run lives: ``runs/METHOD/CONFIG/version_N``, found again by ``--ckpt_path last``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from jsonargparse import Namespace
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from typing_extensions import override

from lit_research.callbacks import find_last_checkpoint

CONFIG_NAME = "config.yaml"


def _versions(folder: Path) -> list[Path]:
    """Return the folders of ``fit`` runs under ``folder``, oldest first."""
    found = [p for p in folder.glob("version_*") if re.fullmatch(r"version_\d+", p.name)]
    runs = [p for p in found if (p / CONFIG_NAME).is_file()]
    return sorted(runs, key=lambda p: int(p.name.removeprefix("version_")))


def _default_name(config: Namespace) -> str:
    """Return ``METHOD/CONFIG`` from the first config file, else the model's class name."""
    files = [file for file in config.get("config") or [] if file is not None]
    if files:
        path = Path(str(files[0]))
        return f"{path.absolute().parent.name}/{path.stem}"
    return str(config.model.class_path).rsplit(".", 1)[-1].lower()


@dataclass
class RunFolder:
    """The name of a run's folder and the checkpoint that it goes on from."""

    config: Namespace
    verb: str

    @classmethod
    def prepare(cls, config: Namespace, verb: str) -> RunFolder:
        """Fill in the logger's name, and resolve ``ckpt_path: last``, in ``config`` itself."""
        run = cls(config, verb)
        run._name_logger()
        if config.get("ckpt_path") == "last":
            run._resume_last()
        return run

    @property
    def _logger_args(self) -> Any:
        logger = self.config.trainer.get("logger")
        args = logger.get("init_args") if isinstance(logger, Namespace) else None
        known = args is not None and all(key in args for key in ("save_dir", "name", "version"))
        return args if known else None

    def _name_logger(self) -> None:
        args = self._logger_args
        if args is not None and args["name"] is None:
            args["name"] = _default_name(self.config)

    def _resume_last(self) -> None:
        """Go on in the newest run of this name: same folder, newest complete checkpoint."""
        self.config["ckpt_path"] = None
        args = self._logger_args
        if args is None:  # another logger: the checkpoints are where the callback was told
            folder = self.config.checkpoint.get("dirpath")
            checkpoint = find_last_checkpoint(Path(folder)) if folder else None
        else:
            root = Path(args["save_dir"]) / str(args["name"])
            runs = _versions(root)
            if args["version"] is not None:  # chosen: not the newest of other runs
                runs = [run for run in runs if run.name == f"version_{args['version']}"]
            if not runs:
                rank_zero_info(f"No earlier run under {root}: starting from the first step.")
                return
            args["version"] = int(runs[-1].name.removeprefix("version_"))
            folder = self.config.checkpoint.get("dirpath") or runs[-1] / "checkpoints"
            checkpoint = find_last_checkpoint(Path(folder))
        if checkpoint is None:
            rank_zero_info(f"No complete checkpoint in {folder}: starting from the first step.")
        else:
            rank_zero_info(f"Going on from {checkpoint}.")
            self.config["ckpt_path"] = str(checkpoint)


class SaveRunConfig(SaveConfigCallback):
    """Save the parsed config beside the run, and as TensorBoard text.

    ``fit`` writes ``config.yaml``; a resumed ``fit`` writes ``config.resume-N.yaml`` and leaves the
    first one alone; the other verbs write ``config.VERB.yaml``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "overwrite": True})

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        folder = trainer.log_dir  # on every rank: it is broadcast
        if trainer.is_global_zero and folder is not None and not self.already_saved:
            self.config_filename = self._file_name(Path(folder), TrainerFn(stage).value)
        super().setup(trainer, pl_module, stage)

    @staticmethod
    def _file_name(folder: Path, stage: str) -> str:
        if stage != "fit":
            return f"config.{stage}.yaml"
        if not (folder / CONFIG_NAME).exists():
            return CONFIG_NAME
        return f"config.resume-{len(list(folder.glob('config.resume-*.yaml'))) + 1}.yaml"

    @override
    def save_config(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        text = self.parser.dump(self.config, skip_none=False)
        for logger in trainer.loggers:
            if isinstance(logger, pl.loggers.TensorBoardLogger):
                logger.experiment.add_text("config", f"```yaml\n{text}\n```")
