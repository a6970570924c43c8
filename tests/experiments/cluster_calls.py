"""What the tests of executors call; a worker that imports it imports nothing slow."""

import os
import signal
from pathlib import Path

from lit_research.errors import UserError


def square(n):
    """Return the square."""
    return n * n


def refuse(n):
    """Raise a mistake of the user."""
    raise UserError(f"n is {n}")


def die_once(flag):
    """Kill the process that calls it, the first time."""
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"
