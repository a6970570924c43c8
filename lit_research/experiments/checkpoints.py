"""The checkpoint given to a verb: opened once, and refused if it is of another model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lit_research.callbacks import AtomicCheckpointIO
from lit_research.callbacks.config_check import SECTIONS, differences
from lit_research.command_line import CommandLine
from lit_research.errors import UserError
from lit_research.methods.base import DataModule, Method
from lit_research.tokenizer_check import check_same_tokens


@dataclass
class Checkpoint:
    """A checkpoint and its content, which is ``None`` for a sharded one."""

    path: Path
    content: dict[str, Any] | None

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """Read a checkpoint without copying its tensors.

        Raises:
            UserError: the file is missing, damaged, or not a checkpoint.
        """
        if path.is_dir():
            _check_sharded(path)
            return cls(path, None)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception:  # torch raises many types; the callback's reader says what is wrong
            content = AtomicCheckpointIO().load_checkpoint(path)
        if not isinstance(content, dict) or "state_dict" not in content:
            raise UserError(
                f"ckpt_path is {path}, which is not a checkpoint of a run; must be a file such as "
                "runs/METHOD/CONFIG/version_N/checkpoints/last.ckpt"
            )
        return cls(path, content)

    @property
    def step(self) -> int | None:
        """Number of optimiser steps that it was trained for."""
        return None if self.content is None else int(self.content["global_step"])

    @property
    def run(self) -> Path | None:
        """The folder of its run."""
        folder = self.path.absolute().parent.parent
        return folder if (folder / "config.yaml").is_file() else None

    def check_class(self, class_path: str) -> None:
        """Refuse a checkpoint of another method."""
        saved = (self.content or {}).get(SECTIONS["model"], {}).get("_class_path")
        if saved is not None and saved != class_path:
            theirs, ours = saved.rsplit(".", 1)[-1], class_path.rsplit(".", 1)[-1]
            raise UserError(
                f"the checkpoint {self.path} is of {theirs}, and model.class_path is {ours}; "
                f"{self._hint()}"
            )

    def _hint(self) -> str:
        run = self.run
        return (
            "evaluate or resume it with its own config"
            if run is None
            else f"use the run's own config, with --run {_short(run)}"
        )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _check_sharded(folder: Path) -> None:
    """Refuse a folder that is not a sharded checkpoint."""
    if (folder / ".metadata").is_file() or (folder / "meta.pt").is_file():
        return
    if (folder / "checkpoints").is_dir() or (folder / "config.yaml").is_file():
        raise UserError(
            f"ckpt_path is {folder}, a run's folder; give --run {folder}, or the file "
            f"{folder / 'checkpoints' / 'last.ckpt'}"
        )
    raise UserError(f"ckpt_path is {folder}, a folder without a checkpoint; must be a .ckpt file")


def check_evaluation(
    checkpoint: Checkpoint, model: Method, data: DataModule | None, command_line: CommandLine
) -> None:
    """Refuse to evaluate weights in another model than the one that was trained.

    The arguments that a method and a data module list in ``defines`` are compared. Those given as
    options are intended and not compared; with ``--run``, none are.

    Raises:
        UserError: a config file or a default has another value than the checkpoint, or another
            tokenizer.
    """
    if checkpoint.content is None:
        return
    check_same_tokens(checkpoint.content, str(checkpoint.path), data)
    if command_line.run is not None:
        return
    current = {"model": dict(model.hparams), "data": dict(data.hparams) if data else {}}
    defines = {
        "model": model.defines,
        "data": data.defines if isinstance(data, DataModule) else (),
    }
    different = [
        f"{name}: {then} in the checkpoint, {now} in this config"
        for name, then, now in differences(checkpoint.content, current)
        if name.split(".")[1] in defines[name.split(".")[0]]
        and not command_line.sets(name.replace(".", ".init_args.", 1))
        and not command_line.sets(".init_args.".join(name.split(".")[:2]))
    ]
    if different:
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise UserError(
            f"the checkpoint {checkpoint.path} is of another model "
            f"({'; '.join(different[:3])}{more}); {checkpoint._hint()}, or give the values as "
            "options"
        )
