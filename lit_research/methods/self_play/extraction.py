"""What can be read in a model's text: a proof, or a conjecture; and which conjectures are new.

The rules of the official code of Bailey et al. 2026, arXiv 2604.20209, for answers in fences::

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
    """What was read, or the reason why there is nothing.

    Attributes:
        text: a proof (what stands after ``:= by``), or a conjecture as it was written; None if
            there is none.
        statement: of a conjecture.
        reason: why there is none; empty if there is one.
    """

    text: str | None = None
    statement: Statement | None = None
    reason: str = ""


def extract_proof(text: str) -> Extracted:
    """Read the Solver's answer: one fence, in it one theorem, lemma or definition.

    Whoever checks the proof puts it after the *original* statement: what the model repeats may be
    another one.
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
    """Read the Conjecturer's answer: the statement in the last lean4 fence, cut before ``:= by``.

    ``text`` of the result is what was written; the caller parses it.
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
    """Return what was read, with a reason in the place of a target or of an earlier conjecture.

    Args:
        read: the round's conjectures, in their order, failures among them.
        targets: no conjecture may be one of them.
        equality: ``renaming``: statements that differ in names alone are the same (of the theorem,
            of variables and of hypotheses); ``body``: in the theorem's name alone; ``string``: only
            those whose texts as they were written are equal but for white space (official).
    """
    known = {_key(target.text, target, equality) for target in targets}
    own: set[Tokens] = set()
    found: list[Extracted] = []
    for one in read:
        if one.statement is None:
            found.append(one)
            continue
        key = _key(one.text or one.statement.text, one.statement, equality)
        if key in known:
            one = Extracted(reason="is a target")
        elif key in own:
            one = Extracted(reason="is an earlier conjecture of the round")
        own.add(key)
        found.append(one)
    return found


def _key(text: str, statement: Statement, equality: Equality) -> Tokens:
    if equality == "string":
        return tuple(text.split())
    return statement.body if equality == "body" else statement_key(statement)
