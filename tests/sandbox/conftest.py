import os
import sys
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.sandbox import Level, Limits, Result


@pytest.fixture(params=sandbox.LEVELS)
def level(request) -> Level:
    from lit_research.sandbox.choice import why_not

    if reason := why_not(request.param):
        pytest.skip(f"{request.param} does not work here: {reason}")
    return request.param


@pytest.fixture
def python(level) -> Callable[..., Result]:
    """Run a Python script in the sandbox, by default under short limits."""

    def run(script: str, *, readable: tuple[Path, ...] = (), **options) -> Result:
        options.setdefault("limits", Limits(wall_s=20))
        command = [sys.executable, "-I", "-S", "-c", script]
        places = (*sandbox.python_paths(), *readable)
        return sandbox.run(command, readable=places, level=level, **options)

    return run


@pytest.fixture
def shell(level) -> Callable[..., Result]:
    """Run a shell script in the sandbox, by default under short limits."""

    def run(script: str, **options) -> Result:
        options.setdefault("limits", Limits(wall_s=20))
        return sandbox.run(["/bin/sh", "-c", script], level=level, **options)

    return run


@pytest.fixture
def start(level):
    return partial(sandbox.start, level=level, limits=Limits(wall_s=20))


class LeftBehind:
    """The processes whose command line, or that of the launcher, holds a mark."""

    def __init__(self) -> None:
        self.mark = f"mark-{uuid.uuid4().hex}"

    def __call__(self) -> list[int]:
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit() and int(place.name) != os.getpid():
                try:
                    words = (place / "cmdline").read_bytes()
                except OSError:
                    continue
                if self.mark.encode() in words:
                    found.append(int(place.name))
        return found


@pytest.fixture
def left_behind() -> LeftBehind:
    return LeftBehind()
