"""Messages of the command on stderr while it works, without Lightning's noise.

This module imports nothing heavy: the first line appears before torch is imported, which takes
seconds.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

# Variables in which a launcher gives the rank; Lightning reads them in the same order.
RANK_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
LOGGER = logging.getLogger("lit_research")
LIGHTNING_LOGGERS = ("lightning", "lightning.fabric", "lightning.pytorch")
# Loggers whose messages are filtered; a filter applies where a record is made, not in parents.
FILTERED_LOGGERS = (
    "lightning.pytorch.utilities.rank_zero",
    "lightning.pytorch.accelerators.cuda",
    "lightning.fabric.utilities.seed",
)
# Advertisements, and what this package reports itself: the device, the checkpoint, the end.
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
    """Writes to the current ``sys.stderr``, which a progress bar replaces to print above itself."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:
        return sys.stderr


def is_first_process() -> bool:
    """Return whether this process has rank 0, according to its launcher."""
    return next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), "0") == "0"


def say(text: str) -> None:
    """Print a line on rank 0, without importing Lightning."""
    if is_first_process():
        print(f"lit-research: {text}", file=sys.stderr, flush=True)  # noqa: T201


def announce(text: str) -> None:
    """Log on rank 0 what takes a while; the command shows it, other programs may."""
    if is_first_process():
        LOGGER.info(text)


def set_up() -> None:
    """Show this package's messages, filter Lightning's noise, and print above a progress bar.

    Calling it again changes nothing.
    """
    LOGGER.setLevel(logging.INFO)
    if not LOGGER.hasHandlers():
        LOGGER.addHandler(_Stderr())
    for name in FILTERED_LOGGERS:
        logging.getLogger(name).addFilter(_is_worth_reading)
    # They have their own handlers if the program that uses them has none.
    for logger in map(logging.getLogger, LIGHTNING_LOGGERS):
        for handler in [h for h in logger.handlers if type(h) is logging.StreamHandler]:
            logger.removeHandler(handler)
            logger.addHandler(_Stderr())


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return not CHATTER.match(str(record.msg))


@contextmanager
def quietly() -> Iterator[None]:
    """Show only warnings, for runs inside another one, which shows its own progress."""
    levels = {logger: logger.level for logger in (LOGGER, logging.getLogger("lightning.pytorch"))}
    for logger in levels:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
