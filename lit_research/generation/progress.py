"""The progress bar of a text-writing job."""

from __future__ import annotations

from types import TracebackType

from rich.progress import TextColumn

from lit_research.messages import announce
from lit_research.progress import make_bar


class RowProgress:
    """Shows how many rows are written, the time left and how many rows were rejected.

    A bar on a terminal; otherwise one line at the start.

    Args:
        what: name of the job.
        total: rows of this process.
        done: rows of this process that were written before.
    """

    def __init__(self, what: str, *, total: int, done: int) -> None:
        self.what, self.total, self.done, self.rejected = what, total, done, 0
        self._bar = make_bar(TextColumn("{task.fields[rejected]}"))

    def __enter__(self) -> RowProgress:
        """Show the bar."""
        already = f", {self.done} of them already written" if self.done else ""
        announce(f"{self.what}: {self.total} rows to write{already}")
        self._bar.start()
        self._task = self._bar.add_task(
            self.what, total=self.total, completed=self.done, rejected=""
        )
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the bar, which stays on the screen."""
        self._bar.stop()

    def add(self, written: int, rejected: int) -> None:
        """Add the rows of a shard, and how many of them have no usable text."""
        self.done += written
        self.rejected += rejected
        shown = f"{self.rejected} rejected" if self.rejected else ""
        self._bar.update(self._task, completed=self.done, rejected=shown)
