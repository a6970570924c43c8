"""The smallest real config that the command trains in a second, and how tests vary and run it."""

from __future__ import annotations

import copy
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import yaml
from lightning.pytorch.callbacks import Callback

from lit_research.catalogue import with_bases

TINY: dict[str, Any] = {
    "seed_everything": 1,
    "model": {
        "class_path": "Pretrain",
        "init_args": {
            "lm": {
                "model_type": "llama",
                "hidden_size": 16,
                "intermediate_size": 32,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "max_position_embeddings": 32,
            }
        },
    },
    "data": {
        "class_path": "Corpus",
        "init_args": {
            "source": "embedded:topics",
            "tokenizer": "bytes",
            "sequence_length": 32,
            "batch_size": 4,
            "max_train_tokens": 2000,
        },
    },
    "trainer": {
        "max_steps": 4,
        "val_check_interval": 2,
        "limit_val_batches": 1,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
        "logger": {
            "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
            "init_args": {"save_dir": "runs", "default_hp_metric": False},
        },
    },
}


# Keys whose mapping is one value: a later config replaces it whole.
ONE_VALUE = ("lm", "generator", "target")


def config_arguments(path: Path) -> list[str]:
    """Return the ``--config`` arguments of a config: those of an overlay begin with its base."""
    return [word for file in with_bases(path) for word in ("--config", str(file))]


def read_config(path: Path) -> dict[str, Any]:
    """Return a config as YAML data; an overlay as the command reads it on top of its bases."""
    config: dict[str, Any] = {}
    for file in with_bases(path):
        config = _overlaid(config, yaml.safe_load(file.read_text()))
    return config


def _overlaid(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in changes.items():
        old = found.get(key)
        both = isinstance(old, dict) and isinstance(value, dict) and key not in ONE_VALUE
        same = both and old.get("class_path") == value.get("class_path", old.get("class_path"))
        found[key] = _overlaid(old, value) if same else value
    return found


def tiny(folder: Path, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the tiny config with dotted ``changes``; runs and caches lie under ``folder``."""
    config = copy.deepcopy(TINY)
    config["trainer"]["logger"]["init_args"]["save_dir"] = str(folder / "runs")
    config["trainer"]["default_root_dir"] = str(folder / "runs")
    for key, value in (changes or {}).items():
        *path, last = key.split(".")
        section = config
        for part in path:
            section = section.setdefault(part, {})
        if value is ...:
            del section[last]
        else:
            section[last] = value
    return config


def write_tiny(
    folder: Path, changes: dict[str, Any] | None = None, name: str = "tiny.yaml"
) -> Path:
    """Write the tiny config with ``changes`` as a YAML file in ``folder``."""
    path = folder / name
    path.write_text(yaml.safe_dump(tiny(folder, changes), sort_keys=False))
    return path


class StopAt(Callback):
    """Stop the process at a step, in a hook: by SIGKILL, by SIGTERM or by an exception."""

    def __init__(self, step: int, hook: str = "on_train_batch_end", how: str = "kill") -> None:
        self.step, self.how = step, how
        setattr(self, hook, self._stop)

    def _stop(self, trainer: pl.Trainer, *args: Any) -> None:
        if trainer.global_step != self.step:
            return
        if self.how == "exception":
            raise RuntimeError("stopped on purpose")
        signals = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "interrupt": signal.SIGINT}
        os.kill(os.getpid(), signals[self.how])


def _run_in_process(args: list[str]) -> None:
    import torch

    from lit_research.cli import command

    # As in a shell: otherwise loader workers would come from fork servers that outlive a kill.
    multiprocessing.set_start_method("fork", force=True)
    torch.set_num_threads(1)
    sys.argv = ["lit-research", *args]
    command()


def run_apart(args: list[str]) -> int:
    """Run the command in a process of its own (that has done the imports); return its exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lit_research.cli", "lit_research.lm.engines", "transformers"])
    process = context.Process(target=_run_in_process, args=(args,))
    process.start()
    process.join(timeout=180)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode


def last_checkpoint(folder: Path) -> dict[str, Any]:
    """Return the content of the newest checkpoint under ``folder``."""
    import torch

    from lit_research.callbacks import find_last_checkpoint

    [checkpoints] = [p for p in folder.rglob("checkpoints") if p.is_dir()]
    path = find_last_checkpoint(checkpoints)
    assert path is not None
    return torch.load(path, weights_only=True)
