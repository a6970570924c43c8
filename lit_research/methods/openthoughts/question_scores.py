"""Scores of questions, by which the paper's third step keeps them: each a stage of one column."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine, Sampling
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed
from lit_research.stages import Rejected, Row, RowStage
from lit_research.text.embed import AnyEncoder, Encoder

if TYPE_CHECKING:
    import pyarrow as pa

DIFFICULTY = """Rate how difficult the following problem is, from 1 (a child solves it at once) to \
10 (few experts solve it). Answer with the number alone.

{question}"""
WORTH = """Would the following problem, with a worked solution, help a student to learn to reason? \
Answer with yes or no alone.

{question}"""
_NUMBER = re.compile(r"\d{1,3}")
_READ = 2000  # characters of an answer that are looked at


class Score(RowStage):
    """Adds a column to each row, or rejects it where there is no score."""

    column: str
    max_rejected = 0.5

    @abstractmethod
    def scores(self, rows: Sequence[Row], seed: int) -> Sequence[float | str]:
        """Return the score of each row, or why it has none."""

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the column of the score."""
        import pyarrow as pa

        return {self.column: pa.float64()}

    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield each row with its score."""
        for row, score in zip(rows, self.scores(rows, seed), strict=True):
            if isinstance(score, str):
                yield Rejected(row, f"no {self.column}", score)
            else:
                yield {**row, self.column: float(score)}


class _Asked(Score):
    """A score that an engine gives."""

    in_process = True

    def __init__(self, engine: Engine, prompt: str, sampling: Sampling) -> None:
        if "{question}" not in prompt:
            raise UserError(
                f"the prompt {prompt!r:.60} has no {{question}}, in {type(self).__name__}; must "
                "say where the question stands"
            )
        self._engine, self._prompt, self._sampling = engine, prompt, sampling

    def card(self) -> dict[str, Any]:
        """Return engine, prompt and sampling."""
        options = {name: value for name, value in vars(self._sampling).items() if name != "seed"}
        options["stop"] = list(self._sampling.stop)
        return {"engine": self._engine.card(), "prompt": self._prompt, "sampling": options}

    def scores(self, rows: Sequence[Row], seed: int) -> Sequence[float | str]:
        """Return what the engine's answers say of each question."""
        prompts = [self._prompt.replace("{question}", row["question"]) for row in rows]
        seeds = [derive_seed(seed, row["id"]) >> 1 for row in rows]
        options = {**vars(self._sampling), "seed": seeds}
        return [self._read(answers) for answers in self._engine.generate(prompts, **options)]

    def _read(self, answers: Sequence[Completion]) -> float | str:
        values = [self.read(one) for one in answers if not one.failed]
        found = [value for value in values if not isinstance(value, str)]
        if found:
            return float(np.mean(found))
        return str(values[0]) if values else answers[0].finish_reason

    @abstractmethod
    def read(self, answer: Completion) -> float | str:
        """Return the score that an answer gives, or why it gives none."""


class Difficulty(_Asked):
    """How difficult a model finds a question, 1 to 10 (the paper's winner for code).

    The paper's prompt is not known; this is our wording.

    Args:
        engine: rates.
        prompt: with ``{question}``.
        n: ratings of each question, of which the score is the mean.
        max_new_tokens: of a rating.
        temperature: of the sampling; 0 with one rating.
    """

    column = "difficulty"

    def __init__(
        self,
        engine: Engine,
        prompt: str = DIFFICULTY,
        n: int = 1,
        max_new_tokens: int = 16,
        temperature: float = 0.0,
    ) -> None:
        super().__init__(engine, prompt, Sampling(max_new_tokens, temperature, n=n))

    def read(self, answer: Completion) -> float | str:
        """Return the first number from 1 to 10."""
        for number in _NUMBER.findall(answer.text[:_READ]):
            if 1 <= int(number) <= 10:
                return float(number)
        return f"no rating in {answer.text[:40]!r}"


class ResponseLength(_Asked):
    """Tokens of a model's answer to a question (the paper's winner for mathematics and science).

    Args:
        engine: answers.
        prompt: with ``{question}``.
        n: answers, of whose lengths the score is the mean.
        max_new_tokens: of an answer; longer ones have this length.
        temperature: of the sampling.
    """

    column = "response_length"

    def __init__(
        self,
        engine: Engine,
        prompt: str = "{question}",
        n: int = 1,
        max_new_tokens: int = 4096,
        temperature: float = 0.0,
    ) -> None:
        super().__init__(engine, prompt, Sampling(max_new_tokens, temperature, n=n))

    def read(self, answer: Completion) -> float | str:
        """Return the tokens written."""
        tokens = answer.new_tokens or len(answer.token_ids)
        return float(tokens) if tokens else "the engine does not say how many tokens it wrote"


