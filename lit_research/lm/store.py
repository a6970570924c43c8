"""``AnswerStore``: what models have answered, in one SQLite file, each answer kept at once."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_research.errors import UserError

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, truncated INTEGER NOT NULL, attempts INTEGER NOT NULL,
  content TEXT NOT NULL) WITHOUT ROWID
"""
# The first whole answer stays; only a truncated one gives way, whichever process is first.
_KEEP = """
INSERT INTO answers VALUES {} ON CONFLICT (key) DO UPDATE SET
  truncated = excluded.truncated, attempts = attempts + 1, content = excluded.content
  WHERE truncated
"""
_AT_ONCE = 500  # values of one query; SQLite limits them
_ROWS = _AT_ONCE // 3  # answers of one statement
_BUSY_S = 60.0  # for which a writer waits for another process


@dataclass(frozen=True)
class Answer:
    """An answer that is kept.

    Attributes:
        content: plain JSON data.
        truncated: whether it was cut at the length limit.
        attempts: answers under its key so far, this one and truncated ones before it.
    """

    content: Mapping[str, Any]
    truncated: bool
    attempts: int


class AnswerStore:
    """Answers by key, in a file that many threads and processes use at once.

    Each thread has a connection of its own. Once ``keep`` has returned, no kill of the process
    loses the answer; a power cut loses the last ones at most. To read the texts::

        sqlite3 FILE "SELECT json_extract(content, '$.text') FROM answers"

    Args:
        path: the file, made if it is not there; on a local disk, since SQLite's write-ahead log
            needs one.

    Raises:
        UserError: its place cannot be written, or holds something else; so do all methods.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._of_thread = threading.local()
        with self._open() as database:
            database.execute(_TABLE)
            self._read(database, [""])

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are kept under ``keys``."""
        with self._open() as database:
            parts = (keys[at : at + _AT_ONCE] for at in range(0, len(keys), _AT_ONCE))
            return {key: answer for part in parts for key, answer in self._read(database, part)}

    def keep(self, key: str, content: Mapping[str, Any], *, truncated: bool = False) -> None:
        """Keep an answer, unless there is a whole one under its key."""
        self.keep_all([(key, content, truncated)])

    def keep_all(self, answers: Sequence[tuple[str, Mapping[str, Any], bool]]) -> None:
        """Keep answers, which costs little more than one of them.

        Args:
            answers: key, content, and whether it is truncated, of each.
        """
        with self._open() as database:
            for at in range(0, len(answers), _ROWS):
                part = answers[at : at + _ROWS]
                values = [(key, truncated, json.dumps(content)) for key, content, truncated in part]
                # One statement: it is a transaction, and gives way to other threads just once.
                marks = ",".join(["(?, ?, 1, ?)"] * len(part))
                database.execute(_KEEP.format(marks), [v for row in values for v in row])

    @staticmethod
    def _read(database: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[str, Answer]]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, content, truncated, attempts FROM answers WHERE key IN ({marks})"
        return [
            (key, Answer(json.loads(content), bool(truncated), attempts))
            for key, content, truncated, attempts in database.execute(query, keys)
        ]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection; say in one line what the system or SQLite refuses."""
        try:
            if not hasattr(self._of_thread, "database"):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # Every statement is a transaction of its own.
                database = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
                database.execute("PRAGMA journal_mode=WAL")
                # FULL, which outlives a power cut, makes an answer ten times as dear.
                database.execute("PRAGMA synchronous=NORMAL")
                self._of_thread.database = database
            yield self._of_thread.database
        except (OSError, sqlite3.Error, json.JSONDecodeError) as error:
            what = getattr(error, "strerror", None) or error
            raise UserError(
                f"cannot read or write the store of answers {str(self.path)!r}: {what}; must be a "
                "place that can be written and has space, with a file of this store or none"
            ) from error
