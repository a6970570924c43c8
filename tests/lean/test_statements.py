"""Statements are cut where Lean cuts them, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.lean.lexer import LexError, tokens, without_comments
from lit_research.lean.records import Attempt
from lit_research.lean.statements import parse_statement


@pytest.mark.parametrize(
    ("text", "binders", "conclusion"),
    [
        ("theorem f : True", (), "True"),
        ("lemma f (p q : Prop) : p → q", ("(p q : Prop)",), "p → q"),
        ("theorem f {α : Type} [h : Dec α] (x : α) : x = x := by", None, "x = x"),
        ("theorem f (n : Nat)\n    (h : n = 1) :\n  1 = n := by sorry", None, "1 = n"),
        ("theorem f (g : (x : Nat) → x = x) : True", ("(g : (x : Nat) → x = x)",), "True"),
        ("theorem f⦃x : Nat⦄: x = x", ("⦃x : Nat⦄",), "x = x"),
        ("theorem A.b' : ∃ x : Nat, x = 1", (), "∃ x : Nat, x = 1"),
        ("theorem f.{u, v} {α : Type u} : True", ("{α : Type u}",), "True"),
        ("theorem f : let x := 1\n  x = 1", (), "let x := 1; x = 1"),
        ("theorem f : have h := (1 +\n 1); h = 2", (), "have h := (1 + 1); h = 2"),
        ("theorem f : let x :=\n 1; x = 1", (), "let x := 1; x = 1"),
    ],
)
def test_parts(text, binders, conclusion):
    found = parse_statement(text)
    assert found is not None
    assert found.conclusion == conclusion
    if binders is not None:
        assert found.binders == binders


@pytest.mark.parametrize(
    ("binders", "names"),
    [
        ("", ()),
        ("(p q : Prop) (h : p ∧ q)", ("p", "q", "h")),
        ("{α : Type u} [Dec α] [i : Dec (List α)] ⦃x : α⦄", ("α", "_", "i", "x")),
        ("(_ : 1 = 1) (h' : (x : Nat) → x = x) {{y₁ : Nat}}", ("_", "h'", "y₁")),
        ("(x y) («a b» : Nat)", ("x", "y", "«a b»")),
        ("(p : A → Prop) [∀ x : A, Dec (p x)] [Dec (fun x : A => p x)]", ("p", "_", "_")),
    ],
)
def test_names_of_binders(binders, names):
    found = parse_statement(f"theorem t {binders} : True")
    assert found is not None
    assert found.binder_names == names


def test_a_binder_is_read_once_for_names_and_type():
    found = parse_statement("theorem t (a b : Nat) {{y : List Nat}} [∀ x : A, D x] (z) : True")
    assert found is not None
    assert [(b.bracket, b.names, b.type) for b in found.bindings] == [
        ("(", ("a", "b"), "Nat"),
        ("{", ("y",), "List Nat"),
        ("[", (), "∀ x : A, D x"),
        ("(", ("z",), ""),
    ]
    assert found.hypotheses == ("Nat", "List Nat")


def test_what_is_read_travels_with_an_attempt():
    attempt = Attempt("theorem A.t.{u} {α : Type u} /- why -/ : True := by", "trivial")
    assert attempt.parsed is attempt.parsed
    assert attempt.parsed == parse_statement("theorem A.t {α : Type u} : True")
    assert attempt.verbatim is not None
    assert attempt.verbatim.rest == ".{u} {α : Type u} /- why -/ : True"
    other = Attempt("def x := 1", "trivial")
    assert (other.parsed, other.verbatim) == (None, None)
    assert attempt == Attempt(attempt.statement, attempt.proof)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "theorem",
        "theorem t.{u : True",
        "theorem t.{u {v}} : True",
        "theorem f \u2039p\u203a : p",
        "theorem f : ⟪p",
        "theorem f",
        "theorem f :",
        "theorem : True",
        "def f : True",
        "theorem f True",
        "theorem f (p : Prop : p",
        "theorem f p : Prop) : p",
        "theorem f (p] : p",
        "theorem f x : x = x",
        "theorem f : True)",
        "theorem f := True",
    ],
)
def test_what_is_no_statement(text):
    assert parse_statement(text) is None


@pytest.mark.parametrize(
    ("name", "namespace"), [("t", ""), ("A.t", "A"), ("A.B.t", "A.B"), ("_root_.A.t", "A")]
)
def test_a_proof_depends_on_the_namespace_and_not_on_the_name(name, namespace):
    found = parse_statement(f"theorem {name} : True")
    assert found is not None
    assert found.namespace == namespace
    assert found.key == (namespace, "True")


_NAMES = st.from_regex(r"[a-z][a-z0-9_']{0,5}", fullmatch=True)
_TERMS = st.recursive(
    st.sampled_from(["p", "q", "x = y", "Nat", "f x", "∀ x : Nat, x = x", "⟨a, b⟩.1 = a"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("∧∨→↔"), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("¬ {}".format),
    ),
    max_leaves=6,
)
_BINDERS = st.tuples(_NAMES, _TERMS, st.sampled_from(["()", "{}", "[]", "⦃⦄"])).map(
    lambda x: f"{x[2][0]}{x[0]} : {x[1]}{x[2][1]}"
)


@settings(max_examples=200, deadline=None)
@given(
    _NAMES, st.lists(_BINDERS, max_size=4), _TERMS, st.sampled_from(["", " := by", " := by sorry"])
)
def test_round_trip(name, binders, conclusion, rest):
    text = " ".join(["theorem", name, *binders, ":", conclusion])
    found = parse_statement(text + rest)
    assert found is not None
    assert (found.name, found.binders, found.conclusion) == (name, tuple(binders), conclusion)
    assert found.text == text
    assert parse_statement(found.text) == found
    renamed = found.renamed("other")
    assert renamed.body == found.body
    assert parse_statement(renamed.text) == renamed


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_a_statement_or_none(text):
    for candidate in (text, f"theorem {text}", f"theorem f {text}", f"theorem f : {text}"):
        found = parse_statement(candidate)
        if found is not None:
            assert found.conclusion
            assert "\n" not in found.text
    tokens(text)


def test_a_lenient_reader_leaves_what_it_cannot_read():
    assert without_comments("a /- b", lenient=True) == "a /- b"
    assert tokens("a /- b /- c -/ -/ é.x «d e» := 10") == ["a", "é.x", "«d e»", ":=", "10"]
    with pytest.raises(LexError):
        without_comments("a /- b")
