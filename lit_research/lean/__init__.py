"""Lean 4: verdicts on untrusted proofs, from the real kernel.

``EmbeddedLean`` runs the real Lean 4 elaborator and kernel with the project's own core library;
``LeanInteractServer``, ``LeanDojoServer`` and ``KiminaServer`` run on your own toolchain.
"""

from lit_research.lean.dojo import LeanDojoServer
from lit_research.lean.embedded import EmbeddedLean
from lit_research.lean.guards import Guards
from lit_research.lean.interact import LeanInteractServer
from lit_research.lean.kimina import KiminaServer
from lit_research.lean.lexer import tokens
from lit_research.lean.records import Attempt, LeanServer, ServerCounts, Verdict
from lit_research.lean.statements import Statement, parse_statement

__all__ = [
    "Attempt",
    "EmbeddedLean",
    "Guards",
    "KiminaServer",
    "LeanDojoServer",
    "LeanInteractServer",
    "LeanServer",
    "ServerCounts",
    "Statement",
    "Verdict",
    "parse_statement",
    "tokens",
]
