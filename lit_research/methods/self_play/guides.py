"""Guides: the frozen third role, which grades conjectures for relevance and cleanliness.

Bailey et al. 2026, arXiv 2604.20209, section 3.2 and appendix E.3.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lit_research.errors import UserError
from lit_research.lean.statements import Statement
from lit_research.lm.engines import Completion, Engine, Prompts
from lit_research.methods.self_play import rewards, rubric

Pair: TypeAlias = "tuple[Statement, Statement]"
"""A conjecture and its target."""


@dataclass(frozen=True)
class Grade:
    """The three sub-scores of a conjecture.

    Attributes:
        relevance: to the target, 0 to 5.
        redundancy: 1 if a premise is not needed, else 0.
        complexity: of the conclusion, 0 (atomic) to 4 (many unrelated clauses).

    Raises:
        ValueError: one is outside its range.
    """

    relevance: int
    redundancy: int
    complexity: int

    def __post_init__(self) -> None:
        rewards.guide_score(self.relevance, self.redundancy, self.complexity)

    @property
    def score(self) -> int:
        """rho, 0 to 8; see ``rewards.guide_score``."""
        return rewards.guide_score(self.relevance, self.redundancy, self.complexity)


def fill_failures(grades: Sequence[Grade | None]) -> tuple[list[float], float]:
    """Return the scores of a round, and the share of grades that could not be read.

    Each of these has the mean score of the others, 0 if there are none (official code). That
    flattens the signal, so watch the share.
    """
    scores = [grade.score for grade in grades if grade is not None]
    mean = sum(scores) / len(scores) if scores else 0.0
    failed = len(grades) - len(scores)
    filled = [mean if grade is None else float(grade.score) for grade in grades]
    return filled, failed / len(grades) if grades else 0.0


class Guide(ABC):
    """Grades conjectures; it never learns."""

    @abstractmethod
    def score(self, pairs: Sequence[Pair]) -> list[Grade | None]:
        """Return a grade for each (conjecture, target); None where there is none to be read."""

    def check(self) -> None:  # noqa: B027 - most have nothing that could be missing
        """Raise ``UserError`` if it cannot grade at all; called before the first round."""


class RuleGuide(Guide):
    """The rubric as rules on tokens: same grades always, at no cost. See ``rubric``."""

    def score(self, pairs: Sequence[Pair]) -> list[Grade | None]:
        """Return the grades, none of them None."""
        return [
            Grade(
                rubric.relevance(conjecture, target),
                rubric.redundancy(conjecture),
                rubric.complexity(conjecture),
            )
            for conjecture, target in pairs
        ]


class LanguageModelGuide(Guide):
    """A language model reasons about the rubric and writes three numbers between tags.

    The paper's Guide is the base model, tuned on 2048 answers in the right format: before that it
    failed to write 45 % of the grades in a form that can be read.

    Attributes:
        failures: why grades could not be read so far, with their numbers.

    Args:
        engine: writes the answers, by class path: ``OpenAIEngine`` for a server, ``FolderEngine``
            for a model in this process, or your own ``Engine``.
        max_new_tokens: of an answer.
        temperature: of the sampling; 0 takes the likeliest tokens.
        seed: of the sampling.

    Raises:
        UserError: a number is out of its range.
    """

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int = 2048,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> None:
        where = "of LanguageModelGuide"
        if max_new_tokens < 1:
            raise UserError(f"max_new_tokens is {max_new_tokens}, {where}: give 1 or more")
        if temperature < 0:
            raise UserError(f"temperature is {temperature}, {where}: give 0 or more")
        self.engine, self.max_new_tokens = engine, max_new_tokens
        self.temperature, self.seed = temperature, seed
        self.failures: Counter[str] = Counter()

    def check(self) -> None:
        """Ask for a few tokens.

        Raises:
            UserError: no model answers.
        """
        prompts = self._encoded(["Say: 1"])
        [[answer, *_]] = self.engine.generate(prompts, max_new_tokens=4, temperature=0.0)
        if answer.failed:
            raise UserError(
                f"the Guide's model does not answer ({answer.finish_reason}), by "
                f"{self.engine}, of LanguageModelGuide: start its server, or give another "
                "engine"
            )

    def score(self, pairs: Sequence[Pair]) -> list[Grade | None]:
        """Return the grades that the answers hold; ``failures`` counts what they do not."""
        if not pairs:
            return []
        answers = self.engine.generate(
            self._encoded([guide_prompt(conjecture, target) for conjecture, target in pairs]),
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            seed=self.seed,
        )
        return [self._read(completion) for completion, *_ in answers]

    def _encoded(self, prompts: list[str]) -> Prompts:
        """Return the prompts as messages of a chat, where the model in this process has one."""
        tokenizer: Any = getattr(self.engine, "tokenizer", None)
        if not getattr(tokenizer, "chat_template", None):
            return prompts
        chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
        found = tokenizer.apply_chat_template(chats, add_generation_prompt=True, return_dict=True)
        return [list(ids) for ids in found["input_ids"]]

    def _read(self, completion: Completion) -> Grade | None:
        found = "no answer" if completion.failed else read_grade(completion.text)
        if isinstance(found, Grade):
            return found
        self.failures[found] += 1
        return None


def read_grade(text: str) -> Grade | str:
    """Return the grade that an answer holds, or why it holds none. The last tag of a kind wins."""
    scores: dict[str, int] = {}
    for name in ("relevance", "redundancy", "complexity"):
        tagged = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        if not tagged:
            return f"no {name}"
        number = tagged[-1].strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", number):
            return f"{name} is no whole number"
        scores[name] = int(number)
    try:
        return Grade(**scores)
    except ValueError:
        return "out of range"


def guide_prompt(conjecture: Statement, target: Statement) -> str:
    """Return the request to grade a conjecture by the paper's rubric, in our own words."""
    return _PROMPT.format(conjecture=conjecture.text, target=target.text)


_PROMPT = """\
You judge lemmas that were proposed to help with a theorem in Lean 4.

The theorem, not yet proved:
```lean4
{target}
```

The proposed lemma:
```lean4
{conjecture}
```

Give three grades.

1. Relevance of the lemma to the theorem, 0 to 5. A trivial lemma deserves a low grade.
   0: unrelated and trivial; or the theorem itself, perhaps with other names
   1: unrelated
   2: from the same field, but of no direct use
   3: related, and it may help
   4: of direct use: with it, the theorem is easier to prove
   5: with it, little of the theorem's difficulty remains
2. Redundancy of the premises, 0 or 1.
   0: every premise is needed
   1: at least one is not
3. Complexity of the conclusion, 0 to 4.
   0: one atomic claim, clear and easy to apply
   1: two or three conjuncts that belong together
   2: alternatives that are closely related, or three or four conjuncts on one theme
   3: two or three alternatives that are unrelated, or deep nesting that hides the claim
   4: many unrelated alternatives, as if several lemmas were packed into one

Reason about each of them briefly. Then end with the grades, whole numbers between these tags:
<relevance> </relevance>
<redundancy> </redundancy>
<complexity> </complexity>"""
