"""Stages and rows for the tests of pipelines."""

from __future__ import annotations

import time

from lit_research.stages import (
    Filter,
    Pipeline,
    Reasons,
    Rejected,
    RowStage,
    Selection,
    Starved,
    priorities,
)
from lit_research.stages.sources import Rows


def pool(size: int) -> list[dict[str, str]]:
    """Return rows whose ids are numbers."""
    return [{"id": str(number), "question": f"question {number}"} for number in range(size)]


class Longer(Filter):
    """Keeps ids of at least so many characters."""

    def __init__(self, least: int) -> None:
        self.least = least

    def card(self):
        return {"least": self.least}

    def reasons(self, rows):
        ids = rows["id"].to_pylist()
        return Reasons([None if len(one) >= self.least else "too short" for one in ids])


class Copies(RowStage):
    """Makes n rows of each; those whose id ends so fail."""

    def __init__(self, n: int, failing: str) -> None:
        self.n, self.failing = n, failing

    def card(self):
        return {"n": self.n, "failing": self.failing}

    def rows(self, rows, seed):
        for row in rows:
            if row["id"].endswith(self.failing):
                yield Rejected(row, "failed", "an example")
                continue
            for copy in range(self.n):
                yield {**row, "id": f"{row['id']}-{copy}", "parents": [row["id"]]}


class KeepShare(Filter):
    """Keeps a random share of the rows."""

    def __init__(self, share: float) -> None:
        self.share = share

    def card(self):
        return {"share": self.share}

    def reasons(self, rows):
        shares = priorities(rows["id"].to_pylist(), 0) / 2**64
        return Reasons([None if one < self.share else "unlucky" for one in shares])


class LastRows(Selection):
    """Keeps the last n rows."""

    def __init__(self, n: int) -> None:
        self.n = n

    def card(self):
        return {"n": self.n}

    def choose(self, rows, inputs, seed):
        if len(rows) < self.n:
            raise Starved(self.n, len(rows))
        first = len(rows) - self.n
        return Reasons(["not among the last"] * first + [None] * self.n)


class Slow(Copies):
    """As ``Copies``, in a hundredth of a second a shard."""

    def rows(self, rows, seed):
        time.sleep(0.01)
        return super().rows(rows, seed)


def slow_pipeline(folder: str) -> Pipeline:
    """Return a pipeline of 20 shards a step, which takes some time."""
    steps = {
        "pool": Rows(pool(100), rows_per_shard=5),
        "longer": Longer(2),
        "copies": Slow(2, "7"),
        "last": LastRows(60),
        "again": Slow(1, "0"),
    }
    return Pipeline(steps, folder)


def run_slowly(folder: str) -> None:
    """Run it, as the target of a process."""
    slow_pipeline(folder).run(shown=False)