class AskLLM(_Asked):
    """Share of a model's answers that call a question worth learning from.

    AskLLM (Sachdeva et al. 2024, arXiv 2402.09668) takes the probability of "yes". Servers of chat
    models give none that is complete, so it is estimated here by n samples at temperature 1.

    Args:
        engine: answers.
        prompt: with ``{question}``, to be answered by yes or no.
        n: answers of each question.
        max_new_tokens: of an answer.
    """

    column = "worth"

    def __init__(
        self, engine: Engine, prompt: str = WORTH, n: int = 8, max_new_tokens: int = 8
    ) -> None:
        super().__init__(engine, prompt, Sampling(max_new_tokens, 1.0, n=n))

    def read(self, answer: Completion) -> float | str:
        """Return 1 for yes and 0 for no."""
        words = re.findall(r"[a-z]+", answer.text[:_READ].lower())
        for word in words:
            if word in ("yes", "no"):
                return float(word == "yes")
        return f"neither yes nor no in {answer.text[:40]!r}"


class FastText(Score):
    """Probability that a question is of the kind of chosen examples, by a fastText classifier.

    Trained on one thread with a seed, so that scores repeat.

    Args:
        positives: texts of the kind that is wanted.
        negatives: texts of another kind.
        column_read: what is scored: ``question``, or ``trace`` for answers.
        dimensions: of the vectors of words.
        epochs: over the examples.
        seed: of the training.

    Raises:
        UserError: a list is empty, or fastText is not installed.
    """

    column = "fasttext"

    def __init__(
        self,
        positives: Sequence[str],
        negatives: Sequence[str],
        column_read: str = "question",
        dimensions: int = 64,
        epochs: int = 5,
        seed: int = 0,
    ) -> None:
        if not positives or not negatives:
            raise UserError(
                f"there are {len(positives)} positives and {len(negatives)} negatives, in "
                "FastText; must be some of each"
            )
        check_range(COUNT, "in FastText", dimensions=dimensions, epochs=epochs)
        self._texts = {"good": list(positives), "other": list(negatives)}
        self._read = column_read
        self._options = {"dim": dimensions, "epoch": epochs, "seed": seed}
        self._model: Any = None

    def card(self) -> dict[str, Any]:
        """Return hashes of the examples, and the settings."""
        from lit_research.storage import content_hash

        hashes = {label: content_hash(*texts) for label, texts in self._texts.items()}
        return {"examples": hashes, "reads": self._read, **self._options}

    def __getstate__(self) -> dict[str, Any]:
        return {
            **vars(self),
            "_model": None,
        }  # a worker trains it again

    def scores(self, rows: Sequence[Row], seed: int) -> Sequence[float | str]:
        """Return the probability of each row."""
        if self._model is None:
            self._model = self._trained()
        lines = [_one_line(row[self._read] or "") for row in rows]
        # Not ``predict``, which fails with numpy 2.
        predict = self._model.f.predict
        found = [{label: p for p, label in predict(line, 2, 0.0, "strict")} for line in lines]
        return [float(one.get("__label__good", 0.0)) for one in found]

    def _trained(self) -> Any:
        from tempfile import NamedTemporaryFile

        try:
            import fasttext
        except ImportError as error:
            raise UserError(
                "fastText is not installed, for the stage FastText; pip install fasttext-wheel"
            ) from error
        with NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            for label, texts in self._texts.items():
                file.writelines(f"__label__{label} {_one_line(text)}\n" for text in texts)
            file.flush()
            return fasttext.train_supervised(file.name, thread=1, verbose=0, **self._options)


def _one_line(text: str) -> str:
    return " ".join(text.split()) + "\n"


class EmbeddingDistance(Score):
    """Cosine distance of a question from the nearest of chosen examples.

    Args:
        examples: texts that questions are to be near to, or far from.
        encoder: makes vectors; a class path. It is fitted on the examples.

    Raises:
        UserError: there are no examples.
    """

    column = "distance"

    def __init__(
        self, examples: Sequence[str], encoder: AnyEncoder = "lit_research.text.Tfidf"
    ) -> None:
        from lit_research.class_paths import make_object

        if not examples:
            raise UserError("there are no examples, in EmbeddingDistance; give at least one")
        if isinstance(encoder, Encoder):
            self._encoder = encoder
        else:
            self._encoder = make_object(Encoder, encoder)  # type: ignore[type-abstract]
        self._examples = list(examples)
        self._vectors: np.ndarray | None = None

    def card(self) -> dict[str, Any]:
        """Return a hash of the examples, and the encoder's card."""
        from lit_research.storage import content_hash

        return {"examples": content_hash(*self._examples), "encoder": dict(self._encoder.card())}

    def scores(self, rows: Sequence[Row], seed: int) -> Sequence[float | str]:
        """Return the distance of each row."""
        if self._vectors is None:
            self._encoder.fit(self._examples)
            self._vectors = _unit(self._encoder.encode(self._examples))
        vectors = _unit(self._encoder.encode([row["question"] for row in rows]))
        return (1 - (vectors @ self._vectors.T).max(axis=1)).tolist()


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1)
