"""A process of ``transformers serve`` with the model of a folder."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

START_S = 180.0


@contextmanager
def transformers_server(folder: str) -> Iterator[str]:
    """Give the address of a server, up to and with ``/v1``; its name for the model is the folder.

    It answers one request after the other; its seed is its process's.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = "from transformers.cli.transformers import main; main()"
    options = ["serve", folder, "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-c", run, *options])
    try:
        deadline = time.monotonic() + START_S
        while not _is_up(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None, "transformers serve ended"
            assert time.monotonic() < deadline, "transformers serve does not answer"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def _is_up(url: str) -> bool:
    try:
        with urlopen(url) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
