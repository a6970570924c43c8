"""``python -m lit_research.callbacks.screenshots``: TensorBoard in a browser, for the README.

It runs the tiny configs of three methods, serves the runs with TensorBoard and opens its pages in a
headless Chromium. With ``--runs FOLDER`` it shows existing runs.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lit_research.callbacks.gallery import CALLBACKS, SMALLER, small_png

# Options that shorten the config of each method: two minutes in total on two cores.
RUNS: dict[str, dict[str, object]] = {
    "pretrain": {
        **SMALLER,
        "trainer.max_steps": 100,
        "trainer.val_check_interval": 10,
        "trainer.limit_val_batches": 20,
        "trainer.log_every_n_steps": 5,
    },
    "ttt": {
        "model.init_args.lm.hidden_size": 32,
        "data.init_args.sequence_length": 128,
        "data.init_args.batch_size": 8,
        "data.init_args.eval_sequences": 16,
        "trainer.max_steps": 60,
        "trainer.val_check_interval": 10,
        "trainer.log_every_n_steps": 5,
    },
    "ensemble": {
        "model.init_args.lm.hidden_size": 32,
        "model.init_args.seeds": 3,
        "data.init_args.max_train_tokens": 10000,
        "trainer.max_epochs": 10,
        "trainer.check_val_every_n_epoch": 1,
        "trainer.limit_val_batches": 10,
        "trainer.log_every_n_steps": 10,
    },
}
# Pages and the pixels of their windows.
PAGES = {
    "custom_scalars": "1280,1660",
    "hparams": "1280,900",
    "text": "1280,900",
    "images": "1280,1220",
    "timeseries": "1280,900",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOADED_MS = 15_000  # of the page's own clock


def train(folder: Path) -> None:
    """Train and test each method as the command does, with its runs in ``folder``."""
    for method, options in RUNS.items():
        config = str(CALLBACKS.parent / "configs" / method / "tiny.yaml")
        shared = {
            "trainer.logger.init_args.save_dir": folder,
            "trainer.accelerator": "cpu",
            "trainer.enable_progress_bar": "false",
        }
        arguments = [f"--{name}={value}" for name, value in {**options, **shared}.items()]
        command = [sys.executable, "-m", "lit_research", "fit", "--config", config, *arguments]
        subprocess.run(command, check=True)


@contextmanager
def tensorboard(folder: Path) -> Iterator[str]:
    """Serve the runs of a folder; yield the address."""
    with socket.socket() as free_socket:
        free_socket.bind(("localhost", 0))
        port = free_socket.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--load_fast", "false"], stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://localhost:{port}"
        _wait_for(f"{address}/data/environment")
        time.sleep(5)  # until the runs are read
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(address: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def screenshot(address: str, path: Path, window: str) -> None:
    """Write what a headless browser shows of a page as a PNG."""
    browser = next((name for name in BROWSERS if shutil.which(name)), None)
    if browser is None:
        sys.exit(f"no browser: install one of {', '.join(BROWSERS)}")
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={window}",
        f"--virtual-time-budget={LOADED_MS}",
        f"--screenshot={path}",
    ]
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *options, f"--user-data-dir={profile}", address]
        subprocess.run(command, check=True, timeout=600, capture_output=True)
    path.write_bytes(small_png(path.read_bytes()))


def main() -> None:
    """Write the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="folder of runs to show; default: train new ones")
    parser.add_argument("--out", type=Path, default=CALLBACKS / "images", help="folder of the PNGs")
    parser.add_argument("--pages", nargs="+", default=list(PAGES), choices=list(PAGES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = options.runs or Path(folder)
        if options.runs is None:
            train(runs)
        with tensorboard(runs) as address:
            for page in options.pages:
                screenshot(f"{address}/#{page}", options.out / f"board_{page}.png", PAGES[page])


if __name__ == "__main__":
    main()
