"""The progress bar of a text-writing job."""

from __future__ import annotations

from types import TracebackType

from rich.progress import TextColumn

from lit_research.messages import announce
from lit_research.progress import make_bar


class RowProgress:
    """Shows the rows written of all, the time left and the rows rejected.

    A bar on a terminal; elsewhere one line at the start.

    Args:
        what: name of the job.
        total: rows of this process.
        done: those of them that were there already.
    """

    def __init__(self, what: str, *, total: int, done: int) -> None:
        self.what, self.total, self.done, self.rejected = what, total, done, 0
        self._bar = make_bar(TextColumn("{task.fields[rejected]}"))

    def __enter__(self) -> RowProgress:
        """Begin to show."""
        already = f", of which {self.done} are there already" if self.done else ""
        announce(f"{self.what}: {self.total} rows to write{already}")
        self._bar.start()
        self._task = self._bar.add_task(
            self.what, total=self.total, completed=self.done, rejected=""
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; the bar stays as it is."""
        self._bar.stop()

    def add(self, written: int, rejected: int) -> None:
        """Count the rows of a shard, and those of them without a usable text."""
        self.done += written
        self.rejected += rejected
        shown = f"{self.rejected} rejected" if self.rejected else ""
        self._bar.update(self._task, completed=self.done, rejected=shown)
