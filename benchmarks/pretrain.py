"""Next-token training against a plain PyTorch loop and transformers' Trainer.

    python -m benchmarks.pretrain            # both sizes, 9 rounds, a table and a JSON line

The rivals train the same model from the same weights on the same batches with the same fused
optimiser, in turn in one process. The Trainer runs twice: fed as its own example script feeds it (a
``datasets`` table of windows and its default collator), and with our loader in place of its own.
Losses are compared first. What is timed is the steps alone, from
the end of the warm-up to the last one: our command with its default callbacks and logger, no save
and no validation in the timed part; the others as bare as they go.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.pairing import interleave, own_peak_mib, peak_mib_of, publish, ratios
from lit_research.cli import main
from lit_research.methods.pretrain import Corpus, Pretrain
from lit_research.methods.pretrain.core import decay_mask, param_groups

WARMUP = 3
ADAM = {"lr": 1e-3, "betas": (0.9, 0.95), "weight_decay": 0.1, "fused": True}


@dataclass(frozen=True)
class Size:
    """One setting: the model's width and depth, the batch, and how many steps are timed."""

    name: str
    width: int
    layers: int
    length: int
    batch: int
    vocabulary: int
    steps: int

    @property
    def lm(self) -> dict[str, Any]:
        """The language model's config."""
        return {
            "model_type": "llama",
            "hidden_size": self.width,
            "intermediate_size": 3 * self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": max(2, self.width // 64),
            "max_position_embeddings": self.length,
        }

    @property
    def tokens(self) -> int:
        """Tokens of the timed steps."""
        return self.steps * self.batch * self.length


SIZES = {
    # Steps so short that the trainer's own work shows.
    "small": Size("small", 32, 1, 64, 4, 512, 400),
    # 100 ms and more a step: where training really happens.
    "large": Size("large", 256, 4, 256, 8, 4096, 8),
}


class Clock(pl.Callback):
    """Takes the time from the end of the warm-up to the end of the last step."""

    started: float = 0.0
    seconds: float = 0.0

    def __init__(self) -> None:
        self.losses: list[Tensor] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, *_: Any
    ) -> None:
        """Start at the last step of the warm-up; stop at the last step."""
        self.losses.append(outputs["loss"].detach())
        if trainer.global_step == WARMUP:
            self.started = time.perf_counter()
        elif trainer.global_step == trainer.max_steps:
            self.seconds = time.perf_counter() - self.started


@dataclass
class Work:
    """The parts that all rivals share: data, first weights and losses to compare."""

    size: Size
    losses: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tokenizer = f"bpe:{self.size.vocabulary}"
        self.data = Corpus(
            tokenizer=tokenizer,
            sequence_length=self.size.length,
            batch_size=self.size.batch,
            seed=0,
        )
        self.data.prepare_data()
        torch.manual_seed(0)
        module = Pretrain(self.size.lm, vocab_size=self.data.vocab_size)
        module.configure_model()
        self.lm = module.lm

    @cached_property
    def table(self) -> Any:
        """The windows of all steps in the order of training, as a ``datasets`` table."""
        from datasets import Dataset

        batches = islice(self.data.train_dataloader(), self.all_steps)
        rows = [
            {"input_ids": tokens, "labels": labels}
            for batch in batches
            for tokens, labels in zip(
                batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True
            )
        ]
        return Dataset.from_list(rows)

    @property
    def all_steps(self) -> int:
        """Steps of a run, the warm-up included."""
        return WARMUP + self.size.steps


def _optimizer(lm: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(param_groups(lm, decay_mask(lm)), **ADAM)  # type: ignore[arg-type]


def plain(work: Work) -> float:
    """Train with the shortest loop that does the same; return tokens per second."""
    lm = copy.deepcopy(work.lm).train()
    optimizer, losses, started = _optimizer(lm), [], 0.0
    for step, batch in enumerate(work.data.train_dataloader(), 1):
        logits = lm(input_ids=batch["input_ids"], use_cache=False).logits
        loss = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lm.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
        if step == WARMUP:
            started = time.perf_counter()
        if step == work.all_steps:
            break
    seconds = time.perf_counter() - started
    work.losses["plain loop"] = [float(v) for v in losses]
    return work.size.tokens / seconds


def ours(work: Work) -> float:
    """Train with ``lit-research fit`` and its default callbacks; return tokens per second."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        adam = {k: list(v) if isinstance(v, tuple) else v for k, v in ADAM.items()}
        data = {k: v for k, v in work.data.hparams.items() if not k.startswith("_")}
        _SHARED["weights"], _SHARED["clock"] = work.lm.state_dict(), clock
        main(
            {
                "subcommand": "fit",
                "fit": {
                    "seed_everything": 0,
                    "model": {
                        "class_path": "Pretrain",
                        "init_args": {
                            "lm": work.size.lm,
                            "schedule": "constant",
                            "warmup": 0.0,
                            "optimizer": {"class_path": "torch.optim.AdamW", "init_args": adam},
                        },
                    },
                    "data": {"class_path": "Corpus", "init_args": data},
                    "trainer": {
                        "max_steps": work.all_steps,
                        "limit_val_batches": 0,
                        "gradient_clip_val": 1.0,
                        "callbacks+": [{"class_path": "benchmarks.pretrain.Shared"}],
                        "enable_model_summary": False,
                        "logger": {
                            "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
                            "init_args": {"save_dir": folder, "name": "run"},
                        },
                    },
                    "checkpoint": {"every_n_train_steps": work.all_steps + 1},
                },
            }
        )
    work.losses["lit_research"] = [float(v) for v in clock.losses]
    return work.size.tokens / clock.seconds


_SHARED: dict[str, Any] = {}


class Shared(pl.Callback):
    """Gives our run the same first weights as the others, and its clock."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Load the weights and put the clock last."""
        pl_module.lm.load_state_dict(_SHARED["weights"])  # type: ignore[union-attr]
        trainer.callbacks.append(_SHARED["clock"])  # type: ignore[attr-defined]


def transformers_trainer(work: Work, *, own_loader: bool = True) -> float:
    """Train with transformers' Trainer, on its own loader or ours; return tokens per second."""
    import transformers

    class TimeSteps(transformers.TrainerCallback):
        started = seconds = 0.0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == WARMUP:
                self.started = time.perf_counter()
            self.seconds = time.perf_counter() - self.started

    losses: list[Tensor] = []

    def loss_of(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        loss = cross_entropy(outputs.logits.flatten(0, 1), labels.flatten())
        losses.append(loss.detach())
        return loss

    class Trainer(transformers.Trainer):
        def get_train_dataloader(self) -> Any:
            if own_loader:
                return super().get_train_dataloader()
            return (
                {"input_ids": batch["input_ids"], "labels": batch["labels"]}
                for batch in work.data.train_dataloader()
            )

    lm = copy.deepcopy(work.lm)
    optimizer = _optimizer(lm)
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            max_steps=work.all_steps,
            per_device_train_batch_size=work.size.batch,
            max_grad_norm=1.0,
            logging_steps=10,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            train_sampling_strategy="sequential",
            use_cpu=not torch.cuda.is_available(),
        )
        clock = TimeSteps()
        trainer = Trainer(
            model=lm,
            args=arguments,
            optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)),
            train_dataset=work.table if own_loader else None,
            data_collator=transformers.default_data_collator,
            compute_loss_func=loss_of,
            callbacks=[clock],
        )
        trainer.train()
    name = "transformers Trainer" if own_loader else "transformers Trainer, our loader"
    work.losses[name] = [float(v) for v in losses]
    return work.size.tokens / clock.seconds


