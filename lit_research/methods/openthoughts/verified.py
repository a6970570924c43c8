"""Answer filters by verdicts: right answers alone, and those that most answers agree with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lit_research.evals import Attempt, Verifier, parse_final, parse_program
from lit_research.methods.openthoughts.choosing import Keep
from lit_research.methods.openthoughts.labelled import LabelledAnswers
from lit_research.methods.openthoughts.strategies import AnswerFilter
from lit_research.methods.verifier_quality import measure_verifier
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
        labelled: answers on which the verifier's own errors are measured, for the card; None: they
            are not.
    """

    in_process = True  # it has workers of its own

    def __init__(self, verifier: Verifier, labelled: LabelledAnswers | None = None) -> None:
        self._verifier, self._labelled = verifier, labelled

    def card(self) -> dict[str, Any]:
        """Return the cards of the verifier and of the labelled answers."""
        labelled = {} if self._labelled is None else {"labelled": self._labelled.card()}
        return {"verifier": self._verifier.card(), **labelled}

    def measured(self) -> dict[str, Any]:
        """Return the errors of the verifier on the labelled answers, where there are some.

        Raises:
            UserError: a key of theirs is refused by the verifier.
        """
        if self._labelled is None:
            return {}
        rows = self._labelled.rows()
        attempts = [_attempt(row) for row in rows]
        self._verifier.check_keys(attempts, "in the column 'answer' of the labelled answers")
        quality = measure_verifier(self._verifier, attempts, [row["right"] for row in rows])
        return {"quality": quality.card()}

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
        labelled: answers on which the verifier's own errors are measured: ``LabelledFile``, or
            ``PlantedAnswers``. The card of the step ``verified`` has them.
    """

    def __init__(
        self,
        verifier: Verifier,
        keep_unclear: bool = False,
        labelled: LabelledAnswers | None = None,
    ) -> None:
        self._verifier, self._keep_unclear = verifier, keep_unclear
        self._labelled = labelled

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the verdicts, the filter and a random choice."""
        return {
            "verified": Verify(self._verifier, self._labelled),
            "right": OnlyRight(self._keep_unclear),
            "right-answers": Keep(n),
        }
