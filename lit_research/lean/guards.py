"""What text may be shown to a Lean that reads whole files: known symbols, no words of commands.

The guard is the first layer, not the last: what it lets through still has to prove the very
statement that was asked for, to the kernel, from allowed axioms (:mod:`lit_research.lean.batch`).
It is there for what those cannot see: commands that change what later text means, code that runs
while Lean reads it, files read, output without end; and options that turn the kernel off, which the
embedded Lean ignores (:mod:`lit_research.lean.program`) and the user's Lean does not. The
embedded Lean, which reads one theorem at a time, needs less: :mod:`lit_research.lean.screen`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from lit_research.lean.lexer import (
    BINDING,
    OPENING,
    LexError,
    Token,
    lex,
    unbalanced,
    without_comments,
)
from lit_research.lean.records import Attempt
from lit_research.lean.statements import parse_statement

NO_STATEMENT = "the statement is not 'theorem NAME BINDERS : CONCLUSION'"
# Words that start a proof, which a statement has none of.
PROOF_WORDS = frozenset(("by", "calc", "nofun", "nomatch"))

# Words that start or end commands, run code, skip checks or write messages. Whatever of these is
# not needed by a proof is refused, wherever it stands.
_REFUSED_WORDS = """
    abbrev add_decl_doc alias axiom attribute axioms builtin_dsimproc builtin_initialize
    builtin_simproc class coinductive compile_inductive declare_config_elab
    declare_simp_like_tactic declare_syntax_cat def default_instance deprecated_module deriving
    dsimproc elab end_local_scope gen_injective_theorems% recall? reset_grind_attrs%
    show_deprecated_modules simproc_pattern% builtin_simproc_pattern% cbv_simproc_pattern%
    builtin_cbv_simproc_pattern% add_aesop_rules erase_aesop_rules initialize_simps_projections
    suppress_compilation unsuppress_compilation
    elab_rules elab_stx end enum erase_attr example export extends extend_docs grind_pattern
    import include inductive infix infixl infixr init_quot initialize instance
    irreducible_def lemma library_note local macro macro_rules meta module mutual namespace
    noncomputable nonrec notation notation3 omit opaque open partial postfix prefix prelude private
    proof_wanted protected public recommended_spelling register_builtin_option
    register_error_explanation register_label_attr register_option register_simp_attr
    register_tactic_tag run_cmd run_elab run_meta scoped seal section set_option simproc
    simproc_decl structure syntax tactic_extension theorem unif_hint universe unsafe unseal
    variable variables where
    termination_by termination_by? decreasing_by finally partial_fixpoint inductive_fixpoint
    coinductive_fixpoint
    sorry admit stop sorryAx
    native native_decide nativeDecide bv_decide bv_decide? bv_check reduceBool reduceNat
    ofReduceBool ofReduceNat trustCompiler implemented_by extern csimp skipKernelTC
    run_tac by_elab eval_expr include_str include_bytes include_json dbg_trace dbg_trace_if_shared
    dbg_sleep dbgTrace dbgSleep dbg_stack panic! unreachable! todo! assert! debug_assert!
    do return throw throwError throwThe mut for while repeat! break continue try! catch
    sleep trace trace_state trace_goal save checkpoint logInfo logWarning logError
    exact? apply? rw? rw_search rewrites? observe? show_term show_term_elab says
    suggestions polyrith slim_check plausible library_search propose auto duper sagredo llmstep
    type_of% ensure_type_of% ensure_expected_type% eval% inferInstanceAs% private_decl%
    declName% decl_name% binop% unop% leftact% rightact% binrel% binrel_no_prop% binop_lazy%
    no_implicit_lambda% clear% let_delayed let_tmp value_of% elabToSyntax% wait_if_type_mvar%
    wait_if_type_contains_mvar% wait_if_contains_mvar% default_or_ofNonempty% open_private
    export_private recall idbg unless until logNamedError logNamedErrorAt logNamedWarning
    logNamedWarningAt throwNamedError throwNamedErrorAt with_decl_name% with_weak_namespace
    binder_predicate assert_not_exists assert_not_imported register_grind_attr register_sym_simp
    register_sym_simp_attr register_sym_dsimp register_try?_tactic grind_annotated init_grind_norm
    deprecated_syntax docs_to_verso unlock_limits add_docstring computed_fields get_elem_tactic
    try? attempt_all attempt_all_par first_par extract_goal
