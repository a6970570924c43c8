"""The archive: everything that a run has generated and verified, in one SQLite file.

A run that was killed during a round plays that round again. What it had generated and verified is
read from the archive, so that nothing is computed twice and the round has the same result.
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

# Verdicts that are not kept: those that may differ next time, and refusals, which cost nothing and
# may be due to the theorem's name, which is not part of the key.
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
    """A row of ``attempts``: one attempt at a problem.

    ``place`` is its index among the attempts at the problem in this round. ``proof`` is None if
    none could be extracted.
    """

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
    """A row of ``conjectures``: one text of the Conjecturer, with its solve rate and grades.

    ``place`` is its index among the texts of the round. ``reason`` says why it was not attempted.
    ``solve_rate``, the Guide's scores and ``weight`` (in the Conjecturer's loss) may be None.
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
    """Return a value that SQLite accepts: lone surrogates are escaped as ``\\udXXX``."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return value


class Archive:
    """The archive of one process of a run; thread-safe.

    Args:
        file: created if it is missing; None keeps everything in memory.

    Raises:
        UserError: the file cannot be written, or is not an archive; so do all methods.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._lock = threading.Lock()
        with self._open():
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(file or ":memory:", check_same_thread=False)
            # A killed process loses nothing that was committed; a power cut, at most the last rows.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            with self._db:
                self._db.executescript(_TABLES)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Turn errors of the file system and of SQLite into a ``UserError``."""
        try:
            yield
        except (OSError, sqlite3.DatabaseError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(
                f"the archive {str(self.file)!r} cannot be read or written ({reason}), in the "
                "folder of the run; must be in a writable folder with free space, in which no "
                "other file has that name (trainer.logger.init_args.save_dir, "
                "trainer.default_root_dir)"
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
        """Return the verdicts; ``lean`` verifies only attempts that it has not verified before.

        Statements that differ only in the last component of their names are the same; statements
        that differ in layout or comments are not.
        """
        keys = [self._attempt_key(lean, attempt) for attempt in attempts]
        known = self._known(keys)
        new = {k: a for k, a in zip(keys, attempts, strict=True) if k not in known}
        verdicts = dict(zip(new, lean.verify(list(new.values())), strict=True))
        rows = [
            (key, verdict.proved, verdict.reason, verdict.seconds)
            for key, verdict in verdicts.items()
            if verdict.kind not in TRANSIENT
        ]
        self._write("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?)", rows)
        return [known.get(key) or verdicts[key] for key in keys]

    @staticmethod
    def _attempt_key(lean: LeanServer, attempt: Attempt) -> str:
        theorem = attempt.verbatim
        stated = [attempt.statement] if theorem is None else [theorem.namespace, theorem.rest]
        return _key(lean.description, attempt.header, *stated, attempt.proof)

    def _known(self, keys: Sequence[str]) -> dict[str, Verdict]:
        rows = self._rows_of("verdicts", keys)
        return {key: Verdict(bool(proved), reason, s) for key, proved, reason, s in rows}

    def _rows_of(self, table: str, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a table whose key is among ``keys``."""
        rows: list[tuple[Any, ...]] = []
        unique = list(dict.fromkeys(keys))
        for first in range(0, len(unique), 500):  # SQLite limits the number of values
            chunk = unique[first : first + 500]
            placeholders = ",".join("?" * len(chunk))
            rows += self._read(f"SELECT * FROM {table} WHERE key IN ({placeholders})", chunk)
        return rows

    def grade(self, guide: Guide, pairs: Sequence[Pair], round_: int) -> list[Grade | None]:
        """Return the grades; ``guide`` grades only pairs that it has not graded in this round.

        Unparseable grades are kept too, so that a round that is played again has the same result.
        """
        name = type(guide).__name__
        keys = [_key(name, str(round_), *(statement.text for statement in pair)) for pair in pairs]
        known = {
            key: None if scores[0] is None else Grade(*scores)
            for key, *scores in self._rows_of("grades", keys)
        }
        new = {k: pair for k, pair in zip(keys, pairs, strict=True) if k not in known}
        grades = dict(zip(new, guide.score(list(new.values())), strict=True))
        rows = [
            (key, *((None,) * 3 if grade is None else astuple(grade)))
            for key, grade in grades.items()
        ]
        self._write("INSERT OR IGNORE INTO grades VALUES (?, ?, ?, ?)", rows)
        known |= grades
        return [known[key] for key in keys]

    def generation(self, key: str) -> list[list[Completion]] | None:
        """Return the completions kept under ``key``, or None."""
        rows = self._read("SELECT content FROM generations WHERE key = ?", (key,))
        if not rows:
            return None
        return [
            [Completion(text, tuple(ids), tuple(lps), *rest) for text, ids, lps, *rest in group]
            for group in json.loads(rows[0][0])
        ]

    def keep_generation(self, key: str, round_: int, groups: list[list[Completion]]) -> None:
        """Keep completions under ``key`` until ``drop_generations`` drops their round."""
        content = json.dumps([[astuple(completion) for completion in group] for group in groups])
        self._write("INSERT OR REPLACE INTO generations VALUES (?, ?, ?)", [(key, round_, content)])

    def drop_generations(self, before: int) -> None:
        """Drop the completions of rounds before ``before``; attempts and verdicts stay."""
        self._write("DELETE FROM generations WHERE round < ?", [(before,)])

    def add_attempts(self, records: Sequence[AttemptRecord]) -> None:
        """Add attempts; those of a round that is played again replace the same rows."""
        placeholders = ", ".join("?" * 10)
        rows = [astuple(record) for record in records]
        self._write(f"INSERT OR REPLACE INTO attempts VALUES ({placeholders})", rows)

    def add_conjectures(self, records: Sequence[ConjectureRecord]) -> None:
        """Add conjectures; those of a round that is played again replace the same rows."""
        placeholders = ", ".join("?" * 11)
        rows = [astuple(record) for record in records]
        self._write(f"INSERT OR REPLACE INTO conjectures VALUES ({placeholders})", rows)

    def proved(self) -> list[Attempt]:
        """Return the distinct proved attempts, the oldest first."""
        rows = self._read(
            "SELECT statement, proof, header FROM attempts WHERE proved "
            "GROUP BY header, statement, proof ORDER BY MIN(rowid)"
        )
        return [Attempt(*row) for row in rows]

    def attempts(self) -> list[AttemptRecord]:
        """Return all attempts, sorted by round, problem and place."""
        rows = self._read("SELECT * FROM attempts ORDER BY round, problem, place")
        return [AttemptRecord(*row) for row in rows]

    def conjectures(self) -> list[ConjectureRecord]:
        """Return all conjectures, sorted by round, target and place."""
        rows = self._read("SELECT * FROM conjectures ORDER BY round, target, place")
        return [ConjectureRecord(*row) for row in rows]


class ArchivedLean(LeanServer):
    """A Lean server that caches the verdicts of another in the archive.

    Args:
        lean: verifies attempts that are not in the archive.
        archive: of the run.
    """

    def __init__(self, lean: LeanServer, archive: Archive) -> None:
        self.lean, self.archive, self.counts = lean, archive, lean.counts

    @property
    def description(self) -> str:
        """Description of the cached server."""
        return self.lean.description

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return the verdicts, cached or new."""
        return self.archive.verify(self.lean, attempts)


def generation_key(*parts: Any) -> str:
    """Return the key of a generation: a hash of weights, prompts, sampling options and seeds."""
    return _key(*[json.dumps(part, sort_keys=True) for part in parts])
