"""Everything that a run has tried, in one SQLite file that only grows.

A run that was killed in a round plays that round again; what it had generated and verified by then
is here, so that nothing is computed twice and the round ends as it would have.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.lean import Attempt, LeanServer, Verdict
from lit_research.lm.engines import Completion
from lit_research.methods.self_play.guides import Grade

if TYPE_CHECKING:
    from lit_research.methods.self_play.guides import Guide, Pair

# Not kept: verdicts that another run may not repeat, and those that cost nothing and may lie in the
# theorem's name, which is not part of the key.
TRANSIENT = ("server", "crashed", "refused")

_TABLES = """
CREATE TABLE IF NOT EXISTS verdicts (
  key TEXT PRIMARY KEY, proved INTEGER, reason TEXT, seconds REAL);
CREATE TABLE IF NOT EXISTS generations (
  key TEXT PRIMARY KEY, round INTEGER, content TEXT);
CREATE TABLE IF NOT EXISTS grades (
  key TEXT PRIMARY KEY, relevance INTEGER, redundancy INTEGER, complexity INTEGER);
CREATE TABLE IF NOT EXISTS attempts (
  round INTEGER, problem TEXT, place INTEGER, conjecture INTEGER, header TEXT, statement TEXT,
  proof TEXT, proved INTEGER, reason TEXT, tokens INTEGER,
  PRIMARY KEY (round, problem, place));
CREATE TABLE IF NOT EXISTS conjectures (
  round INTEGER, target TEXT, place INTEGER, text TEXT, statement TEXT, reason TEXT,
  solve_rate REAL, relevance INTEGER, redundancy INTEGER, complexity INTEGER, weight REAL,
  PRIMARY KEY (round, target, place));
"""


@dataclass(frozen=True)
class AttemptRecord:
    """A row of ``attempts``: one proof of one problem; ``proof`` is None where none was read."""

    round: int
    problem: str
    place: int
    conjecture: bool
    header: str
    statement: str
    proof: str | None
    proved: bool
    reason: str
    tokens: int


@dataclass(frozen=True)
class ConjectureRecord:
    """A row of ``conjectures``: what was written for one target, and what it was worth.

    ``reason`` says why it was not played; ``solve_rate``, the Guide's scores and ``weight`` (of the
    Conjecturer's loss) are None where there are none.
    """

    round: int
    target: str
    place: int
    text: str
    statement: str | None
    reason: str
    solve_rate: float | None = None
    relevance: int | None = None
    redundancy: int | None = None
    complexity: int | None = None
    weight: float | None = None


def _key(*parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=20).hexdigest()


def _storable(value: Any) -> Any:
    """Return a value that SQLite takes: halves of characters, which are no text, as ``\\udXXX``."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return value


