"""Generators: what is asked about a document, for rephrases or for latent thoughts of it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from lit_research.errors import UserError
from lit_research.generation import Prompt
from lit_research.lm.engines import Completion, Engine, Prompts, Sampling
from lit_research.methods.megadocs.core import Kind, cuts
from lit_research.methods.megadocs.splitting import SplitText
from lit_research.ranges import COUNT, check_range

REPHRASE = (
    "Rewrite the following text as a full article in high-quality English, as in an encyclopaedia "
    "such as Wikipedia. Keep all of its content. Write the article only, without notes.\n\n"
    "Text:\n{text}\n\nArticle:\n"
)
"""The paper's kind of prompt; its exact words are not published."""
THINK = (
    "Below are the beginning of a text and what follows it. Write the thoughts of the author "
    "between the two: the facts, the intentions and the reasoning that lead from the beginning to "
    "what follows. Write the thoughts only.\n\n"
    "Beginning:\n{prefix}\n\nWhat follows:\n{suffix}\n\nThoughts:\n"
)
"""For latent thoughts; the paper's words are not published."""


class Generator(ABC):
    """Makes the prompts of a document.

    Attributes:
        kind: of the pieces that its texts become.
        per_prompt: whether all texts of a document are samples of one prompt; else each has a
            prompt of its own.
    """

    kind: ClassVar[Kind] = "rephrase"
    per_prompt: ClassVar[bool] = True

    @abstractmethod
    def prompts(self, name: str, split: SplitText, generations: int) -> list[Prompt]:
        """Return the prompts of a document, with the column ``number`` (of a thought, from 0).

        Args:
            name: id of the document.
            split: its text, by tokens.
            generations: texts to ask for, G.
        """

    def card(self) -> dict[str, Any]:
        """Return what tells its prompts from those of another: plain JSON data."""
        return {"generator": type(self).__name__, **vars(self)}


class Rephrase(Generator):
    """Ask a model to say again what a document says.

    With the prompt ``{text}`` alone, the model continues the document: with an engine of the
    student's own checkpoint that is self-distillation, the control without outside knowledge.

    Args:
        prompt: with the field ``{text}``.
        max_source_tokens: the prompt has the document's first tokens up to this number; None: all.

    Raises:
        UserError: the prompt lacks its field, or the number is below 1.
    """

    def __init__(self, prompt: str = REPHRASE, max_source_tokens: int | None = 2048) -> None:
        _check_fields(prompt, ("text",), "of Rephrase")
        check_range(COUNT, "of Rephrase", max_source_tokens=max_source_tokens)
        self.prompt, self.max_source_tokens = prompt, max_source_tokens

    def prompts(self, name: str, split: SplitText, generations: int) -> list[Prompt]:
        """Return the one prompt of a document."""
        text = "".join(split.tokens[: self.max_source_tokens])
        return [Prompt(self.prompt.replace("{text}", text), id=name, columns={"number": 0})]


class LatentThoughts(Generator):
    """Ask a model for the thoughts that lead from the beginning of a document to what follows.

    Args:
        prompt: with the fields ``{prefix}`` and ``{suffix}``.
        max_source_tokens: the prompt has the nearest tokens before and after the cut, half of this
            number on each side; None: the whole document.

    Raises:
        UserError: the prompt lacks a field, or the number is below 2.
    """

    kind = "thought"
    per_prompt = False

    def __init__(self, prompt: str = THINK, max_source_tokens: int | None = 2048) -> None:
        _check_fields(prompt, ("prefix", "suffix"), "of LatentThoughts")
        half = None if max_source_tokens is None else max_source_tokens // 2
        check_range(COUNT, "of LatentThoughts", half_of_max_source_tokens=half)
        self.prompt, self.max_source_tokens = prompt, max_source_tokens

    def prompts(self, name: str, split: SplitText, generations: int) -> list[Prompt]:
        """Return a prompt for each of the G cuts.

        Raises:
            UserError: the document has too few tokens for G + 1 pieces.
        """
        half = None if self.max_source_tokens is None else self.max_source_tokens // 2
        borders = cuts(len(split.tokens), generations + 1, split.can_cut, name=name)
        made = []
        for number, at in enumerate(borders):
            near = (0, len(split.tokens)) if half is None else (max(at - half, 0), at + half)
            parts = {
                "prefix": "".join(split.tokens[near[0] : at]),
                "suffix": "".join(split.tokens[at : near[1]]),
            }
            prompt = re.sub(r"\{(prefix|suffix)\}", lambda m, p=parts: p[m[1]], self.prompt)  # type: ignore[misc]
            columns = {"number": number}
            made.append(Prompt(prompt, id=f"{name}@{number}", source_id=name, columns=columns))
        return made


class RuleRephraser(Generator):
    """Rephrases by a rule, without a model; subclass it for a world whose language is known."""

    @abstractmethod
    def rephrase(self, document: str, n: int, seed: int) -> list[str]:
        """Return ``n`` rephrases of a document, a function of the arguments alone."""

    def prompts(self, name: str, split: SplitText, generations: int) -> list[Prompt]:
        """Return the document itself, for a ``RuleEngine``."""
        return [Prompt("".join(split.tokens), id=name, columns={"number": 0})]

    def card(self) -> dict[str, Any]:
        """Return the class and its plain settings."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return {"generator": path, **vars(self)}


class SentenceOrder(RuleRephraser):
    """The sentences of a document in another order: a rephraser to try the commands with."""

    def rephrase(self, document: str, n: int, seed: int) -> list[str]:
        """Return the sentences in ``n`` orders."""
        import numpy as np

        sentences = re.split(r"(?<=[.!?:])\s+|\n{2,}", document.strip())
        orders = np.random.default_rng(seed)
        return [
            " ".join(sentences[i] for i in orders.permutation(len(sentences))) for _ in range(n)
        ]


class RuleEngine(Engine):
    """Writes the rephrases of a rule; its prompts are the documents.

    Args:
        rule: the rule.
    """

    def __init__(self, rule: RuleRephraser) -> None:
        self.rule = rule

    def card(self) -> dict[str, Any]:
        """Return that there is no model."""
        return {"engine": "RuleEngine"}

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return ``sampling.n`` rephrases of every document."""
        seeds = sampling.seed
        if isinstance(seeds, int):
            seeds = [seeds + index for index in range(len(prompts))]
        blank = Completion("", (), (), "stop", self.weight_version, 0)
        return [
            [
                replace(blank, text=text, prompt_index=index, sample=sample)
                for sample, text in enumerate(self.rule.rephrase(str(document), sampling.n, seed))
            ]
            for index, (document, seed) in enumerate(zip(prompts, seeds, strict=True))
        ]


def _check_fields(prompt: str, fields: tuple[str, ...], where: str) -> None:
    for name in fields:
        if prompt.count(f"{{{name}}}") != 1:
            raise UserError(
                f"the prompt {prompt[:60]!r} has the field {{{name}}} "
                f"{prompt.count(f'{{{name}}}')} times, {where}; must be once"
            )
