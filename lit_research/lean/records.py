"""The interface of every Lean server: attempts in, verdicts out, in the same order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from types import TracebackType

from typing_extensions import Self

from lit_research.errors import UserError
from lit_research.lean.statements import Statement, parse_statement
from lit_research.lean.theorem import Theorem, read_theorem


@dataclass(frozen=True)
class Attempt:
    """A proof to check.

    What is read of its text, ``parsed`` and ``verbatim``, is read once and travels with it. It
    always follows from the text: no attempt can be made whose statement is one and reads as
    another.

    Attributes:
        statement: ``theorem NAME BINDERS : CONCLUSION``, without ``:=`` and what follows.
        proof: what stands after ``:= by``: a block of tactics, indented or not.
        header: what stands before the theorem: imports, ``open``; servers keep it ready.
    """

    statement: str
    proof: str
    header: str = ""

    @cached_property
    def parsed(self) -> Statement | None:
        """The parts of its statement; None if it is no statement."""
        return parse_statement(self.statement)

    @cached_property
    def verbatim(self) -> Theorem | None:
        """Its statement as the embedded Lean is to read it; None if it does not begin as one."""
        return read_theorem(self.statement)

    @property
    def unwritable(self) -> str:
        """Why it cannot be written to a file; empty where every part is text in UTF-8."""
        for part in fields(self):
            text = getattr(self, part.name)
            try:
                text.encode()
            except UnicodeEncodeError as error:
                found = ord(text[error.start])
                return f"in the {part.name}, U+{found:04X} is half of a character: no text in UTF-8"
        return ""

    def with_unix_lines(self) -> Attempt:
        """Return it with line ends as Lean has them after reading a file: ``\\n``."""
        if "\r\n" not in self.statement + self.proof + self.header:
            return self
        parts = (self.statement, self.proof, self.header)
        return Attempt(*(part.replace("\r\n", "\n") for part in parts))


@dataclass(frozen=True)
class Verdict:
    """A server's verdict on one attempt.

    Attributes:
        proved: the kernel accepts a proof of that very statement from allowed axioms.
        reason: empty where proved; else ``KIND: detail`` with a kind of ``KINDS``.
        seconds: wall time of the attempt; 0 where it was not run, or the time is not known.
    """

    proved: bool
    reason: str = ""
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """The part of ``reason`` before the colon; ``proved`` where it is."""
        return "proved" if self.proved else self.reason.partition(":")[0]


# Why an attempt is not proved. The first six are verdicts on the attempt; the others may change in
# another run.
KINDS = (
    "refused",  # by a guard: never shown to Lean
    "error",  # Lean says so: an error of the proof
    "unsolved goals",  # the tactics ran and left goals, which the detail lists
    "sorry",  # holes
    "axioms",  # axioms that are not allowed
    "statement",  # the statement itself does not elaborate, or another one was proved
    "timeout",
    "memory",
    "crashed",
    "server",  # the server is not available, or broke its protocol
)


@dataclass
class ServerCounts:
    """What a server has done since it was created.

    Attributes:
        attempts: attempts submitted.
        run: those that Lean saw (not refused, not repeated).
        proved: verdicts ``proved``.
        by_kind: verdicts of each kind.
        starts: processes started.
        lost: processes that died or were killed.
        seconds: wall time inside ``verify``, all callers together.
    """

    attempts: int = 0
    run: int = 0
    proved: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    starts: int = 0
    lost: int = 0
    seconds: float = 0.0

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Count the verdicts of a call."""
        self.attempts += len(verdicts)
        for verdict in verdicts:
            self.proved += verdict.proved
            self.by_kind[verdict.kind] = self.by_kind.get(verdict.kind, 0) + 1


class LeanServer(ABC):
    """Checks proofs. ``verify`` may be called from several threads; use it as a context manager.

    Attributes:
        counts: what it has done.
    """

    counts: ServerCounts

    @property
    @abstractmethod
    def description(self) -> str:
        """Which Lean with which library, in words."""

    @abstractmethod
    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict for each attempt, in their order; a bad attempt never raises.

        Raises:
            UserError: the server cannot run at all: a toolchain is missing, an address is wrong.
        """

    def check(self) -> None:
        """Check that the server proves something small, and does not prove something false.

        Raises:
            UserError: the server does not tell them apart.
        """
        right, wrong = self.verify(
            [Attempt(f"theorem t : {proposition}", "trivial") for proposition in ("True", "False")]
        )
        if not right.proved or wrong.proved:
            raise UserError(
                f"True gets {right.reason or 'proved'!r} and False {wrong.reason or 'proved'!r}, "
                f"in {type(self).__name__} ({self.description}); fix its toolchain or its options"
            )

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """Terminate the server's processes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
