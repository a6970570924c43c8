"""The examples of the warm start: prompts of both players, answered by proofs and by lemmas."""

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
    find_proofs,
    parsed,
    proved_alternatives,
)
from lit_research.methods.self_play.warm_start.search import Provable
from lit_research.methods.self_play.warm_start.settings import WarmStart

if TYPE_CHECKING:
    from lit_research.methods.self_play.formats import Format

UNCONDITIONED = 0.25  # share of the lemmas whose prompt has no target, for the ablation


def prompts_and_answers(
    theorems: list[Theorem], settings: WarmStart, form: Format, lean: LeanServer, seed: int
) -> list[tuple[str, str]]:
    """Return prompts with answers to train on: proofs that Lean accepts, and lemmas.

    Args:
        theorems: easy theorems, to prove by search and to vary.
        settings: of the search, and the number of examples of each type.
        form: of prompts and answers.
        lean: verifies proofs.
        seed: of the lemmas and the alternatives.

    Raises:
        UserError: no statement was proved.
    """
    start = time.perf_counter()
    proofs = find_proofs(theorems, settings, lean)
    proved = sum(map(bool, proofs))
    if not proved:
        raise UserError(
            f"none of {len(theorems)} statements was proved by the search, in warm_start of "
            "SelfPlay; must prove at least one: raise depth and width, or use easier statements"
        )
    rank_zero_info(
        f"warm start: {proved} of {len(theorems)} statements proved by search in "
        f"{time.perf_counter() - start:.0f} s; training on them"
    )
    lemmas = draw_lemmas(theorems, settings, seed)
    provables: list[Provable] = list(theorems)
    if settings.prove_lemmas:
        unproved = [Attempt(lemma.text, "", theorem.header) for theorem, _, lemma in lemmas]
        provables += unproved
        proofs = proofs + find_proofs(unproved, settings, lean)
    alternatives = proved_alternatives(provables, proofs, settings.alternatives, seed, lean)
    provables += alternatives
    proofs = proofs + [[attempt.proof] for attempt in alternatives]
    return [*proof_answers(form, provables, proofs), *lemma_answers(form, lemmas)]


def draw_lemmas(
    theorems: Sequence[Theorem], settings: WarmStart, seed: int
) -> list[tuple[Theorem, bool, Statement]]:
    """Return theorem, whether to show it as the target, and lemma: a variation of the theorem."""
    rng = random.Random(seed)
    lemmas: list[tuple[Theorem, bool, Statement]] = []
    for theorem in theorems:
        for _ in range(settings.lemmas):
            lemma = vary(theorem.parsed, rng, edits=rng.randint(1, 2))
            is_shown = rng.random() >= UNCONDITIONED
            if lemma is not None:
                lemmas.append((theorem, is_shown, lemma))
    return lemmas


def lemma_answers(
    form: Format, lemmas: Sequence[tuple[Theorem, bool, Statement]]
) -> list[tuple[str, str]]:
    """Return prompts of the Conjecturer with their answers, the lemmas."""
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
    """Return prompts of the Solver with their answers, one for each proof."""
    return [
        (form.solver_prompt(statement, theorem.header), form.write_proof(statement, proof))
        for theorem, theorem_proofs in zip(theorems, proofs, strict=True)
        for statement in [parsed(theorem)]
        for proof in theorem_proofs
    ]
