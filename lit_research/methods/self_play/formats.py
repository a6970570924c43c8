"""The prompts of both players, and how their answers are parsed.

``FencedFormat`` is for provers that know natural language, ``PlainFormat`` for small, randomly
initialised models with one token per word.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from lit_research.lean.corpus.pretokenize import LAYOUT_WORDS, NEWLINE, from_words, to_words
from lit_research.lean.lexer import tokens
from lit_research.lean.statements import Statement, parse_statement
from lit_research.methods.self_play.extraction import (
    BY,
    FENCE,
    LEAN_FENCE,
    Extracted,
    extract_conjecture,
    extract_proof,
)

PROVE, PROOF, CONJECTURE, LEMMA = "<prove>", "<by>", "<conjecture>", "<lemma>"
SPECIAL_WORDS = (PROVE, PROOF, CONJECTURE, LEMMA, *LAYOUT_WORDS)
"""The words of ``PlainFormat`` that are not Lean's."""


class Format(ABC):
    """Writes the prompts of both players and parses their answers; parsing never raises."""

    @abstractmethod
    def solver_prompt(self, theorem: Statement, header: str = "") -> str:
        """Return the prompt to prove a theorem, which follows ``header``."""

    @abstractmethod
    def conjecturer_prompt(self, target: Statement | None) -> str:
        """Return the prompt for a lemma towards a target; None is the unconditioned ablation."""

    @abstractmethod
    def read_proof(self, text: str) -> Extracted:
        """Extract a proof (``text`` of the result) from the Solver's answer."""

    @abstractmethod
    def read_conjecture(self, text: str, name: str) -> Extracted:
        """Extract a statement from the Conjecturer's answer, and name it ``name``."""

    @abstractmethod
    def write_proof(self, theorem: Statement, proof: str) -> str:
        """Return the answer from which ``read_proof`` extracts ``proof``."""

    @abstractmethod
    def write_conjecture(self, conjecture: Statement) -> str:
        """Return the answer from which ``read_conjecture`` extracts ``conjecture``."""


class FencedFormat(Format):
    """Prompts in English with fenced Lean code, for provers such as DeepSeek-Prover-V2.

    The Solver sees header and theorem, the Conjecturer the target without its header (appendix
    E.1 of the paper, in different words). The caller applies the chat template, if there is one.
    """

    def solver_prompt(self, theorem: Statement, header: str = "") -> str:
        """Return a request to complete the code."""
        code = f"{header.rstrip()}\n\n{theorem.text}".lstrip()
        return (
            "Complete the proof in this Lean 4 code.\n\n"
            f"{_fenced(f'{code} {BY}')}\n\n"
            "Answer with one lean4 code block that repeats the theorem as it stands and completes "
            "its proof, and with nothing else."
        )

    def conjecturer_prompt(self, target: Statement | None) -> str:
        """Return a request for a lemma that helps with the target, or for any theorem."""
        end = (
            "Reason first if that helps. Your answer must end with the statement, in correct "
            f"syntax, between {LEAN_FENCE} and {FENCE}, with `sorry` where its proof would stand."
        )
        if target is None:
            return (
                "State a theorem in Lean 4 that is not trivial, from any area of mathematics that "
                f"you pick at random. It should be provable and worth knowing.\n\n{end}"
            )
        return (
            f"This theorem in Lean 4 has not been proved yet.\n\n{_fenced(f'{target.text} {BY}')}"
            "\n\nState a lemma, or a related theorem, that would help to prove it and that is "
            "easier to prove than it. It must be neither the theorem itself nor the theorem with "
            f"other names for its variables and hypotheses.\n\n{end}"
        )

    def read_proof(self, text: str) -> Extracted:
        """Read what stands after the first ``:= by`` of the only fence."""
        return extract_proof(text)

    def read_conjecture(self, text: str, name: str) -> Extracted:
        """Read the statement in the last lean4 fence."""
        extracted = extract_conjecture(text)
        if extracted.text is None:
            return extracted
        statement = parse_statement(extracted.text)
        if statement is None:
            return Extracted(reason="the code is not one theorem or lemma with a conclusion")
        return Extracted(extracted.text, statement.renamed(name))

    def write_proof(self, theorem: Statement, proof: str) -> str:
        """Return the theorem with its proof in a fence."""
        lines = proof.strip("\n").splitlines()
        if lines and not lines[0][:1].isspace():
            lines = [f"  {line}" for line in lines]
        return _fenced("\n".join([f"{theorem.text} {BY}", *lines]))

    def write_conjecture(self, conjecture: Statement) -> str:
        """Return the statement with ``sorry`` in a fence."""
        return _fenced(f"{conjecture.text} {BY}\n  sorry")


class PlainFormat(Format):
    """Marker words: the block of tactics follows ``<prove> (p : Prop) ( h : p ) : p <by>``.

    A conjecture follows ``<conjecture> TARGET <lemma>``, or ``<conjecture> <lemma>`` without a
    target. Statements are written without ``theorem NAME``, and without their header: it must be
    the same for all statements that a model sees.
    """

    def solver_prompt(self, theorem: Statement, header: str = "") -> str:
        """Return the statement between ``<prove>`` and ``<by>``."""
        return f"{PROVE} {self.write_conjecture(theorem)} {PROOF}"

    def conjecturer_prompt(self, target: Statement | None) -> str:
        """Return the target, if there is one, between ``<conjecture>`` and ``<lemma>``."""
        shown = () if target is None else (self.write_conjecture(target),)
        return " ".join([CONJECTURE, *shown, LEMMA])

    def read_proof(self, text: str) -> Extracted:
        """Parse the whole text as a block of tactics."""
        reason = _stray(text, (PROVE, PROOF, CONJECTURE, LEMMA))
        proof = from_words(text)
        if not reason and not proof:
            reason = "the proof is empty"
        return Extracted(reason=reason) if reason else Extracted(proof)

    def read_conjecture(self, text: str, name: str) -> Extracted:
        """Parse the whole text as binders and conclusion."""
        reason = _stray(text, (PROVE, PROOF, CONJECTURE, LEMMA, NEWLINE))
        body = from_words(text)
        if not reason and ":=" in tokens(body):
            reason = "':=' in a statement"
        statement = None if reason else parse_statement(f"theorem {name} {body}")
        if statement is None or statement.name != name:
            return Extracted(reason=reason or "not binders, a colon and a conclusion")
        return Extracted(body, statement)

    def write_proof(self, theorem: Statement, proof: str) -> str:
        """Return the words of the proof."""
        return to_words(proof)

    def write_conjecture(self, conjecture: Statement) -> str:
        """Return the words of binders and conclusion."""
        return to_words(" ".join([*conjecture.binders, ":", conjecture.conclusion]))


def _fenced(code: str) -> str:
    return f"{LEAN_FENCE}\n{code}\n{FENCE}"


def _stray(text: str, markers: tuple[str, ...]) -> str:
    """Return the reason why a text is invalid that contains one of the marker words; or ``""``."""
    stray = [word for word in text.split() if word in markers]
    return f"{stray[0]} in the answer" if stray else ""
