"""The published settings on one GPU: peak memory and speed of training, on random tokens.

    python -m benchmarks.published_sizes                       # all of them, some five minutes
    python -m benchmarks.published_sizes --only 300M
    python -m benchmarks.published_sizes --small               # tiny models on a CPU: does it run?

Each setting is its config through the ordinary command, on one device instead of many and with
random tokens in place of the corpus, which have the same shapes. Memory is the most that torch has
allocated at once after the first step; speed that of the steps after the warm-up, without data,
saves or validation. On several devices DDP adds its buckets, as large as the gradients, sharding
takes memory away, and gradients take time to be sent.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import yaml

from benchmarks.pairing import publish
from lit_research.catalogue import config_dir, with_bases
from lit_research.cli import main
from lit_research.methods.text import Split, TextDataModule

WARMUP, STEPS = 3, 8
VOCABULARY = 128_256  # Llama-3's

# Of each: the config, what differs on one GPU, and the tokens of a batch, B and T.
SETTINGS: dict[str, tuple[str, dict[str, Any], tuple[int, int]]] = {
    "pretrain 300M": ("pretrain/paper.yaml", {"trainer.strategy": "auto"}, (8, 4096)),
    "pretrain 300M, FSDP": ("pretrain/paper.yaml", {}, (8, 4096)),
    "pretrain 300M, without recomputation": (
        "pretrain/paper.yaml",
        {"trainer.strategy": "auto", "model.init_args.activation_checkpointing": False},
        (8, 4096),
    ),
    "ttt 125M": ("ttt/125m.yaml", {"trainer.strategy": "auto"}, (8, 8192)),
    "ttt 125M, swa": (
        "ttt/125m.yaml",
        {"trainer.strategy": "auto", "model.init_args.arm": "swa"},
        (8, 8192),
    ),
    "ttt 760M": ("ttt/760m.yaml", {"trainer.strategy": "auto"}, (1, 8192)),
}
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
SMALL |= {"num_attention_heads": 2}
SMALL_TTT = {"window": 32, "chunk": 16, "num_suffix_layers": 1, "ignored_label_ids": []}
SMALL_LLAMA = {"num_key_value_heads": 2, "max_position_embeddings": 64}


class RandomTokens(TextDataModule):
    """Batches of random tokens.

    Args:
        vocabulary: number of tokens, V.
        sequence_length: tokens of a window, T.
        batch_size: windows of a batch.
        batches: in an epoch.
    """

    tokenizer: Any = None

    def __init__(
        self,
        vocabulary: int,
        sequence_length: int,
        batch_size: int,
        batches: int = 100,
    ) -> None:
        super().__init__()
        self.keep_hyperparameters()
        self.sequence_length = sequence_length

    @property
    def vocab_size(self) -> int:
        """Number of tokens, V."""
        return self.hparams["vocabulary"]

    @property
    def batches_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.hparams["batches"]

    def dataset(self, split: Split) -> list[dict[str, torch.Tensor]]:
        """Return one batch, again and again."""
        args = self.hparams
        shape = (args["batch_size"], args["sequence_length"] + 1)
        draws = torch.Generator().manual_seed(0)
        tokens = torch.randint(args["vocabulary"], shape, generator=draws)
        return [{"input_ids": tokens[:, :-1], "labels": tokens[:, 1:]}] * args["batches"]

    def train_dataloader(self) -> Any:
        """Return the batches."""
        return torch.utils.data.DataLoader(self.dataset("train"), batch_size=None)  # type: ignore[arg-type]


class Meter(pl.Callback):
    """Takes time and memory of the steps after the warm-up."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self._started = 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """Start after the warm-up; stop at the last step."""
        on_gpu = pl_module.device.type == "cuda"
        if trainer.global_step not in (1, WARMUP, WARMUP + STEPS):
            return
        if on_gpu:
            torch.cuda.synchronize()
        if trainer.global_step == 1 and on_gpu:
            torch.cuda.reset_peak_memory_stats()
        elif trainer.global_step == WARMUP:
            self._started = time.perf_counter()
        elif trainer.global_step == WARMUP + STEPS:
            args = trainer.datamodule.hparams  # type: ignore[attr-defined]
            seconds = (time.perf_counter() - self._started) / STEPS
            tokens = args["batch_size"] * args["sequence_length"]
            flops = float(pl_module.flops_per_token)
            self.found = {
                "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if on_gpu else 0.0,
                "step_s": seconds,
                "tokens_per_s": tokens / seconds,
                "tflops": flops * tokens / seconds / 1e12,
            }


def one(name: str, small: bool) -> dict[str, float]:
    """Run one setting in this process; return what it took."""
    config, changes, (batch, length) = SETTINGS[name]
    data = {"vocabulary": VOCABULARY, "sequence_length": length, "batch_size": batch}
    options = {
        "trainer.devices": 1,
        "trainer.num_nodes": 1,
        "trainer.accumulate_grad_batches": 1,
        "trainer.max_steps": WARMUP + STEPS,
        "trainer.max_epochs": 1,
        "trainer.limit_val_batches": 0,
        "trainer.val_check_interval": 1.0,
        "trainer.check_val_every_n_epoch": 1,
        "trainer.enable_progress_bar": False,
        "checkpoint.every_n_train_steps": 10**6,
        **changes,
    }
    if small:
        shape = SMALL | (SMALL_TTT if name.startswith("ttt") else SMALL_LLAMA)
        options |= {f"model.init_args.lm.{key}": value for key, value in shape.items()}
        options |= {"trainer.accelerator": "cpu", "trainer.precision": "32-true"}
        options |= {"trainer.strategy": "auto"}
        data |= {"vocabulary": 64, "sequence_length": 64, "batch_size": 2}
    with tempfile.TemporaryDirectory() as folder:
        here = "benchmarks.published_sizes"
        changed = {
            "data": {"class_path": f"{here}.RandomTokens", "init_args": data},
            "trainer": {"callbacks+": [{"class_path": f"{here}.Meter"}]},
        }
        overlay = Path(folder) / "random.yaml"
        overlay.write_text(yaml.safe_dump(changed))
        options["trainer.logger.init_args.save_dir"] = folder
        options["checkpoint.dirpath"] = f"{folder}/checkpoints"
        files = [*with_bases(config_dir() / config), overlay]
        words = [word for file in files for word in ("--config", str(file))]
        flags = [f"--{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in options.items()]
        callbacks: list[Any] = main(["fit", *words, *flags]).trainer.callbacks  # type: ignore[attr-defined]
        # By name: the command has imported this file once more.
        return next(one.found for one in callbacks if type(one).__name__ == "Meter")


def apart(name: str, small: bool) -> dict[str, Any]:
    """Run one setting in a process of its own, so that the next finds the device empty."""
    command = [sys.executable, "-m", "benchmarks.published_sizes", "--one", name]
    # Without it a quarter of an 80 GiB card is lost to fragments (chunks of several sizes).
    env = {**os.environ, "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}
    done = subprocess.run(
        command + ["--small"] * small,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    )
    lines = done.stdout.strip().splitlines() or [""]
    if done.returncode:
        sys.stderr.write("\n".join(lines[-30:]) + "\n")
        return {"name": name, "failed": lines[-1]}
    return {"name": name, **json.loads(lines[-1])}


def table_of(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| setting | peak GiB | s a step | tokens/s | TFLOP/s |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        keys = ("peak_gib", "step_s", "tokens_per_s", "tflops")
        forms = {"tokens_per_s": ".0f"}
        numbers = [f"{row[key]:{forms.get(key, '.3g')}}" for key in keys if key in row]
        lines.append(f"| {row['name']} | " + " | ".join(numbers or [row["failed"]]) + " |")
    return "\n".join(lines)


def run() -> None:
    """Parse the command line, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="settings whose name holds this")
    parser.add_argument("--small", action="store_true", help="tiny models on a CPU")
    parser.add_argument("--one", help="run this setting here and print a JSON line")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one, options.small)))
        return
    rows = [apart(name, options.small) for name in SETTINGS if (options.only or "") in name]
    table = table_of(rows)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    if options.small or options.only:
        print(table)
        return
    work = f"training steps of the published settings on one {device}"
    versions = f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    publish(
        "published_sizes", work, "nothing is compared", rows, f"{table}\n\n{device}, {versions}."
    )


if __name__ == "__main__":
    run()
