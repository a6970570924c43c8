"""Guides: the frozen third role, which grades the relevance and the cleanliness of conjectures.

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
from lit_research.lm.engines.chat import render
from lit_research.methods.self_play import rewards, rubric
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range

Pair: TypeAlias = "tuple[Statement, Statement]"
"""A conjecture and its target."""


@dataclass(frozen=True)
class Grade:
    """The three sub-scores of a conjecture.

    Attributes:
        relevance: to the target, 0 to 5.
        redundancy: 1 if a premise is unnecessary, else 0.
        complexity: of the conclusion, 0 (atomic) to 4 (many unrelated clauses).

    Raises:
        ValueError: a sub-score is out of range.
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
    """Return the scores of a round, and the share of grades that could not be parsed.

    The score of an unparseable grade is the mean of the others, or 0 if there are none (official
    code). A large share weakens the signal.
    """
    scores = [grade.score for grade in grades if grade is not None]
    mean = sum(scores) / len(scores) if scores else 0.0
    failed = len(grades) - len(scores)
    filled = [mean if grade is None else float(grade.score) for grade in grades]
    return filled, failed / len(grades) if grades else 0.0


class Guide(ABC):
    """Grades conjectures; it is never trained."""

    @abstractmethod
    def score(self, pairs: Sequence[Pair]) -> list[Grade | None]:
        """Return a grade for each (conjecture, target); None if it could not be parsed."""

    def check(self) -> None:  # noqa: B027 - most Guides depend on nothing that may be missing
        """Raise ``UserError`` if the Guide cannot grade at all; called before the first round."""


class RuleGuide(Guide):
    """The rubric as deterministic rules on tokens, at almost no cost; see ``rubric``."""

    def score(self, pairs: Sequence[Pair]) -> list[Grade | None]:
        """Return the grades, none of which is None."""
        return [
            Grade(
                rubric.relevance(conjecture, target),
                rubric.redundancy(conjecture),
                rubric.complexity(conjecture),
            )
            for conjecture, target in pairs
        ]


class LanguageModelGuide(Guide):
    """A language model that reasons about the rubric and writes three numbers between tags.

    The paper's Guide is the base model, fine-tuned on 2048 answers in the right format: before
    that, 45 % of its grades could not be parsed.

    Attributes:
        failures: the number of unparseable answers so far, by reason.

    Args:
        engine: generates the answers, by class path: ``OpenAIEngine`` for a server,
            ``FolderEngine`` for a model in this process, or your own ``Engine``.
        max_new_tokens: of an answer.
        temperature: of the sampling; 0 is greedy.
        seed: of the sampling.

    Raises:
        UserError: a number is out of range.
    """

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int = 2048,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> None:
        where = "of LanguageModelGuide"
        check_range(COUNT, where, max_new_tokens=max_new_tokens)
        check_range(NOT_NEGATIVE, where, temperature=temperature)
        self.engine, self.max_new_tokens = engine, max_new_tokens
        self.temperature, self.seed = temperature, seed
        self.failures: Counter[str] = Counter()

    def check(self) -> None:
        """Generate a few tokens.

        Raises:
            UserError: the model does not answer.
        """
        prompts = self._encoded(["Say: 1"])
        [[answer, *_]] = self.engine.generate(prompts, max_new_tokens=4, temperature=0.0)
        if answer.failed:
            raise UserError(
                f"the Guide's model does not answer ({answer.finish_reason}), by {self.engine}, of "
                "LanguageModelGuide; must be a running server, or another engine"
            )

    def score(self, pairs: Sequence[Pair]) -> list[Grade | None]:
        """Return the grades parsed from the answers; ``failures`` counts the unparseable ones."""
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
        """Return the prompts as chats if the engine's tokenizer has a chat template."""
        tokenizer: Any = getattr(self.engine, "tokenizer", None)
        if self.engine.chat or not getattr(tokenizer, "chat_template", None):
            return prompts  # the engine renders them itself, or they are plain texts
        return render(tokenizer, prompts, None, "of LanguageModelGuide")

    def _read(self, completion: Completion) -> Grade | None:
        grade = "no answer" if completion.failed else read_grade(completion.text)
        if isinstance(grade, Grade):
            return grade
        self.failures[grade] += 1
        return None


def read_grade(text: str) -> Grade | str:
    """Return the grade in an answer, or why there is none. The last tag of each name counts."""
    scores: dict[str, int] = {}
    for name in ("relevance", "redundancy", "complexity"):
        tagged = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        if not tagged:
            return f"no {name}"
        number = tagged[-1].strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", number):
            return f"{name} is not a whole number"
        scores[name] = int(number)
    try:
        return Grade(**scores)
    except ValueError:
        return "out of range"


def guide_prompt(conjecture: Statement, target: Statement) -> str:
    """Return the prompt to grade a conjecture by the paper's rubric, in different words."""
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
