"""Questions that a model writes about topics, or finds in documents, as for the paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine, Sampling
from lit_research.methods.openthoughts.question_replies import QUESTIONS_SCHEMA, read_questions
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed
from lit_research.stages import Rejected, Row, RowStage

if TYPE_CHECKING:
    import pyarrow as pa

_FORM = """Reply with one object in JSON and nothing else: {"questions": [{"question": "...", \
"answer": "..."}]}, where answer is null if it is not known."""
WRITE = f"""Write {{count}} difficult problems on the topic below. Each can be understood without \
the others, and has one definite answer. {_FORM}

Topic: {{topic}}"""
EXTRACT = f"""List the questions and exercises that the text below asks, in its own words, and \
with their answers if it gives them. Do not write questions of your own; the list may be empty.
{_FORM}

Text:
{{text}}"""

_FIELD = re.compile(r"\{(\w+)\}")


class _Asked(RowStage):
    """Makes questions of an engine's replies to a prompt with the columns of a row."""

    in_process = True
    max_rejected = 0.5

    def __init__(self, engine: Engine, licence: str, prompt: str, sampling: Sampling) -> None:
        self._fields = dict.fromkeys(_FIELD.findall(prompt))
        if not self._fields:
            raise UserError(
                f"the prompt {prompt!r:.60} names no column in braces, in {self.name}; must have "
                "one of the rows, such as {topic}"
            )
        self._engine = engine.with_schema(QUESTIONS_SCHEMA)
        self._licence, self._prompt, self._sampling = licence, prompt, sampling

    def card(self) -> dict[str, Any]:
        """Return engine, licence of what it writes, prompt and sampling."""
        options = {name: value for name, value in vars(self._sampling).items() if name != "seed"}
        return {
            "engine": self._engine.card(),
            "licence": self._licence,
            "prompt": self._prompt,
            "sampling": {**options, "stop": list(self._sampling.stop)},
        }

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the columns of a question."""
        import pyarrow as pa

        return {"question": pa.string(), "answer": pa.string()}

    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield the questions of each row, or why it has none."""
        lacking = {row["id"]: _lacking(row, self._fields) for row in rows}
        asked = [row for row in rows if not lacking[row["id"]]]
        seeds = [derive_seed(seed, row["id"]) >> 1 for row in asked]
        options = {**vars(self._sampling), "seed": seeds}
        prompts = [self._filled(row) for row in asked]
        for row in rows:
            if name := lacking[row["id"]]:
                yield Rejected(row, f"no {name}")
        replies = self._engine.generate(prompts, **options) if prompts else []
        for row, of_row in zip(asked, replies, strict=True):
            for number, reply in enumerate(of_row):
                yield from self._made(row, number, reply)

    def _filled(self, row: Row) -> str:
        return _FIELD.sub(lambda found: str(row[found[1]]), self._prompt)

    def _made(self, row: Row, number: int, reply: Completion) -> Iterable[Row | Rejected]:
        """Yield the questions of a reply, or why it has none."""
        if reply.failed or reply.finish_reason == "length":
            detail = reply.finish_reason if reply.failed else "cut at max_new_tokens"
            yield Rejected(row, "no reply", detail)
            return
        try:
            questions = read_questions(reply.text)
        except ValueError as error:
            yield Rejected(row, "malformed reply", str(error))
            return
        if not questions:
            yield Rejected(row, "no questions")
        for place, (question, answer) in enumerate(questions):
            made = {"question": question, "answer": answer, "parents": [row["id"]]}
            if reason := self.refused(row, question):
                yield Rejected({**row, **made}, reason)
            else:
                yield {**row, **made, "id": f"{row['id']}-{number}-{place}"}

    def refused(self, row: Row, question: str) -> str:
        """Return why a question is not taken; empty if it is."""
        return ""


class WriteQuestions(_Asked):
    """Has a model write questions about the topics, or after the seeds, in its rows.

    A reply that is no JSON, or does not fit ``QUESTIONS_SCHEMA``, is a rejected row with the
    reason. A server that takes a schema is asked for it.

    Args:
        engine: writes; a chat model's with ``chat`` true.
        licence: of what it writes, for the data's card.
        prompt: with the columns of a row in braces, such as ``{topic}`` or ``{question}``, and
            ``{count}``.
        count: questions that a reply is asked for.
        n: replies to each row.
        max_new_tokens: of a reply; one that is cut there is rejected.
        temperature: of the sampling.
        top_p: of the sampling.

    Raises:
        UserError: the prompt names no column, or a number is out of range.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        licence: str,
        prompt: str = WRITE,
        count: int = 5,
        n: int = 1,
        max_new_tokens: int = 4096,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> None:
        check_range(COUNT, "in WriteQuestions", count=count)
        sampling = Sampling(max_new_tokens, temperature, top_p, n=n)
        super().__init__(engine, licence, prompt.replace("{count}", str(count)), sampling)


class ExtractQuestions(_Asked):
    """Has a model find the questions that documents ask; see ``WriteQuestions``.

    A document is one request: cut longer ones before.

    Args:
        engine: reads and writes; a chat model's with ``chat`` true.
        licence: of what it writes, for the data's card.
        prompt: with the columns of a row in braces.
        verbatim: reject a question that is not in the column ``text`` word for word, case and
            space aside: what a model was to find, it may have written.
        max_new_tokens: of a reply; one that is cut there is rejected.
        temperature: of the sampling.

    Raises:
        UserError: the prompt names no column, or a number is out of range.
    """

    max_rejected = 0.9  # many documents ask nothing; a server that is down answers none

    def __init__(
        self,
        engine: Engine,
        *,
        licence: str,
        prompt: str = EXTRACT,
        verbatim: bool = False,
        max_new_tokens: int = 8192,
        temperature: float = 0.0,
    ) -> None:
        super().__init__(engine, licence, prompt, Sampling(max_new_tokens, temperature))
        self._verbatim = verbatim

    def card(self) -> dict[str, Any]:
        """Return engine, licence, prompt, sampling, and whether questions must be verbatim."""
        return {**super().card(), "verbatim": self._verbatim}

    def refused(self, row: Row, question: str) -> str:
        """Return why a question is not taken: it is not in the document."""
        if not self._verbatim or _plain(question) in _plain(str(row.get("text") or "")):
            return ""
        return "not in the document"


def _lacking(row: Row, fields: Iterable[str]) -> str:
    """Return the first column that the prompt names and the row has not; empty if it has all."""
    return next((name for name in fields if row.get(name) in (None, "")), "")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
