"""Attempts that the tests of verifiers share."""

from __future__ import annotations

from lit_research.evals import Attempt


def attempt(final: str | None = None, key: str | None = None, text: str = "", name: str = "q"):
    return Attempt("What is it?", text, key=key, final=final, question_id=name)
