"""Teachers: what answers questions with its reasoning written out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lit_research.lm.engines import Engine, Sampling
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed
from lit_research.stages import Rejected, Row, RowStage

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Taught:
    """A teacher's answer to a question.

    Attributes:
        trace: the reasoning.
        final: what it ends in: the answer as the teacher states it.
        tokens: written by the teacher; None where it does not say.
        failed: why there is no answer; empty if there is one.
    """

    trace: str = ""
    final: str = ""
    tokens: int | None = None
    failed: str = ""


class Teacher(ABC):
    """Answers questions; subclass it in a file of your own.

    Attributes:
        in_process: whether it needs this process, as an engine on its device does.
    """

    in_process: bool = False

    @abstractmethod
    def answer(self, questions: Sequence[Row], n: int, seed: int) -> Sequence[Sequence[Taught]]:
        """Return n answers to each question, failures included."""

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Return name, licence of the outputs, sampling, and all else that answers depend on."""


class EngineTeacher(Teacher):
    """A language model behind an engine.

    The paper reports neither the temperature nor the length of its teachers; the defaults here are
    those of its evaluation.

    Args:
        engine: writes the answers; a chat model's with ``chat`` true.
        licence: of what it writes, for the data's card: licences of teachers differ.
        prompt: with ``{question}`` where the question stands.
        thoughts: texts before and after the reasoning. Without them in an answer, all of it is its
            final part.
        max_new_tokens: of an answer; one that is cut there counts as failed unless ``keep_cut``.
        temperature: of the sampling.
        top_p: of the sampling.
        keep_cut: keep answers that were cut at ``max_new_tokens``.
    """

    in_process = True

    def __init__(
        self,
        engine: Engine,
        *,
        licence: str,
        prompt: str = "{question}",
        thoughts: tuple[str, str] = ("<think>", "</think>"),
        max_new_tokens: int = 32_768,
        temperature: float = 0.7,
        top_p: float = 1.0,
        keep_cut: bool = False,
    ) -> None:
        self._engine, self._licence, self._prompt = engine, licence, prompt
        self._thoughts, self._keep_cut = thoughts, keep_cut
        self._sampling = Sampling(max_new_tokens, temperature, top_p)

    def card(self) -> dict[str, Any]:
        """Return engine, licence, prompt and sampling."""
        sampling = self._sampling
        return {
            "teacher": self._engine.card(),
            "licence": self._licence,
            "prompt": self._prompt,
            "thoughts": list(self._thoughts),
            "keep_cut": self._keep_cut,
            "max_new_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }

    def answer(self, questions: Sequence[Row], n: int, seed: int) -> Sequence[Sequence[Taught]]:
        """Return n answers to each question; a question's do not depend on the others."""
        prompts = [self._prompt.replace("{question}", row["question"]) for row in questions]
        seeds = [derive_seed(seed, row["question_id"]) >> 1 for row in questions]
        options = {**vars(self._sampling), "n": n, "seed": seeds}
        return [
            [self._taught(one.text, one.finish_reason, one.new_tokens) for one in completions]
            for completions in self._engine.generate(prompts, **options)
        ]

    def _taught(self, text: str, reason: str, tokens: int | None) -> Taught:
        if reason.startswith("error"):
            return Taught(failed=reason)
        if reason == "length" and not self._keep_cut:
            return Taught(failed="cut at max_new_tokens", tokens=tokens)
        trace, final = split_thoughts(text, *self._thoughts)
        if not (trace or final):
            return Taught(failed="empty", tokens=tokens)
        return Taught(trace, final, tokens)


def split_thoughts(text: str, opening: str, closing: str) -> tuple[str, str]:
    """Return the reasoning of an answer and what follows it.

    A prompt may end in the opening, so that the text begins inside the reasoning; without the
    closing, all is the final part.
    """
    before, found, after = text.partition(closing)
    if not found:
        return "", text.strip()
    return before.removeprefix(opening).strip("\n"), after.strip()


class Annotate(RowStage):
    """Has a teacher answer every question a times (the paper's steps 4 and 6).

    Makes a row of each answer. It stops when over half of the first 200 questions get no answer,
    and keeps what came.

    Args:
        teacher: answers.
        answers: of each question, a.
    """

    max_rejected = 0.5

    def __init__(self, teacher: Teacher, answers: int = 1) -> None:
        check_range(COUNT, "in Annotate", answers=answers)
        self._teacher, self._answers = teacher, answers
        self.in_process = teacher.in_process

    def card(self) -> dict[str, Any]:
        """Return the teacher's card and the number of answers."""
        path = f"{type(self._teacher).__module__}.{type(self._teacher).__qualname__}"
        return {"teacher": {"class": path, **self._teacher.card()}, "answers": self._answers}

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the columns that an answer has beyond its question's."""
        import pyarrow as pa

        return {"teacher_tokens": pa.int64()}

    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield a row for each answer."""
        for row, answers in zip(rows, self._teacher.answer(rows, self._answers, seed), strict=True):
            for number, taught in enumerate(answers):
                if taught.failed:
                    yield Rejected(row, "no answer", taught.failed)
                    continue
                yield {
                    **row,
                    "id": f"{row['id']}-{number}",
                    "parents": [row["id"]],
                    "trace": taught.trace,
                    "final": taught.final,
                    "teacher_tokens": taught.tokens,
                }
