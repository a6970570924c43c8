"""How good a verifier is: its errors on answers whose correctness is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lit_research.errors import UserError
from lit_research.evals import Attempt, Verifier, count_verdicts
from lit_research.stats import wilson


@dataclass(frozen=True)
class ErrorRate:
    """A share with Wilson's 95% interval.

    Attributes:
        count: errors.
        of: answers among which they were counted.
    """

    count: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval, 95%; 0 to 1 without answers."""
        return wilson(self.count, self.of)

    def card(self) -> dict[str, Any]:
        """Return plain JSON data; the share is null without answers."""
        low, high = self.interval
        share = self.count / self.of if self.of else None
        return {"count": self.count, "of": self.of, "share": share, "low": low, "high": high}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count} of {self.of} [{100 * low:.1f}%, {100 * high:.1f}%]"


@dataclass(frozen=True)
class VerifierQuality:
    """The errors of a verifier on labelled attempts.

    Attributes:
        verifier: its card.
        false_accept: wrong answers that it calls right, of all wrong answers.
        false_reject: right answers that it calls wrong, of all right answers.
        cannot_tell_right: right answers of which it cannot tell.
        cannot_tell_wrong: wrong answers of which it cannot tell.
        counts: of the verdicts, see ``count_verdicts``.
        mistakes: indices of the attempts that it falsely accepts or rejects.
    """

    verifier: dict[str, Any]
    false_accept: ErrorRate
    false_reject: ErrorRate
    cannot_tell_right: ErrorRate
    cannot_tell_wrong: ErrorRate
    counts: dict[str, int]
    mistakes: list[int]

    def card(self) -> dict[str, Any]:
        """Return plain JSON data."""
        rates = {k: v.card() for k, v in vars(self).items() if isinstance(v, ErrorRate)}
        return {"verifier": self.verifier, **rates, "counts": self.counts}

    def __str__(self) -> str:
        rates = {k: v for k, v in vars(self).items() if isinstance(v, ErrorRate)}
        return "; ".join(f"{name.replace('_', ' ')} {rate}" for name, rate in rates.items())


def measure_verifier(
    verifier: Verifier, attempts: Sequence[Attempt], labels: Sequence[bool]
) -> VerifierQuality:
    """Return the errors of a verifier on labelled attempts.

    A verdict "cannot tell" is neither a false accept nor a false reject: it has its own rates, and
    all three have all right, or all wrong, answers below them.

    Args:
        verifier: gives the verdicts.
        attempts: like those that it is used for; the intervals take them for independent.
        labels: whether each is right.

    Raises:
        UserError: there are no attempts, or not as many labels.
    """
    if not attempts or len(labels) != len(attempts):
        raise UserError(
            f"there are {len(labels)} labels for {len(attempts)} attempts, in measure_verifier; "
            "must be one for each, and at least one"
        )
    verdicts = verifier.verify(attempts)

    def rate(label: bool, outcome: str) -> ErrorRate:
        of_label = [v for v, right in zip(verdicts, labels, strict=True) if bool(right) is label]
        return ErrorRate(sum(v.outcome == outcome for v in of_label), len(of_label))

    return VerifierQuality(
        verifier.card(),
        false_accept=rate(False, "right"),
        false_reject=rate(True, "wrong"),
        cannot_tell_right=rate(True, "cannot tell"),
        cannot_tell_wrong=rate(False, "cannot tell"),
        counts=count_verdicts(verdicts),
        mistakes=[
            index
            for index, (verdict, right) in enumerate(zip(verdicts, labels, strict=True))
            if verdict.outcome == ("wrong" if right else "right")
        ],
    )
