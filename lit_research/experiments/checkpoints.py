"""A checkpoint that a verb was given: opened once, and refused where it is of another model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lit_research.callbacks import AtomicCheckpointIO
from lit_research.callbacks.config_check import SECTIONS, differences
from lit_research.errors import UserError
from lit_research.given import Given
from lit_research.methods.base import DataModule, Method
from lit_research.tokenizer_check import check_same_tokens


@dataclass
class Checkpoint:
    """A checkpoint and what it says of itself; ``content`` is ``None`` for a sharded one."""

    path: Path
    content: dict[str, Any] | None

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """Read a checkpoint without copying its tensors.

        Raises:
            UserError: there is none, it is damaged, or it is something else.
        """
        if path.is_dir():
            _check_sharded(path)
            return cls(path, None)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception:  # torch raises many kinds; the callback's reader says what is wrong
            content = AtomicCheckpointIO().load_checkpoint(path)
        if not isinstance(content, dict) or "state_dict" not in content:
            raise UserError(
                f"ckpt_path is {path}, which is no checkpoint of a run; give a file such as "
                "runs/METHOD/CONFIG/version_N/checkpoints/last.ckpt"
            )
        return cls(path, content)

    @property
    def step(self) -> int | None:
        """Optimiser steps that it was trained for."""
        return None if self.content is None else int(self.content["global_step"])

    @property
    def run(self) -> Path | None:
        """The run's folder that it lies in."""
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
            else f"take the run's own config: --run {_short(run)}"
        )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _check_sharded(folder: Path) -> None:
    """Accept the folder of a sharded checkpoint, and no other."""
    if (folder / ".metadata").is_file() or (folder / "meta.pt").is_file():
        return
    if (folder / "checkpoints").is_dir() or (folder / "config.yaml").is_file():
        raise UserError(
            f"ckpt_path is {folder}, a run's folder; give --run {folder}, or the file "
            f"{folder / 'checkpoints' / 'last.ckpt'}"
        )
    raise UserError(f"ckpt_path is {folder}, a folder without a checkpoint; give a .ckpt file")


def check_evaluation(
    checkpoint: Checkpoint, model: Method, data: DataModule | None, given: Given
) -> None:
    """Refuse to evaluate weights as another model than the one that was trained.

    Compared are the arguments that a method and a data module name in ``defines``. One that was
    given as an option, or over ``--run``, is meant: it is not compared.

    Raises:
        UserError: a config file or a default has another value than the checkpoint, or another
            tokenizer.
    """
    if checkpoint.content is None:
        return
    check_same_tokens(checkpoint.content, str(checkpoint.path), data)
    if given.run is not None:
        return
    current = {"model": dict(model.hparams), "data": dict(data.hparams) if data else {}}
    defines = {
        "model": model.defines,
        "data": data.defines if isinstance(data, DataModule) else (),
    }
    other = [
        f"{name}: {then} in the checkpoint, {now} in this config"
        for name, then, now in differences(checkpoint.content, current)
        if name.split(".")[1] in defines[name.split(".")[0]]
        and not given.sets(name.replace(".", ".init_args.", 1))
        and not given.sets(".init_args.".join(name.split(".")[:2]))
    ]
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        raise UserError(
            f"the checkpoint {checkpoint.path} is of another model ({'; '.join(other[:3])}{more}); "
            f"{checkpoint._hint()}, or give the values as options"
        )