class Archive:
    """The file of a run; one a process. Usable from several threads.

    Args:
        file: made if it is not there; None keeps everything in memory.

    Raises:
        UserError: its place cannot be written, or holds something else; so do all methods.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._lock = threading.Lock()
        with self._open():
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(file or ":memory:", check_same_thread=False)
            # A kill of the process loses nothing that was committed; a power cut at most the last
            # rows.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            with self._db:
                self._db.executescript(_TABLES)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Say in one line what the system or SQLite refuses."""
        try:
            yield
        except (OSError, sqlite3.DatabaseError) as error:
            what = getattr(error, "strerror", None) or error
            raise UserError(
                f"cannot read or write the run's archive {str(self.file)!r}: {what}; give the run "
                "a place that can be written and has space, and where no other file has that name "
                "(trainer.logger.init_args.save_dir, trainer.default_root_dir)"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _write(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._open(), self._lock, self._db:
            self._db.executemany(sql, [tuple(map(_storable, row)) for row in rows])

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._open(), self._lock:
            return self._db.execute(sql, values).fetchall()

    def verify(self, lean: LeanServer, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return the verdicts, asking ``lean`` only for attempts that it has not judged before.

        Two statements that differ in the last part of their names alone are one; layout and
        comments are Lean's to read.
        """
        keys = [self._attempt_key(lean, attempt) for attempt in attempts]
        known = self._known(keys)
        new = {k: a for k, a in zip(keys, attempts, strict=True) if k not in known}
        found = dict(zip(new, lean.verify(list(new.values())), strict=True))
        rows = [
            (key, verdict.proved, verdict.reason, verdict.seconds)
            for key, verdict in found.items()
            if verdict.kind not in TRANSIENT
        ]
        self._write("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?)", rows)
        return [known.get(key) or found[key] for key in keys]

    @staticmethod
    def _attempt_key(lean: LeanServer, attempt: Attempt) -> str:
        theorem = attempt.verbatim
        stated = [attempt.statement] if theorem is None else [theorem.namespace, theorem.rest]
        return _key(lean.description, attempt.header, *stated, attempt.proof)

    def _known(self, keys: Sequence[str]) -> dict[str, Verdict]:
        rows = self._rows_of("verdicts", keys)
        return {key: Verdict(bool(proved), reason, s) for key, proved, reason, s in rows}

    def _rows_of(self, table: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a table that have one of the keys."""
        rows: list[tuple[Any, ...]] = []
        unique = list(dict.fromkeys(keys))
        for first in range(0, len(unique), 500):  # SQLite limits the number of values
            part = unique[first : first + 500]
            marks = ",".join("?" * len(part))
            rows += self._read(f"SELECT * FROM {table} WHERE key IN ({marks})", part)
        return rows

    def grade(self, guide: Guide, pairs: Sequence[Pair], round_: int) -> list[Grade | None]:
        """Return the grades, asking ``guide`` only for pairs that it has not graded in this round.

        What could not be read is kept too: a round that is played again is to end the same.
        """
        name = type(guide).__name__
        keys = [_key(name, str(round_), *(statement.text for statement in pair)) for pair in pairs]
        known = {
            key: None if scores[0] is None else Grade(*scores)
            for key, *scores in self._rows_of("grades", keys)
        }
        new = {k: pair for k, pair in zip(keys, pairs, strict=True) if k not in known}
        found = dict(zip(new, guide.score(list(new.values())), strict=True))
        rows = [
            (key, *((None,) * 3 if grade is None else astuple(grade)))
            for key, grade in found.items()
        ]
        self._write("INSERT OR IGNORE INTO grades VALUES (?, ?, ?, ?)", rows)
        known |= found
        return [known[key] for key in keys]

    def generation(self, key: str) -> list[list[Completion]] | None:
        """Return what was generated under ``key``, or None."""
        rows = self._read("SELECT content FROM generations WHERE key = ?", (key,))
        if not rows:
            return None
        return [
            [Completion(text, tuple(ids), tuple(lps), *rest) for text, ids, lps, *rest in group]
            for group in json.loads(rows[0][0])
        ]

    def keep_generation(self, key: str, round_: int, groups: list[list[Completion]]) -> None:
        """Keep what was generated under ``key`` until its round is long past."""
        content = json.dumps([[astuple(completion) for completion in group] for group in groups])
        self._write("INSERT OR REPLACE INTO generations VALUES (?, ?, ?)", [(key, round_, content)])

    def drop_generations(self, before: int) -> None:
        """Forget the tokens of rounds before this one; texts and verdicts stay."""
        self._write("DELETE FROM generations WHERE round < ?", [(before,)])

    def add_attempts(self, records: Sequence[AttemptRecord]) -> None:
        """Add attempts; a round that is played again writes the same rows."""
        marks = ", ".join("?" * 10)
        rows = [astuple(record) for record in records]
        self._write(f"INSERT OR REPLACE INTO attempts VALUES ({marks})", rows)

    def add_conjectures(self, records: Sequence[ConjectureRecord]) -> None:
        """Add conjectures, likewise."""
        marks = ", ".join("?" * 11)
        rows = [astuple(record) for record in records]
        self._write(f"INSERT OR REPLACE INTO conjectures VALUES ({marks})", rows)

    def proved(self) -> list[Attempt]:
        """Return every different attempt that was found proved, oldest first."""
        rows = self._read(
            "SELECT statement, proof, header FROM attempts WHERE proved "
            "GROUP BY header, statement, proof ORDER BY MIN(rowid)"
        )
        return [Attempt(*row) for row in rows]

    def attempts(self) -> list[AttemptRecord]:
        """Return all attempts in the order of rounds, problems and places."""
        rows = self._read("SELECT * FROM attempts ORDER BY round, problem, place")
        return [AttemptRecord(*row) for row in rows]

    def conjectures(self) -> list[ConjectureRecord]:
        """Return all conjectures in the order of rounds, targets and places."""
        rows = self._read("SELECT * FROM conjectures ORDER BY round, target, place")
        return [ConjectureRecord(*row) for row in rows]


class ArchivedLean(LeanServer):
    """A server that asks another only for what a run's archive does not know.

    Args:
        lean: the other one.
        archive: of the run.
    """

    def __init__(self, lean: LeanServer, archive: Archive) -> None:
        self.lean, self.archive, self.counts = lean, archive, lean.counts

    @property
    def description(self) -> str:
        """That of the other."""
        return self.lean.description

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return the verdicts, remembered or new."""
        return self.archive.verify(self.lean, attempts)


def generation_key(*parts: Any) -> str:
    """Return the key of a generation: weights, prompts, sampling and seed, as they are printed."""
    return _key(*[json.dumps(part, sort_keys=True) for part in parts])