RIVALS: dict[str, Callable[[Work], float]] = {
    "lit_research": ours,
    "plain loop": plain,
    "transformers Trainer": transformers_trainer,
    "transformers Trainer, our loader": partial(transformers_trainer, own_loader=False),
}


@cache
def matmul_peak_gflops() -> float:
    """Return the machine's fp32 matmul rate, the limit of all of them."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / median(times[1:]) / 1e9


def compare(size: Size, rounds: int) -> list[dict[str, Any]]:
    """Measure one size and return its rows; refuse to compare unequal work."""
    work = Work(size)
    rivals: dict[str, Callable[[], float]] = {
        name: partial(run, work) for name, run in RIVALS.items()
    }
    for run in rivals.values():
        run()
    reference = work.losses["plain loop"]
    for name, losses in work.losses.items():
        worst = max(abs(a - b) for a, b in zip(losses, reference, strict=True))
        assert worst < 1e-4, f"{name} does other work: its loss is off by {worst}"
    numbers = interleave(rivals, rounds)
    rows = ratios(numbers, "lit_research")
    flops = (
        6 * sum(p.numel() for p in work.lm.parameters())
        + 12 * size.layers * size.width * size.length
    )
    for row in rows:
        rate = median(numbers[row["name"]])
        step_ms = 1e3 * size.batch * size.length / rate
        row |= {"size": size.name, "tokens_per_s": rate, "step_ms": step_ms}
        row["of_matmul_peak"] = rate * flops / 1e9 / matmul_peak_gflops()
        row["peak_mib"] = peak_mib_of("benchmarks.pretrain", "--alone", row["name"], size.name)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| size | rival | tokens/s | ms a step | ours / theirs [quartiles] | of matmul peak | "
        "peak MiB |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        low, high = r["quartiles"]
        lines.append(
            f"| {r['size']} | {r['name']} | {r['tokens_per_s']:.0f} | {r['step_ms']:.2f} | "
            f"{r['ratio']:.3f} [{low:.3f}, {high:.3f}] | {r['of_matmul_peak']:.2f} | "
            f"{r['peak_mib']:.0f} |"
        )
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark, or one rival alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--alone", nargs=2, metavar=("RIVAL", "SIZE"))
    options = parser.parse_args()
    if options.alone:
        rival, size = options.alone
        RIVALS[rival](Work(SIZES[size]))
        print(own_peak_mib())
        return
    rows = [row for size in SIZES.values() for row in compare(size, options.rounds)]
    overhead = {r["name"]: r["step_ms"] for r in rows if r["size"] == "small"}
    overhead_ms = overhead["lit_research"] - overhead["plain loop"]
    text = (
        f"{table(rows)}\n\nHost overhead over the plain loop: {overhead_ms:.2f} ms a step (small). "
        f"Matmul peak: {matmul_peak_gflops():.0f} GFLOP/s on {torch.get_num_threads()} threads; "
        f"torch {torch.__version__}, CPU; load average {os.getloadavg()[0]:.1f}; median of "
        f"{options.rounds} rounds."
    )
    print(text)
    publish(
        "pretrain",
        work="tokens/s of next-token training, same model, data, optimiser and threads",
        equal="losses of all steps within 1e-4 of the plain loop's",
        rows=rows,
        table=text,
        threads=torch.get_num_threads(),
        host_overhead_ms=overhead_ms,
        matmul_gflops=matmul_peak_gflops(),
    )


if __name__ == "__main__":
    sys.argv[0] = str(Path(__file__).name)
    # The classes that the config names live in the importable module, not in __main__.
    import benchmarks.pretrain

    benchmarks.pretrain.command()
