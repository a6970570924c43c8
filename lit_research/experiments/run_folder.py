"""The folder of a run: ``runs/METHOD/CONFIG/version_N``, found by ``--ckpt_path last``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.utilities import rank_zero_info

from lit_research.callbacks import find_last_checkpoint
from lit_research.catalogue import base_of
from lit_research.command_line import CommandLine
from lit_research.errors import UserError
from lit_research.experiments.checkpoints import Checkpoint
from lit_research.experiments.run_config import CONFIG_NAME

NO_WEIGHTS = "none"  # --ckpt_path none: random weights, requested by name
# Verbs that read a run and leave no records.
READING = ("export", "generate")


def _versions(folder: Path) -> list[Path]:
    """Return the folders of ``fit`` runs under ``folder``, oldest first."""
    folders = [p for p in folder.glob("version_*") if re.fullmatch(r"version_\d+", p.name)]
    runs = [p for p in folders if (p / CONFIG_NAME).is_file()]
    return sorted(runs, key=_number)


def _number(version: Path) -> int:
    return int(version.name.removeprefix("version_"))


def _default_name(config: Namespace, command_line: CommandLine) -> str:
    """Return ``METHOD/CONFIG``, else the model's class name.

    CONFIG is the first config file or, if there are overlays (see ``catalogue.base_of``), the last
    one: its runs are not those of its base.
    """
    name = config.get("name")
    if name is not None and not re.fullmatch(r"\w[\w.+=,-]*", name):
        raise UserError(f"--name is {name!r}; must be letters, digits and any of . + = , - _")
    if command_line.files:
        overlays = [file for file in command_line.files if base_of(Path(file)) is not None]
        path = Path([command_line.files[0], *overlays][-1]).absolute()
        return f"{path.parent.name}/{name or path.stem}"
    method = str(config.model.class_path).rsplit(".", 1)[-1].lower()
    return method if name is None else f"{method}/{name}"


@dataclass
class RunFolder:
    """The name of a run's folder and the checkpoint that it resumes from.

    Args:
        config: of the verb; changed in place.
        verb: of the command.
        command_line: what the user gave.
        checkpoint: the one that is resumed or evaluated.
        random_weights: whether an evaluation of random weights was requested.
    """

    config: Namespace
    verb: str
    command_line: CommandLine
    checkpoint: Checkpoint | None = None
    random_weights: bool = False

    @classmethod
    def prepare(cls, config: Namespace, verb: str, command_line: CommandLine) -> RunFolder:
        """Fill in the logger's name, and resolve the checkpoint, in ``config`` itself."""
        run = cls(config, verb, command_line)
        for args in run._loggers:
            if args["name"] is None:
                args["name"] = _default_name(config, command_line)
        run._find_checkpoint()
        if run.checkpoint is not None:
            config["ckpt_path"] = str(run.checkpoint.path)
        if verb in READING:
            config.trainer.logger, config.trainer.callbacks = False, []
            config.trainer.enable_progress_bar = False
        elif verb != "fit":
            run._evaluate_in_own_folder()
        elif config.trainer.get("logger") is False and config.checkpoint.get("dirpath") is None:
            run._choose_folder()
        return run

    @property
    def _loggers(self) -> list[Any]:
        """Arguments of the loggers whose folder has a name and a version."""
        loggers = self.config.trainer.get("logger")
        loggers = loggers if isinstance(loggers, list) else [loggers]
        arguments = [logger.get("init_args") for logger in loggers if isinstance(logger, Namespace)]
        keys = ("save_dir", "name", "version")
        return [args for args in arguments if args is not None and all(key in args for key in keys)]

    @property
    def _root(self) -> Path | None:
        """Folder of the versions; ``None`` if the logger has none."""
        if self._loggers:
            return Path(self._loggers[0]["save_dir"] or ".") / str(self._loggers[0]["name"])
        if self.config.trainer.get("logger") is False:
            base = Path(self.config.trainer.get("default_root_dir") or ".")
            return base / _default_name(self.config, self.command_line)
        return None

    def _find_checkpoint(self) -> None:
        path = self.config.get("ckpt_path")
        if self.command_line.run is not None:
            self._take_run(Path(self.command_line.run))
        if path == NO_WEIGHTS:
            self.config["ckpt_path"], self.random_weights = None, True
        elif path == "last" or (path is None and self.command_line.run is not None):
            self.config["ckpt_path"] = None
            self._find_last()
        elif path is not None and "://" not in str(path):
            self.checkpoint = Checkpoint.open(Path(path))
            self._say_found("")

    def _take_run(self, run: Path) -> None:
        """Make the loggers write to the run's folder."""
        for args in self._loggers:
            args["save_dir"], args["name"] = str(run.absolute().parent), ""
            args["version"] = _number(run) if re.fullmatch(r"version_\d+", run.name) else run.name

    def _find_last(self) -> None:
        """Take the newest run of this name that has a complete checkpoint."""
        root, dirpath = self._root, self.config.checkpoint.get("dirpath")
        if self.command_line.run is not None:
            runs = [Path(self.command_line.run)]
        else:
            runs = _versions(root)[::-1] if root is not None else []
            chosen = self._loggers[0]["version"] if self._loggers else None
            if chosen is not None:  # not the newest of other runs
                runs = [run for run in runs if run.name == f"version_{chosen}"]
        checkpoint = find_last_checkpoint(Path(dirpath)) if dirpath else None
        run = runs[0] if runs else None
        for candidate in runs if not dirpath else ():
            checkpoint = find_last_checkpoint(candidate / "checkpoints")
            if checkpoint is not None:
                run = candidate
                break
        if run is not None and self.command_line.run is None:
            for args in self._loggers:
                args["version"] = _number(run)
        if checkpoint is None:
            self._start_again(
                Path(dirpath) if dirpath else (run or root), seen=bool(runs or dirpath)
            )
            return
        self.checkpoint = Checkpoint.open(checkpoint)
        skipped = [other.name for other in runs if run is not None and _newer(other, run)]
        note = f" ({', '.join(skipped)} has no complete checkpoint)" if skipped else ""
        self._say_found(note)

    def _say_found(self, note: str) -> None:
        assert self.checkpoint is not None
        doing = "Resuming from" if self.verb == "fit" else "Evaluating"
        rank_zero_info(f"{doing} {self.checkpoint.path}, step {self.checkpoint.step}{note}.")

    def _start_again(self, folder: Path | None, seen: bool) -> None:
        """Start from the first step without a checkpoint; refuse that for an evaluation."""
        what = f"no complete checkpoint in {folder}" if seen else f"no earlier run under {folder}"
        if self.verb == "fit" and self.command_line.run is None:
            rank_zero_info(f"There is {what}: starting from the first step.")
            return
        raise UserError(
            f"there is {what}; train with `lit-research fit` first, or give a .ckpt file"
        )

    def _evaluate_in_own_folder(self) -> None:
        """Log to a separate folder in the run's: TensorBoard would cut its curves at the step."""
        if self.checkpoint is None or self.checkpoint.run is None:
            return
        run, step = self.checkpoint.run, self.checkpoint.step
        for args in self._loggers:
            chosen = Path(args["save_dir"] or ".", str(args["name"]), f"version_{args['version']}")
            if args["version"] is not None and chosen.absolute() != run:
                continue  # another folder was requested
            args["save_dir"], args["name"] = str(run.parent), run.name
            args["version"] = self.verb if step is None else f"{self.verb}-step={step}"

    def _choose_folder(self) -> None:
        """Give a run without a logger its own folder too, so that runs do not share one."""
        root = self._root
        assert root is not None
        if self.checkpoint is not None and self.checkpoint.run is not None:
            folder = self.checkpoint.run
        elif self.command_line.run is not None:
            folder = Path(self.command_line.run)
        else:
            folder = root / f"version_{max(map(_number, _versions(root)), default=-1) + 1}"
        self.config.trainer.default_root_dir = str(folder)


def _newer(left: Path, right: Path) -> bool:
    return left.parent == right.parent and _number(left) > _number(right)
