"""The smallest real config that the command trains in a second, and how tests vary and run it."""

from __future__ import annotations

import copy
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import yaml
from lightning.pytorch.callbacks import Callback

from lit_research.catalogue import with_bases
from lit_research.lightning_cli import ResearchCLI

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


class Parsed(ResearchCLI):
    """Parse and build nothing."""

    def before_instantiate_classes(self) -> None:
        pass

    def instantiate_classes(self) -> None:
        pass

    def after_instantiate_classes(self) -> None:
        pass

    def _run_subcommand(self, subcommand: str) -> None:
        pass


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
    for key, value in copy.deepcopy(changes or {}).items():  # one may be put into another
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


STOPPED = "stopped on purpose"


class StopAt(Callback):
    """Stop the process at a step, in a hook: by SIGKILL, by SIGTERM or by an exception."""

    def __init__(self, step: int, hook: str = "on_train_batch_end", how: str = "kill") -> None:
        self.step, self.how = step, how
        setattr(self, hook, self._stop)

    def _stop(self, trainer: pl.Trainer, *args: Any) -> None:
        if trainer.global_step != self.step:
            return
        if self.how == "exception":
            raise RuntimeError(STOPPED)
        signals = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "interrupt": signal.SIGINT}
        os.kill(os.getpid(), signals[self.how])


# What a run imports: a server of forks imports it once, and every process of a test begins with it.
PRELOAD = [
    "lit_research.lightning_cli",
    *(f"lit_research.methods.{name}" for name in ("pretrain", "ensemble", "ttt", "dpg")),
    "lit_research.methods.self_play",
    "lit_research.lm.engines",
    "openai.resources.completions",
    "transformers.models.llama.modeling_llama",
    "transformers.models.gpt2.modeling_gpt2",
    "torch.utils.tensorboard",
    "torch.distributed",
]


def forks() -> ForkServerContext:
    """Return a context whose processes have done the imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


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
    process = forks().Process(target=_run_in_process, args=(args,))
    process.start()
    process.join(timeout=180)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode


def call_apart(call: Callable, *args: Any) -> Any:
    """Call a function in a process of its own (that has done the imports); return its result."""
    with ProcessPoolExecutor(1, mp_context=forks()) as pool:
        return pool.submit(call, *args).result(timeout=180)


def stop_run(args: list[str], how: str) -> None:
    """Run what ``StopAt`` ends: a kill in a process of its own, an exception in this one.

    An exception saves nothing: it leaves as much of the run as a kill does.
    """
    if how == "kill":
        assert run_apart(args) == -signal.SIGKILL
        return
    from lit_research.cli import main

    try:
        main(args)
    except RuntimeError as error:
        assert str(error) == STOPPED  # noqa: PT017
    else:
        raise AssertionError("the run was not stopped")


def _work_as_rank(rank: int, port: int, pipe: Connection, call: Callable, args: tuple) -> None:
    import torch

    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "LOCAL_RANK": str(rank),
        "NODE_RANK": "0",
    }
    torch.set_num_threads(1)
    pipe.send(call(*args))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def run_as_ranks(call: Callable, *args: Any) -> list[Any]:
    """Call a function in two processes, the ranks of one DDP run; return what each returned."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = forks()
    pipes = [context.Pipe(duplex=False) for _ in range(2)]
    pair = [
        context.Process(target=_work_as_rank, args=(rank, port, pipes[rank][1], call, args))
        for rank in range(2)
    ]
    for process in pair:
        process.start()
    for _, sending in pipes:
        sending.close()  # so that a rank that fails ends its pipe
    try:
        assert all(receiving.poll(300) for receiving, _ in pipes), "a rank hangs"
        return [receiving.recv() for receiving, _ in pipes]
    except EOFError:
        raise AssertionError("a rank failed") from None
    finally:
        for process in pair:
            process.join(timeout=20)
            process.kill()


def last_checkpoint(folder: Path) -> dict[str, Any]:
    """Return the content of the newest checkpoint under ``folder``."""
    import torch

    from lit_research.callbacks import find_last_checkpoint

    [checkpoints] = [p for p in folder.rglob("checkpoints") if p.is_dir()]
    path = find_last_checkpoint(checkpoints)
    assert path is not None
    return torch.load(path, weights_only=True)
