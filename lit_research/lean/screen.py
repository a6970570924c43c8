"""What text may be shown to the driver: all but what would act while Lean elaborates it.

The driver (:mod:`lit_research.lean.driver`) takes exactly one theorem, compares its type with the
statement's and has the kernel check it in an environment that no proof has touched. So nothing here
decides what is proved, and names, strings and notation are Lean's to read. What is refused would
run code, read files, load native code or set options, or is a hole.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lit_research.lean.guards import NO_STATEMENT, PROOF_WORDS, Guards
from lit_research.lean.lexer import BRACKET, OPENING, LexError, code_of, without_comments
from lit_research.lean.theorem import OWN_NAME, read_theorem

_WORDS = """
    sorry admit stop sorryAx
    run_tac run_cmd run_elab run_meta by_elab eval_expr include_str include_bytes include_json
    initialize builtin_initialize unsafe implemented_by extern
    elab elab_rules macro macro_rules simproc dsimproc
    native_decide bv_decide bv_check reduceBool reduceNat ofReduceBool ofReduceNat trustCompiler
    set_option skipKernelTC
"""
# No letter before it: whatever else stands there may end a token of Lean's.
_REFUSED = re.compile(
    rf"(?<![A-Za-z_])(?:{'|'.join(_WORDS.split())})(?![A-Za-z0-9_'!?])"
    r"|@\[|#eval|eval%|\+(?:[\w«»]*\.)*«?native(?!\w)|(?<!\w)native»?\s*:="
    rf"|{OWN_NAME.partition('_')[0]}"
)
# What a statement has none of, though Lean would take it.
_IN_PROOFS = re.compile(rf"(?<![\w.])(?:open|{'|'.join(sorted(PROOF_WORDS))})(?![\w'!?])")


class Screen(Guards):
    """The guard of the embedded Lean. Its sizes and words can be changed like those of others."""

    def statement_refusal(self, statement: str) -> str | None:
        """Return what is wrong with a statement."""
        return _statement_refusal(self, statement)

    def proof_refusal(self, proof: str) -> str | None:
        """Return what is wrong with a proof."""
        if len(proof) > self.proof_characters:
            return f"the proof has {len(proof)} characters; {self.proof_characters} are allowed"
        try:
            shown = without_comments(proof)
        except LexError as error:
            return f"in the proof, {error}"
        if not shown.strip():
            return "the proof is empty"
        problem = self._problem(shown)
        return f"in the proof, {problem}" if problem else None

    def _problem(self, shown: str) -> str | None:
        """Return what is wrong with a text, all of which Lean is shown: in strings, too."""
        for match in _REFUSED.finditer(shown):
            if match.group() not in self.allow:
                return f"{match.group()!r} is not allowed"
        for word in self.refuse:
            if re.search(rf"(?<![A-Za-z_]){re.escape(word)}(?![A-Za-z0-9_'!?])", shown):
                return f"{word!r} is not allowed"
        depth = 0
        for match in re.finditer(BRACKET, shown):
            depth = max(depth + (1 if match.group() in OPENING else -1), 0)
            if depth > self.depth:
                return f"brackets are nested more than {self.depth} deep"
        return None


@lru_cache(maxsize=65536)
def _statement_refusal(guards: Screen, text: str) -> str | None:
    longest = guards.statement_characters
    if len(text) > longest:
        return f"the statement has {len(text)} characters; {longest} are allowed"
    theorem = read_theorem(text)
    if theorem is None:
        return NO_STATEMENT
    # Lean reads it to the letter, comments included.
    problem = guards._problem(f"{theorem.namespace} {theorem.rest}")
    try:
        in_proofs = _IN_PROOFS.search(code_of(theorem.rest))
    except LexError as error:
        return f"in the statement, {error}"
    if in_proofs and not problem:
        problem = f"a proof is not allowed: {in_proofs.group()!r}"
    return f"in the statement, {problem}" if problem else None
