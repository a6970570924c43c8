"""``python -m lit_research.callbacks.gallery``: the figures of the README, from a real run."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lit_research.figures import panels, with_unit

if TYPE_CHECKING:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CALLBACKS = Path(__file__).parent.resolve()
CONFIG = CALLBACKS.parent / "configs" / "pretrain" / "tiny.yaml"
# The first command of the repository with a smaller model: about a minute on one core.
SMALLER = {
    "model.init_args.lm.hidden_size": 64,
    "model.init_args.lm.intermediate_size": 192,
    "model.init_args.lm.num_hidden_layers": 2,
    "data.init_args.source": "embedded:topics,docstrings",
    "data.init_args.tokenizer": "bpe:512",
    "data.init_args.sequence_length": 128,
    "trainer.max_steps": 300,
    "trainer.val_check_interval": 30,
    "trainer.limit_val_batches": 80,
    "trainer.accelerator": "cpu",
    "trainer.enable_progress_bar": "false",
}
IMAGES = {"law": "law/val/loss_vs_train/tokens", "loss_by_position": "loss_by_position/val"}


def run(folder: Path) -> EventAccumulator:
    """Train as the command does, with its runs in ``folder``; return what TensorBoard shows."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = {**SMALLER, "trainer.logger.init_args.save_dir": folder}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "lit_research", "fit", "--config", str(CONFIG), *arguments]
    subprocess.run(command, check=True)
    [version] = folder.rglob("version_0")
    return EventAccumulator(str(version), size_guidance={"images": 0, "scalars": 0}).Reload()


def small_png(image: bytes) -> bytes:
    """Return a PNG of 64 colours, which a line drawing does not need more of."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(image)).convert("RGB").quantize(64).save(file, "png", optimize=True)
    return file.getvalue()


def draw_throughput(events: EventAccumulator) -> bytes:
    """Draw the three curves of ``Throughput`` as TensorBoard does, side by side."""
    figure, axes_list = panels(1, 3, size=(3.0, 2.6))
    names = ("train/tokens", "throughput/tokens_per_s", "throughput/mfu")
    for axes, name in zip(axes_list, names, strict=True):
        # Step 0 holds the last values once more, for the HPARAMS tab.
        curve = [event for event in events.Scalars(name) if event.step]
        axes.plot([event.step for event in curve], [event.value for event in curve])
        axes.set(xlabel="optimiser steps", ylabel=with_unit(name), ylim=(0, None))
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def main() -> None:
    """Write the figures to ``callbacks/images``."""
    with tempfile.TemporaryDirectory() as folder:
        events = run(Path(folder))
    images = {name: events.Images(tag)[-1].encoded_image_string for name, tag in IMAGES.items()}
    images["throughput"] = draw_throughput(events)
    for name, image in images.items():
        path = CALLBACKS / "images" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(small_png(image))


if __name__ == "__main__":
    main()
