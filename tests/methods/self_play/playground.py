"""A game that takes seconds, and parts that end the process in the middle of a round."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import torch
import yaml

from lit_research.cli import config_dir, main
from lit_research.lean import EmbeddedLean, Verdict
from lit_research.methods.self_play import PlainFormat, SelfPlay

INIT, DATA, RULES = "model.init_args", "data.init_args", "model.init_args.rules"
SMALL: dict[str, Any] = {
    f"{INIT}.lm": {
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 160,
    },
    f"{INIT}.lean": {"class_path": "EmbeddedLean", "init_args": {"workers": 1}},
    f"{INIT}.warm_start.epochs": 12,
    f"{INIT}.warm_start.lemmas": 1,
    f"{INIT}.warm_start.batch_size": 16,
    f"{INIT}.warm_start.lr": 5.0e-3,
    f"{INIT}.warm_start.checks": 20,
    f"{INIT}.max_new_tokens": 32,
    f"{INIT}.eval_attempts": 2,
    f"{INIT}.engine.init_args.batch_size": 32,
    f"{INIT}.update.batch_size": 8,
    f"{RULES}.attempts": 4,
    f"{DATA}.families": ["lists"],
    f"{DATA}.levels": [1],
    f"{DATA}.size": 12,
    f"{DATA}.held_out": 4,
    f"{DATA}.warm": 40,
    f"{DATA}.seed": 0,
    "trainer.max_steps": 3,
    "trainer.val_check_interval": 1,
    "trainer.accelerator": "cpu",
    "trainer.enable_progress_bar": False,
    "trainer.enable_model_summary": False,
    "throughput.measure_peak": False,
}


def write(folder: Path, changes: dict[str, Any] | None = None, config: str = "tiny.yaml") -> Path:
    """Write the small game with dotted ``changes``; the run lies under ``folder``."""
    content = yaml.safe_load((config_dir() / "self_play" / config).read_text())
    content["trainer"]["logger"] = {
        "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
        "init_args": {
            "save_dir": str(folder / "runs"),
            "name": "run",
            "version": 0,
            "default_hp_metric": False,
        },
    }
    for key, value in {**SMALL, **(changes or {})}.items():
        *path, last = key.split(".")
        section = content
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    file = folder / "play.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def play(
    folder: Path, changes: dict[str, Any] | None = None, verb: str = "fit", *options: str
) -> Any:
    """Run a verb on the small game."""
    return main([verb, "--config", str(write(folder, changes)), *options])


_COUNTS: dict[str, int] = {}


def _maybe_die(flag: str, place: str) -> None:
    """End the process at the n-th time that a place is reached, if the file ``flag`` says so."""
    wanted, _, number = Path(flag).read_text().partition(":")
    if wanted != place:
        return
    counted = _COUNTS[place] = _COUNTS.get(place, 0) + 1
    if counted == int(number):
        os.kill(os.getpid(), signal.SIGKILL)


class SlowLean(EmbeddedLean):
    """Never has the time to finish."""

    def verify(self, attempts):
        """Give up."""
        return [Verdict(False, "timeout: 10 s") for _ in attempts]


class Stubborn(SelfPlay):
    """Plays on; its Conjecturer learns nothing."""

    asked = 0

    def conjecturer_weights(self, game, report):
        """Teach the Conjecturer nothing."""
        self.asked += 1
        return {}


class DyingLean(EmbeddedLean):
    """Ends the process after it has judged, before anybody has heard of it."""

    def __init__(self, flag: str) -> None:
        super().__init__(workers=1)
        self.flag = flag

    def verify(self, attempts):
        """Judge."""
        found = super().verify(attempts)
        _maybe_die(self.flag, "verification")
        return found


class DyingFormat(PlainFormat):
    """Ends the process while answers are being read."""

    def __init__(self, flag: str) -> None:
        self.flag = flag

    def read_proof(self, text):
        """Read."""
        _maybe_die(self.flag, "reading")
        return super().read_proof(text)


class DyingAdam(torch.optim.AdamW):
    """Ends the process in the middle of an update."""

    def __init__(
        self, params, flag: str, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=0.0)
        self.flag = flag

    def step(self, closure=None):
        """Step."""
        _maybe_die(self.flag, "update")
        return super().step(closure)
