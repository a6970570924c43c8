"""Two processes with half the batch each give the loss curve of one with the whole."""

import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lit_research.cli import main
from tests.helpers import run_as_ranks, write_tiny

STEPS = 6
MEMBERS = {
    "model.class_path": "Ensemble",
    "model.init_args.seeds": [0, 3],
    "data.class_path": "MemberCorpus",
    "trainer.gradient_clip_val": 1.0,
}
METHODS = {
    "pretrain": {},
    "members in one pass": {
        **MEMBERS,
        "model.init_args.training": "vectorised",
        "model.init_args.attention": "math",
    },
    "members in turn": {**MEMBERS, "model.init_args.training": "in_turn"},
    "through an inner loop": {
        "model.class_path": "TTTE2E",
        "model.init_args.lm": {
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_suffix_layers": 1,
            "window": 8,
            "chunk": 8,
        },
        "trainer.gradient_clip_val": 1.0,
    },
}


OPTIONS = ["--trainer.strategy", "ddp", "--trainer.devices", "2"]


def write(folder: Path, changes: dict, batch_size: int) -> Path:
    folder.mkdir()
    return write_tiny(
        folder,
        {
            **changes,
            "data.init_args.batch_size": batch_size,
            "trainer.max_steps": STEPS,
            "trainer.val_check_interval": STEPS // 2,
            "trainer.check_val_every_n_epoch": None,
            "trainer.limit_val_batches": 1.0,
            "model.init_args.schedule": "linear",
        },
    )


def losses(folder: Path) -> dict[str, list[float]]:
    [version] = (folder / "runs").rglob("version_0")
    events = EventAccumulator(str(version)).Reload()
    return {k: [e.value for e in events.Scalars(k)] for k in ("train/loss", "val/loss")}


def same_curves(one: dict[str, list[float]], two: dict[str, list[float]]) -> None:
    assert len(one["val/loss"]) == 2
    assert len(one["train/loss"]) == STEPS
    for curve in ("train/loss", "val/loss"):
        assert two[curve] == pytest.approx(one[curve], abs=1e-5)


def train_all(folder: Path) -> None:
    """Train every method in this rank of two."""
    for number in range(len(METHODS)):
        main(["fit", "--config", str(folder / str(number) / "tiny.yaml"), *OPTIONS])


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory):
    """The folder of runs of two processes; one pair of them trains everything."""
    folder = tmp_path_factory.mktemp("ranks")
    for number, changes in enumerate(METHODS.values()):
        write(folder / str(number), changes, batch_size=4)
    run_as_ranks(train_all, folder)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_ddp_on_two_processes_gives_the_single_process_loss_curve(of_ranks, tmp_path, method):
    main(["fit", "--config", str(write(tmp_path / "one", METHODS[method], batch_size=8))])
    same_curves(losses(tmp_path / "one"), losses(of_ranks / str([*METHODS].index(method))))


def test_the_command_starts_the_processes_and_one_speaks_for_all(of_ranks, tmp_path):
    config = write(tmp_path / "two", {}, batch_size=4)
    command = [sys.executable, "-m", "lit_research", "fit", "--config", str(config), *OPTIONS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    # From its first line to its last.
    first, last = f"step 1/{STEPS}", f"step {STEPS}/{STEPS}"
    for line in ("lit-research: loading", first, last, "\nrun ", "\nresume "):
        assert done.stderr.count(line) == 1, done.stderr
    assert losses(tmp_path / "two") == losses(of_ranks / "0")
