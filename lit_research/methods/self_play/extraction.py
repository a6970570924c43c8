"""Extracting proofs and conjectures from generated text, and removing duplicate conjectures.

The rules are those of the official code of Bailey et al. 2026, arXiv 2604.20209, for fenced code::

    ```lean4
    theorem t (p : Prop) (h : p) : p := by
      exact h
    ```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lit_research.lean.corpus.formulas import Tokens, statement_key
from lit_research.lean.lexer import without_comments
from lit_research.lean.statements import Statement

FENCE, LEAN_FENCE, BY = "```", "```lean4", ":= by"
Equality: TypeAlias = Literal["renaming", "body", "string"]

_HEADS = re.compile(r"\b(?:theorem|lemma|def)\s")


@dataclass(frozen=True)
class Extracted:
    """An extracted proof or conjecture, or the reason why there is none.

    Attributes:
        text: a proof (what follows ``:= by``), or a conjecture as it was written; None if there is
            none.
        statement: of a conjecture.
        reason: why there is none; empty if there is one.
    """

    text: str | None = None
    statement: Statement | None = None
    reason: str = ""


def extract_proof(text: str) -> Extracted:
    """Extract the proof from the Solver's text: one fence with one theorem, lemma or definition.

    The caller must verify it as a proof of the *original* statement: the one that the model repeats
    may differ.
    """
    text = text.strip()
    if not text.startswith(LEAN_FENCE):
        return Extracted(reason="does not begin with a lean4 fence")
    if not text.endswith(FENCE):
        return Extracted(reason="does not end with a fence")
    if text.count(FENCE) != 2:
        return Extracted(reason=f"{text.count(FENCE)} fences, not 2")
    code = text[len(LEAN_FENCE) : -len(FENCE)]
    heads = len(_HEADS.findall(without_comments(code, lenient=True)))
    if heads != 1:
        return Extracted(reason=f"{heads} theorems, lemmas and definitions, not 1")
    _, by, proof = code.partition(BY)
    if not by:
        return Extracted(reason=f"no {BY!r}")
    if not proof.strip():
        return Extracted(reason="the proof is empty")
    return Extracted(proof)


def extract_conjecture(text: str) -> Extracted:
    """Extract the statement before ``:= by`` from the last lean4 fence of the Conjecturer's text.

    The caller must parse ``text`` of the result.
    """
    _, fence, rest = text.rpartition(LEAN_FENCE)
    if not fence:
        return Extracted(reason="no lean4 fence")
    code, fence, _ = rest.rpartition(FENCE)
    if not fence:
        return Extracted(reason="the lean4 fence is not closed")
    code = code.strip()
    if code.count(BY) != 1:
        return Extracted(reason=f"{code.count(BY)} times {BY!r}, not once")
    if code.count("sorry") > 1:
        return Extracted(reason=f"{code.count('sorry')} times 'sorry'")
    if not code.endswith(("sorry", BY)):
        return Extracted(reason=f"ends neither with 'sorry' nor with {BY!r}")
    return Extracted(code[: code.index(BY)].strip())


def deduplicate(
    read: Sequence[Extracted], targets: Sequence[Statement], equality: Equality = "renaming"
) -> list[Extracted]:
    """Return the conjectures with each duplicate replaced by the reason.

    Args:
        read: the conjectures of a round in order, including failed extractions.
        targets: conjectures that equal one of them are duplicates, too.
        equality: ``renaming``: statements are equal up to the names of the theorem, of variables
            and of hypotheses; ``body``: up to the name of the theorem; ``string``: if their texts
            are equal up to white space (official code).
    """
    target_keys = {_key(target.text, target, equality) for target in targets}
    seen: set[Tokens] = set()
    unique: list[Extracted] = []
    for conjecture in read:
        if conjecture.statement is None:
            unique.append(conjecture)
            continue
        text = conjecture.text or conjecture.statement.text
        key = _key(text, conjecture.statement, equality)
        if key in target_keys:
            conjecture = Extracted(reason="is a target")
        elif key in seen:
            conjecture = Extracted(reason="is an earlier conjecture of the round")
        seen.add(key)
        unique.append(conjecture)
    return unique


def _key(text: str, statement: Statement, equality: Equality) -> Tokens:
    if equality == "string":
        return tuple(text.split())
    return statement.body if equality == "body" else statement_key(statement)
