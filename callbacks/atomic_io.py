"""Checkpoint files that are whole or not there, and the newest whole one of a folder."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from typing_extensions import override

from lit_research.errors import UserError
from lit_research.files import replacing


def find_last_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the most steps in ``folder`` that is whole; ``None`` without one."""
    whole = [(step, path) for path, step in _steps(folder).items() if step is not None]
    newest = max(whole, key=lambda f: (f[0], f[1].stat().st_mtime_ns), default=(0, None))
    return newest[1]


def _steps(folder: Path) -> dict[Path, int | None]:
    """Return the step of every checkpoint file in ``folder``, ``None`` where it does not load."""
    files = {path.resolve() for path in folder.glob("*.ckpt") if path.is_file()}
    return {path: _step(path) for path in sorted(files)}


def _step(path: Path) -> int | None:
    if not zipfile.is_zipfile(path):  # the directory of a zip file is at its end
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return int(content["global_step"])
    except Exception:  # whatever a damaged file makes torch raise
        return None


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint files, written atomically and durably, loaded as plain data.

    Args:
        check: called with the content of a checkpoint that was loaded, before any of it is used.
    """

    def __init__(self, check: Callable[[dict[str, Any], str], None] | None = None) -> None:
        super().__init__()
        self.check = check

    @override
    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write ``checkpoint`` beside ``path``, make it durable, then give it its name.

        Raises:
            UserError: the disk is full; what was at ``path`` before is still there.
        """
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        try:
            with replacing(Path(path), only_writer=True) as temporary, temporary.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"the checkpoint {path} could not be written ({error}): make room on the disk, "
                "then run the same command with --ckpt_path last; earlier checkpoints are intact"
            ) from error

    @override
    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Load plain data and tensors only, whatever ``weights_only`` says.

        Raises:
            UserError: the file is missing, truncated or corrupt; a whole one beside it is named.
        """
        try:
            content = super().load_checkpoint(path, map_location=map_location, weights_only=True)
            _check_sums(path)
        except FileNotFoundError as error:
            raise UserError(f"there is no checkpoint {path}; {_offer(path)}") from error
        except Exception as error:  # torch raises many kinds for a damaged file
            reason = " ".join(str(error).split())[:120]
            raise UserError(
                f"the checkpoint {path} is truncated or corrupt ({reason}); {_offer(path)}"
            ) from error
        if self.check is not None:
            self.check(content, str(path))
        return content


def _check_sums(path: Any) -> None:
    """Compare the contents of a local file with their checksums, which torch does not look at."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            damaged = file.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} does not match its checksum")


def _offer(path: Any) -> str:
    last = find_last_checkpoint(Path(path).parent)
    if last is None:
        return "there is no other whole checkpoint in its folder: start again without --ckpt_path"
    return f"the newest whole one is {last}"
