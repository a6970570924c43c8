"""Prompts of both players with the answers to learn: proofs that Lean accepts, and lemmas."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.lean import Attempt, LeanServer, Statement
from lit_research.lean.corpus import Theorem, vary
from lit_research.methods.self_play.warm_start.proofs import (
    found_proofs,
    parsed,
    proved_alternatives,
)
from lit_research.methods.self_play.warm_start.search import Provable
from lit_research.methods.self_play.warm_start.settings import WarmStart

if TYPE_CHECKING:
    from lit_research.methods.self_play.formats import Format

UNCONDITIONED = 0.25  # share of the lemmas that are learned without their target, for the ablation


def lessons(
    theorems: list[Theorem], settings: WarmStart, form: Format, lean: LeanServer, seed: int
) -> list[tuple[str, str]]:
    """Return prompts with the answers to learn: proofs that Lean accepts, and lemmas.

    Args:
        theorems: easy ones, to be proved by search and varied.
        settings: of the search, and how many of each.
        form: of prompts and answers.
        lean: judges.
        seed: of what is drawn.

    Raises:
        UserError: no statement was proved.
    """
    start = time.perf_counter()
    proofs = found_proofs(theorems, settings, lean)
    proved = sum(map(bool, proofs))
    if not proved:
        raise UserError(
            f"the search proved none of {len(theorems)} statements, in warm_start of SelfPlay: "
            "raise depth and width, or give easier ones"
        )
    rank_zero_info(
        f"warm start: {proved} of {len(theorems)} statements proved by search in "
        f"{time.perf_counter() - start:.0f} s; training on them"
    )
    lemmas = draw_lemmas(theorems, settings, seed)
    subjects: list[Provable] = list(theorems)
    if settings.prove_lemmas:
        asked = [Attempt(lemma.text, "", theorem.header) for theorem, _, lemma in lemmas]
        subjects += asked
        proofs = proofs + found_proofs(asked, settings, lean)
    more = proved_alternatives(subjects, proofs, settings.alternatives, seed, lean)
    subjects += more
    proofs = proofs + [[attempt.proof] for attempt in more]
    return [*proof_answers(form, subjects, proofs), *lemma_answers(form, lemmas)]


def draw_lemmas(
    theorems: Sequence[Theorem], settings: WarmStart, seed: int
) -> list[tuple[Theorem, bool, Statement]]:
    """Return variations of statements: whose, whether its target is to be shown, the lemma."""
    draw = random.Random(seed)
    lemmas: list[tuple[Theorem, bool, Statement]] = []
    for theorem in theorems:
        for _ in range(settings.lemmas):
            lemma = vary(theorem.parsed, draw, edits=draw.randint(1, 2))
            is_shown = draw.random() >= UNCONDITIONED
            if lemma is not None:
                lemmas.append((theorem, is_shown, lemma))
    return lemmas


def lemma_answers(
    form: Format, lemmas: Sequence[tuple[Theorem, bool, Statement]]
) -> list[tuple[str, str]]:
    """Return what a Conjecturer is asked and what it is to answer."""
    return [
        (
            form.conjecturer_prompt(theorem.parsed if is_shown else None),
            form.write_conjecture(lemma),
        )
        for theorem, is_shown, lemma in lemmas
    ]


def proof_answers(
    form: Format, theorems: Sequence[Provable], proofs: Sequence[Sequence[str]]
) -> list[tuple[str, str]]:
    """Return what a Solver is asked and what it is to answer, once for each proof."""
    return [
        (form.solver_prompt(statement, theorem.header), form.write_proof(statement, proof))
        for theorem, of_theorem in zip(theorems, proofs, strict=True)
        for statement in [parsed(theorem)]
        for proof in of_theorem
    ]
