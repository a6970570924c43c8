"""What the command says on stderr while it works: its own lines, without Lightning's chatter.

This module imports nothing heavy: the first line is there before torch is, which takes seconds.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

# Where a launcher says which process this is; Lightning asks in the same order.
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
OWN = logging.getLogger("lit_research")
LIGHTNING = ("lightning", "lightning.fabric", "lightning.pytorch")
# Loggers that write what is left out; filters count where a record is made, not above it.
SPEAKERS = (
    "lightning.pytorch.utilities.rank_zero",
    "lightning.pytorch.accelerators.cuda",
    "lightning.fabric.utilities.seed",
)
# Advertisements, and what our own lines say once: the device, the checkpoint, the end.
CHATTER = re.compile(
    r"(\[rank: \d+\] )?"
    r"(💡 Tip|(GPU|TPU|HPU|IPU) available: |LOCAL_RANK: \d+ - CUDA_VISIBLE_DEVICES|Seed set to |"
    r"Restoring states from the checkpoint|"
    r"(Restored all states|Loaded model weights) from the checkpoint|"
    r"`Trainer\.fit` stopped: `max_(steps|epochs)=|"
    r"Trainer already configured with model summary|"
    r"`Trainer\(\w+=1(\.0)?\)` was configured so|"
    r"The following callbacks returned in `LightningModule\.configure_callbacks`)"
)


class _Stderr(logging.StreamHandler):
    """Writes to what ``sys.stderr`` is now: above a progress bar, which puts itself there."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:
        return sys.stderr


def is_first_process() -> bool:
    """Return whether this is the process of a run that speaks, by what its launcher says."""
    return next((os.environ[name] for name in RANKS if name in os.environ), "0") == "0"


def say(text: str) -> None:
    """Print a line before Lightning is there to ask for the rank."""
    if is_first_process():
        print(f"lit-research: {text}", file=sys.stderr, flush=True)  # noqa: T201


def announce(text: str) -> None:
    """Say what takes a while, from one process; the command shows it, a library's user may."""
    if is_first_process():
        OWN.info(text)


def set_up() -> None:
    """Show our lines, leave out Lightning's chatter, let both appear above a bar.

    Called again it changes nothing.
    """
    OWN.setLevel(logging.INFO)
    if not OWN.hasHandlers():
        OWN.addHandler(_Stderr())
    for name in SPEAKERS:
        logging.getLogger(name).addFilter(_is_worth_reading)
    # They have handlers of their own where the program that uses them has none.
    for logger in map(logging.getLogger, LIGHTNING):
        for handler in [h for h in logger.handlers if type(h) is logging.StreamHandler]:
            logger.removeHandler(handler)
            logger.addHandler(_Stderr())


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return not CHATTER.match(str(record.msg))


@contextmanager
def quietly() -> Iterator[None]:
    """Say nothing but warnings: a run inside another, which shows its own progress."""
    levels = {logger: logger.level for logger in (OWN, logging.getLogger("lightning.pytorch"))}
    for logger in levels:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
