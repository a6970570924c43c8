"""Answer filters by verdicts: right answers alone, and those that most answers agree with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lit_research.evals import Attempt, Verifier, parse_final, parse_program
from lit_research.methods.openthoughts.choosing import Keep
from lit_research.methods.openthoughts.strategies import AnswerFilter
from lit_research.stages import Filter, Reasons, Rejected, Row, RowStage, Stage

if TYPE_CHECKING:
    import pyarrow as pa

RIGHT = "right"


class Verify(RowStage):
    """Adds a verdict on each answer: ``right``, ``wrong`` or ``cannot tell``, and why.

    A verifier that compares a question's answers with each other (a majority) sees those of a
    shard, in which they stand together.

    Args:
        verifier: says whether answers are right.
    """

    in_process = True  # it has workers of its own

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def card(self) -> dict[str, Any]:
        """Return the verifier's card."""
        return {"verifier": self._verifier.card()}

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the columns of the verdict."""
        import pyarrow as pa

        return {"verdict": pa.string(), "verdict_reason": pa.string()}

    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield each row with its verdict; a row without a key that is needed is rejected.

        Raises:
            UserError: a key is refused by its own verifier.
        """
        keyed = [row for row in rows if row["answer"] or not self._verifier.needs_key]
        attempts = [_attempt(row) for row in keyed]
        self._verifier.check_keys(attempts, "in the column 'answer'")
        verdicts = dict(
            zip((row["id"] for row in keyed), self._verifier.verify(attempts), strict=True)
        )
        for row in rows:
            if (verdict := verdicts.get(row["id"])) is None:
                yield Rejected(row, "no answer key")
            else:
                yield {**row, "verdict": verdict.outcome, "verdict_reason": verdict.reason}


def _attempt(row: Row) -> Attempt:
    return Attempt(
        row["question"],
        f"{row['trace'] or ''}\n{row['final'] or ''}",
        key=row["answer"],
        final=_stated(row["final"]),
        question_id=row["question_id"],
    )


def _stated(final: str | None) -> str | None:
    """Return the answer that the final part states, without its sentence; a program is one."""
    if not final or parse_program("", final).code is not None:
        return final
    return parse_final(final).text or final


class OnlyRight(Filter):
    """Rejects rows whose verdict is not ``right``.

    Args:
        keep_unclear: keep those of which the verifier cannot tell.
    """

    def __init__(self, keep_unclear: bool = False) -> None:
        self._keep_unclear = keep_unclear

    def card(self) -> dict[str, Any]:
        """Return the argument."""
        return {"keep_unclear": self._keep_unclear}

    def reasons(self, rows: pa.Table) -> Reasons:
        """Return the verdicts of the rows that do not go on."""
        kept = {RIGHT, "cannot tell"} if self._keep_unclear else {RIGHT}
        verdicts = rows["verdict"].to_pylist()
        return Reasons(
            [None if one in kept else str(one) for one in verdicts],
            [one or "" for one in rows["verdict_reason"].to_pylist()],
        )


class VerifiedAnswers(AnswerFilter):
    """Answers that a verifier calls right, n of them at random.

    By mathematics, test cases or a judge: whatever ``verifier`` is. With ``MajorityVote``, the
    answers that most answers to the question agree with.

    Args:
        verifier: says whether answers are right; by class path, ``lit_research.evals.CodeVerifier``
            with test cases in the column ``answer``, say.
        keep_unclear: keep those of which it cannot tell.
    """

    def __init__(self, verifier: Verifier, keep_unclear: bool = False) -> None:
        self._verifier, self._keep_unclear = verifier, keep_unclear

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the verdicts, the filter and a random choice."""
        return {
            "verified": Verify(self._verifier),
            "right": OnlyRight(self._keep_unclear),
            "right-answers": Keep(n),
        }
