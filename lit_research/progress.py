"""Progress bars of work that the trainer's own bar does not count."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from lit_research.messages import is_first_process


def make_bar(*extra: ProgressColumn, shown: bool = True) -> Progress:
    """Return a bar: what is done, of how much, the time left.

    It is drawn by the first process of a run, on a terminal that no other bar has, and nowhere
    else: never in a log file.

    Args:
        extra: columns after these.
        shown: False never draws it.
    """
    console = Console(stderr=True)
    is_free = console.is_terminal and not isinstance(sys.stderr, FileProxy)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        *extra,
        console=console,
        disable=not (shown and is_free and is_first_process()),
    )


@contextmanager
def counting(
    what: str, total: int, *, unit: str, delay: float = 0.0, shown: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show a bar while something is counted; yields the function that adds to the count.

    Args:
        what: takes time.
        total: count at the end.
        unit: of the count: ``tokens``.
        delay: seconds in which nothing is drawn, for what is mostly quick.
        shown: False never draws it.
    """
    bar = make_bar(TextColumn(unit), shown=shown)
    task, begun, drawn = bar.add_task(what, total=total), time.monotonic(), False

    def add(count: int) -> None:
        nonlocal drawn
        bar.advance(task, count)
        if not drawn and time.monotonic() - begun >= delay:
            bar.start()
            drawn = True

    try:
        add(0)
        yield add
    finally:
        if drawn:
            bar.stop()
