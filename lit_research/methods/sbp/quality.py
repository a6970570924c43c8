"""``quality``: how good synthetic text is, by the measures of the paper's table, with intervals.

The paper measures with a judge model: repetition, duplicates at a number of samples, non-factual
text, d2 irrelevant to d1, and d2 that copies d1. Here all but the facts are measured without one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.figures import text_table
from lit_research.lm.engines import Engine
from lit_research.methods.sbp.filters import Filters
from lit_research.stats import wilson
from lit_research.text.cache import encode, plain_copy
from lit_research.text.embed import Encoder

LIMITS = Filters(max_repetition=0.2, max_copy=0.5, near_duplicate=0.8)
"""What counts as repetition, as a copy and as a duplicate, whatever a corpus was filtered by."""


@dataclass(frozen=True)
class Pair:
    """A text and the document that it was made from.

    Attributes:
        text: d2.
        seed: d1; None where there is none.
    """

    text: str
    seed: str | None = None


@dataclass(frozen=True)
class Rate:
    """A share of texts that have a fault.

    Attributes:
        count: texts with the fault.
        of: texts.
    """

    count: int
    of: int

    @property
    def share(self) -> float:
        """The share, 0 to 1; nan without texts."""
        return self.count / self.of if self.of else float("nan")

    def __str__(self) -> str:
        if not self.of:
            return "-"
        low, high = (100 * end for end in wilson(self.count, self.of))
        return f"{100 * self.share:.1f}% [{low:.1f}, {high:.1f}]"


class Judge(ABC):
    """Finds faults of texts; a ``DocumentSource`` that knows the truth has the same method."""

    @abstractmethod
    def faults(self, seeds: Sequence[str], texts: Sequence[str]) -> Mapping[str, Sequence[bool]]:
        """Return for each kind of fault whether each text has it.

        Args:
            seeds: d1 of each text; empty strings where there is none.
            texts: d2.
        """


class EngineJudge(Judge):
    """Asks a language model: a fault is there where its answer begins with yes.

    Args:
        engine: of the model, by class path.
        questions: of each kind of fault, with ``{d1}`` and ``{d2}`` for the two texts; the answer
            is asked as "yes or no".
        max_new_tokens: longest answer.
    """

    def __init__(
        self, engine: dict[str, Any], questions: dict[str, str], max_new_tokens: int = 8
    ) -> None:
        self.engine = make_object(Engine, engine)  # type: ignore[type-abstract]
        self.questions, self.max_new_tokens = questions, max_new_tokens
        for name, question in questions.items():
            if "{d2}" not in question:
                raise UserError(
                    f"the question {name!r} is {question!r}, in init_args of EngineJudge; must "
                    "have {d2} where the text goes"
                )

    def faults(self, seeds: Sequence[str], texts: Sequence[str]) -> dict[str, list[bool]]:
        """Ask about every text; see ``Judge``.

        Raises:
            UserError: the engine failed.
        """
        found = {}
        for name, question in self.questions.items():
            prompts = [
                question.replace("{d1}", seed).replace("{d2}", text)
                for seed, text in zip(seeds, texts, strict=True)
            ]
            options = {"max_new_tokens": self.max_new_tokens, "temperature": 0.0}
            answers = [one for [one] in self.engine.generate(prompts, **options)]  # type: ignore[arg-type]
            if failed := next((answer for answer in answers if answer.failed), None):
                raise UserError(f"the judge does not answer: {failed.finish_reason}")
            found[name] = [answer.text.strip().lower().startswith("yes") for answer in answers]
        return found


@dataclass
class Quality:
    """Rates by measure, then by what was measured.

    Attributes:
        rates: ``{measure: {column: rate}}``.
        notes: lines below the table.
    """

    rates: dict[str, dict[str, Rate]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, column: str, rates: Mapping[str, Rate]) -> None:
        """Add what was measured of a set of texts."""
        for measure, rate in rates.items():
            self.rates.setdefault(measure, {})[column] = rate

    def table(self) -> str:
        """Return a plain table of shares with 95% intervals."""
        columns = list(dict.fromkeys(name for row in self.rates.values() for name in row))
        lines = [["lower is better", *columns]]
        for measure, row in self.rates.items():
            lines.append([measure, *(str(row.get(column, "")) for column in columns)])
        return "\n".join([text_table(lines), *self.notes])

    def metrics(self, column: str) -> dict[str, float]:
        """Return the shares of a column, by names fit for a logger."""
        return {
            re.sub(r"\W+", "_", re.sub(r" at \d+$", "", measure)): row[column].share
            for measure, row in self.rates.items()
            if column in row
        }


def rates(
    pairs: Sequence[Pair], tokenizer: Any, *, encoder: Encoder | None = None, judge: Any = None
) -> dict[str, Rate]:
    """Measure a set of texts.

    ``irrelevant`` is the share of the texts that are no nearer to their d1 than to the d1 of
    another text, by cosine: about half of the texts of a synthesizer that ignores d1. ``irrelevant,
    shuffled`` is that control, measured: the same texts with the d1 of others as theirs.

    Args:
        pairs: texts in a random order; duplicates are those among them, so their share grows with
            their number.
        tokenizer: of the training.
        encoder: fitted; None measures no relevance.
        judge: has ``faults``, as ``Judge`` has; None: no facts are judged.
    """
    texts = [pair.text for pair in pairs]
    tokens = [ids[:-1] for ids in encode(plain_copy(tokenizer), texts, tokenizer.eos_token_id)]
    named = [(str(row), text) for row, text in enumerate(texts)]
    duplicates = LIMITS.duplicate_reasons(named, [])
    found = {
        "repetition": _rate(LIMITS.repeats(ids) for ids in tokens),
        f"duplicates at {len(texts)}": _rate(reason is not None for reason in duplicates),
    }
    made = [row for row, pair in enumerate(pairs) if pair.seed is not None]
    seeds = [pairs[row].seed or "" for row in made]
    if made:
        end = tokenizer.eos_token_id
        seed_tokens = [ids[:-1] for ids in encode(plain_copy(tokenizer), seeds, end)]
        copies = zip(made, seed_tokens, strict=True)
        found["copied"] = _rate(LIMITS.copies(tokens[row], ids) for row, ids in copies)
    if len(made) > 2 and encoder is not None:
        found |= _relevance(seeds, [texts[row] for row in made], encoder)
    if judge is not None and pairs:
        faults = judge.faults([pair.seed or "" for pair in pairs], texts)
        found |= {name: _rate(values) for name, values in faults.items()}
    return found


def _rate(values: Any) -> Rate:
    listed = [bool(value) for value in values]
    return Rate(sum(listed), len(listed))


def _relevance(seeds: Sequence[str], texts: Sequence[str], encoder: Encoder) -> dict[str, Rate]:
    """Compare each text with its own d1 and with those of the next texts, which are at random."""
    seed_ND, text_ND = (_unit(encoder.encode(part)) for part in (seeds, texts))
    own_N, next_N, third_N = (
        (text_ND * np.roll(seed_ND, -shift, axis=0)).sum(axis=1) for shift in range(3)
    )
    # A tie, as where nothing is in common with either, is half for and half against.
    return {
        "irrelevant": _halves(own_N, next_N),
        "irrelevant, shuffled": _halves(next_N, third_N),
    }


def _halves(own_N: np.ndarray, other_N: np.ndarray) -> Rate:
    worse, ties = int((own_N < other_N).sum()), int((own_N == other_N).sum())
    return Rate(worse + ties // 2, len(own_N))


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12))