"""

# Namespaces of Lean's insides: in dotted names, and in an `open` of the header.
NAMESPACES = frozenset(("Lean", "Lake", "IO", "EIO", "BaseIO", "System", "ST", "EST", "Unsafe"))
# Parts of names that belong to Lean's insides or ours: as words alone, and in dotted names, where
# an `open` in the header could hide what is before them.
_REFUSED_NAMES = """
    LitResearch sorryAx lcProof lcUnreachable lcAny
    lcErased lcCast lcVoid ofReduceBool ofReduceNat reduceBool reduceNat trustCompiler unsafeCast
    unsafeIO unsafeBaseIO unsafeEIO ptrAddrUnsafe ptrEq withPtrEq dbgTrace dbgTraceVal
    dbgTraceIfShared dbgSleep dbgStackTrace panic panicCore panicWithPos native nativeDecide
    implemented_by isExclusiveUnsafe skipKernelTC
"""
REFUSED_WORDS, REFUSED_NAMES = frozenset(_REFUSED_WORDS.split()), frozenset(_REFUSED_NAMES.split())

# Options that a header may set: they change how hard Lean tries, not what it accepts. Statements
# are definitions here, in which nothing is bound by itself: `autoImplicit true` would do nothing.
_HEADER_OPTION = re.compile(
    r"set_option (?:(?:maxHeartbeats|maxRecDepth|synthInstance\.maxHeartbeats|pp\.[A-Za-z.]+|"
    r"exponentiation\.threshold) [1-9][0-9]{0,7}|(?:pp\.[A-Za-z.]+|linter\.[A-Za-z.]+)"
    r" (?:true|false)|(?:autoImplicit|relaxedAutoImplicit) false)"
)
_BINDING_ENDS = tuple(OPENING[opened] for opened in BINDING)
_HEADER_CHARACTERS = 10_000
_KERNEL_OFF = re.compile(r"set[_\s]*option|skip[_\s]*kernel", re.IGNORECASE)
_NAME = r"(?!(?:in|from|hiding|renaming|private|scoped)\b)[A-Za-z][A-Za-z0-9_.']*"
_HEADER_LINE = re.compile(
    rf"import {_NAME}|open(?: scoped)?(?: {_NAME})+|universe(?: {_NAME})+|noncomputable section"
)


@dataclass(frozen=True)
class Guards:
    """What an attempt's text may hold. One object serves every server.

    Args:
        allow: words that are refused by default and allowed here.
        refuse: further words to refuse.
        proof_characters: longest proof.
        statement_characters: longest statement.
        depth: deepest nesting of brackets.
    """

    allow: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    proof_characters: int = 20_000
    statement_characters: int = 4_000
    depth: int = 100

    def refusal(self, attempt: Attempt) -> str | None:
        """Return why the attempt must not be shown to Lean; None if it may be."""
        return (
            self.header_refusal(attempt.header)
            or self.statement_refusal(attempt.statement)
            or self.proof_refusal(attempt.proof)
        )

    def header_refusal(self, header: str) -> str | None:
        """Return what is wrong with a header, which may import, open and set harmless options."""
        return _header_refusal(header)

    def statement_refusal(self, statement: str) -> str | None:
        """Return what is wrong with a statement."""
        return _statement_refusal(self, statement)

    def proof_refusal(self, proof: str) -> str | None:
        """Return what is wrong with a proof."""
        if len(proof) > self.proof_characters:
            return f"the proof has {len(proof)} characters; {self.proof_characters} are allowed"
        # Once more for what another Lean than the embedded one would obey, whatever the tokens say.
        if match := _KERNEL_OFF.search(proof):
            return f"in the proof, {match.group()!r} is not allowed"
        try:
            found = lex(without_comments(proof))
        except LexError as error:
            return f"in the proof, {error}"
        if not found:
            return "the proof is empty"
        problem = self._refused(found) or unbalanced((t.text for t in found), self.depth)
        return f"in the proof, {problem}" if problem else None

    def _refused(self, found: list[Token]) -> str | None:
        """Return the first token that may not be there."""
        previous = ""
        for token, following in zip(found, [*found[1:], Token("symbol", "")], strict=True):
            text = token.text
            if token.kind == "word":
                marked = f"{text}%" if following.text == "%" else text
                for word in (text, marked):
                    if self._is_refused(word):
                        return f"{word!r} is not allowed"
                if part := _inside(text, self.allow):
                    return f"the name {text!r} is not allowed: {part!r}"
                if text == "rec" and previous == "let":
                    return "'let rec' is not allowed"
            elif text == "@[":
                return "an attribute is not allowed: '@['"
            previous = text
        return None

    def _is_refused(self, word: str) -> bool:
        return (word in REFUSED_WORDS and word not in self.allow) or word in self.refuse


def _inside(name: str, allow: Collection[str] = ()) -> str | None:
    """Return the part of a name that belongs to Lean's insides, None if none does."""
    parts = name.split(".")
    for part in parts:
        is_inside = part in REFUSED_NAMES or (len(parts) > 1 and part in NAMESPACES)
        if is_inside and part not in allow:
            return part
    return None


