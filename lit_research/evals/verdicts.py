"""Verdicts on answers with three outcomes, and what gives them: ``Verifier``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, TypeAlias

from lit_research.errors import UserError

Outcome: TypeAlias = Literal["right", "wrong", "cannot tell"]
"""What a verifier says of an answer."""


@dataclass(frozen=True)
class Attempt:
    """An answer to a question, to be verified.

    Attributes:
        question: its text.
        text: the whole answer: reasoning and final answer, or a program.
        key: the answer key, as the verifier reads it: a text, or the test cases of a program; None
            for a verifier that needs none.
        final: the final answer that was parsed from ``text``; None: the verifier parses it.
        question_id: names the question, in messages and where its answers are compared with each
            other; empty: the question itself names it.
    """

    question: str
    text: str
    key: Any = None
    final: str | None = None
    question_id: str = ""

    @property
    def group(self) -> str:
        """What the attempts at one question have in common."""
        return self.question_id or self.question


@dataclass(frozen=True)
class Verdict:
    """What a verifier says of an attempt. It has no truth value, which would hide an outcome.

    Attributes:
        outcome: ``right``, ``wrong``, or ``cannot tell``, which is never counted as wrong.
        reason: why; up to the first colon it is the same for all attempts of its kind.

    Raises:
        ValueError: there is no such outcome, or no reason for ``cannot tell``.
    """

    outcome: Outcome
    reason: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in ("right", "wrong", "cannot tell"):
            raise ValueError(f"outcome is {self.outcome!r}, in Verdict; must be an Outcome")
        if self.outcome == "cannot tell" and not self.reason:
            raise ValueError("reason is empty, in Verdict; must say why it cannot tell")

    @classmethod
    def cannot_tell(cls, reason: str) -> Verdict:
        """Return the third outcome, for ``reason``."""
        return cls("cannot tell", reason)

    def __bool__(self) -> bool:
        raise TypeError("a Verdict is neither true nor false; compare its outcome")

    @property
    def is_right(self) -> bool:
        """Whether the answer is right."""
        return self.outcome == "right"

    @property
    def is_wrong(self) -> bool:
        """Whether the answer is wrong; an answer may be neither right nor wrong."""
        return self.outcome == "wrong"


RIGHT, WRONG = Verdict("right"), Verdict("wrong")


def count_verdicts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Return counts of verdicts: ``right``, ``wrong``, and ``cannot tell: KIND`` by reason."""
    counts = Counter({"right": 0, "wrong": 0})
    for verdict in verdicts:
        kind = verdict.reason.partition(":")[0]
        counts[f"cannot tell: {kind}" if verdict.outcome == "cannot tell" else verdict.outcome] += 1
    return dict(counts)


class Verifier(ABC):
    """Says whether answers are right; a config names one by class path.

    One that holds processes or connections is a context manager that gives them back; without
    ``with`` they are kept until ``close``.

    Attributes:
        needs_key: whether every attempt must have a key.
    """

    needs_key: bool = True

    @abstractmethod
    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict on each attempt, in their order.

        A verdict depends on the attempt alone; that of a verifier without keys, on the other
        attempts of its question too.
        """

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Return what the verdicts depend on, as plain JSON data: its name, version, settings."""

    def check_keys(self, attempts: Sequence[Attempt], where: str = "in the attempts") -> None:
        """Refuse answer keys that the verifier cannot use; call it before a run.

        A key must be right as an answer to its own question. A verifier whose keys are no answers
        overrides this.

        Args:
            attempts: their keys are checked, each once.
            where: names the source of the keys in the message.

        Raises:
            UserError: a key is missing, or is not right by itself.
        """
        if not self.needs_key:
            return
        keys: dict[tuple[str, str], Attempt] = {}
        for one in attempts:
            if not isinstance(one.key, str):
                raise UserError(
                    f"the answer key of {shorten(one.group)} is {one.key!r}, {where}; must be a "
                    f"text for {type(self).__name__}"
                )
            keys.setdefault((one.group, one.key), replace(one, text=one.key, final=one.key))
        verdicts = self.verify(list(keys.values()))
        refused = [
            f"the answer key {shorten(one.key)} of {shorten(one.group)} is refused by "
            f"{type(self).__name__} ({verdict.reason or verdict.outcome})"
            for one, verdict in zip(keys.values(), verdicts, strict=True)
            if not verdict.is_right
        ]
        if refused:
            raise UserError(
                f"{refused[0]}, {where}; must be right as an answer to its own question "
                f"({len(refused)} of {len(keys)} keys are refused)"
            )

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back processes and connections; they are made again when needed."""

    def __enter__(self) -> Verifier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def shorten(text: str, length: int = 60) -> str:
    """Return a text quoted for a message, cut after ``length`` characters."""
    return repr(text if len(text) <= length else f"{text[:length]}...")
