"""A peer in a process that stays: a line of words in, a line of JSON out."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Ask = Callable[..., dict[str, Any]]


@contextmanager
def peer_process(python: str, script: Path, *arguments: str) -> Iterator[Ask]:
    """Give what sends a job and returns the answer.

    Args:
        python: of the peer's environment.
        script: what it runs; it says ``ready`` when its imports are done.
        arguments: of the script.
    """
    options: dict[str, Any] = {"text": True, "stderr": subprocess.DEVNULL}
    # Not with our modules: its environment has others.
    options["env"] = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [python, str(script), *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
    ) as process:
        jobs, answers = process.stdin, process.stdout
        assert jobs is not None
        assert answers is not None
        assert answers.readline() == "ready\n", f"{script.name} does not run in {python}"

        def ask(*words: object) -> dict[str, Any]:
            print(*words, file=jobs, flush=True)
            return json.loads(answers.readline())

        yield ask
        jobs.close()