@lru_cache(maxsize=256)
def _header_refusal(header: str) -> str | None:
    if len(header) > _HEADER_CHARACTERS:
        return f"the header has {len(header)} characters; {_HEADER_CHARACTERS} are allowed"
    for line in header.splitlines():
        text = " ".join(line.split("--")[0].split())
        if text and not (_HEADER_LINE.fullmatch(text) or _HEADER_OPTION.fullmatch(text)):
            return f"in the header, this is not an import, an open or a harmless option: {text!r}"
        for name in text.split()[1:] if text.startswith("open") else ():
            if part := _inside(f"{name}.") or _inside(name):
                return f"in the header, {part!r} may not be opened: {text!r}"
    return None


@lru_cache(maxsize=65536)
def _statement_refusal(guards: Guards, text: str) -> str | None:
    longest = guards.statement_characters
    if len(text) > longest:
        return f"the statement has {len(text)} characters; {longest} are allowed"
    statement = parse_statement(text)
    if statement is None:
        return NO_STATEMENT
    parts = [*statement.binders, statement.conclusion]
    try:
        name, *found = (lex(part) for part in (statement.name, *parts))
    except LexError as error:
        return f"in the statement, {error}"
    if len(name) != 1 or name[0].kind != "word":
        return f"the statement's name is not a plain one: {statement.name!r}"
    every = [token for part in [name, *found] for token in part]
    problem = guards._refused(every)
    for part in found:
        problem = problem or unbalanced((t.text for t in part), guards.depth)
    for token in every:
        if token.text in PROOF_WORDS and not problem:
            problem = f"a proof is not allowed: {token.text!r}"
    problem = problem or _loose_assignment(found[-1])
    return f"in the statement, {problem}" if problem else None


def _loose_assignment(conclusion: list[Token]) -> str | None:
    """Return what is wrong if ``:=`` stands where it would end the statement."""
    depth = lets = 0
    for token in conclusion:
        depth += (token.text in BINDING) - (token.text in _BINDING_ENDS)
        lets += token.text in ("let", "have")
        if token.text == ":=" and not depth and not lets:
            return "':=' is not allowed outside of brackets"
    return None


def block(proof: str) -> str:
    """Return a proof as Lean is to see it: without comments, indented by two columns at least.

    Lines keep their numbers and their indentation relative to each other. A text whose comments
    cannot be read is left as it is; the guard refuses it.
    """
    lines = [line.rstrip(" ") for line in without_comments(proof, lenient=True).split("\n")]
    least = min((len(x) - len(x.lstrip(" ")) for x in lines if x), default=0)
    return "\n".join(f"  {line[least:]}" if line else "" for line in lines)
