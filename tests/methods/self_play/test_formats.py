"""Prompts, answers, and words that give back Lean text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.lean import parse_statement, tokens
from lit_research.methods.self_play.formats import (
    SPECIAL_WORDS,
    FencedFormat,
    PlainFormat,
)
from lit_research.methods.self_play.words import from_words, to_words

STATEMENT = parse_statement("theorem t (xs : List Nat) (h : (xs ++ xs).length = 0) : xs = []")
PROOF = """\
cases xs with
| nil => rfl
| cons x xs =>
  have k : 1 + 1 = 2 := by
    rfl
  · exact absurd h.symm (by simp)"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exact h.symm", "exact h.symm"),
        ("exact (f x).length", "exact ( f x ) . length"),
        ("exact ⟨h.1, (h k).2.1⟩", "exact ⟨ h.1 , ( h k ) . 2.1 ⟩"),
        ("exact .inl h", "exact .inl h"),
        ("exact (.inl h)", "exact ( .inl h )"),
        ("exact f (x) .rfl", "exact f ( x ) .rfl"),
        ("exact xs[0]", "exact xs <[> 0 ]"),
        ("simp [h]", "simp [ h ]"),
        ("simp[h]", "simp <[> h ]"),
        ("exact @id p h", "exact @ id p h"),
        ("refine ⟨?_, ?x⟩", "refine ⟨ ?_ , ?x ⟩"),
        ("rw [← h, <- k]", "rw [ ← h , <- k ]"),
        ("simp<;>rfl", "simp <;> rfl"),
        ("exact h ▸ k |>.symm", "exact h ▸ k |>. symm"),
        ("exact fun x=>x+1", "exact fun x => x + 1"),
        ("exact (·.1)", "exact ( · . 1 )"),
        ("show ¬¬p", "show ¬ ¬ p"),
        ("exact 1.5 + 0x1F", "exact 1.5 + 0x1F"),
        ("exact foo.{u} x", "exact foo.{ u } x"),
        ("exact x⁻¹", "exact x ⁻¹"),
        ("rfl -- done", "rfl"),
        ("  intro h\n  exact h\n", "intro h <nl> exact h"),
        ("· intro h\n  exact h", "· intro h <nl> <tab> exact h"),
        ("a\n   b\n\n      c", "a <nl> <tab> <sp> b <nl> <tab> <tab> <tab> c"),
        ("", ""),
    ],
)
def test_lean_as_words(text, words):
    assert to_words(text) == words
    back = from_words(words)
    assert tokens(back) == tokens(text)
    assert to_words(back) == words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("exact ( f x ) . length", "exact (f x).length"),
        ("exact xs . length", "exact xs . length"),
        ("( p : Prop )", "(p : Prop)"),
        ("f ( x ) ( y )", "f (x) (y)"),
        ("simp [ h , k ] ; rfl", "simp [h, k]; rfl"),
        ("xs <[> 0 ]", "xs[0]"),
        ("{ { x } }", "{ { x } }"),  # `{{` is another bracket
        ("a <nl> <tab> b <tab> c <nl> <tab>", "a\n  b c"),
        ("<nl> <nl> a", "a"),
    ],
)
def test_words_as_lean(words, text):
    assert from_words(words) == text


TOKENS = """
h h.symm h.1 xs xs.length x' h₁ fun => by exact simp only at with | · .inl ⟨ ⟩ ( ) [ ] { } , ; : :=
∀ ∃ ∧ ∨ ¬ → ↔ = ≠ ≤ < + - * ^ ++ :: && || != <;> |> <| ← <- -> ▸ @ ?_ _ 0 12 Nat.succ «a.b» % ! ∈
rcases? λ
"""
PIECES = st.sampled_from(TOKENS.split())
LINES = st.lists(
    st.tuples(st.integers(0, 7), st.lists(st.tuples(PIECES, st.booleans()), min_size=1)),
    min_size=1,
    max_size=4,
)


@given(LINES)
def test_words_give_back_the_tokens_and_the_indentation(lines):
    rows = []
    for indent, pieces in lines:
        row = "".join(piece + (" " if spaced else "") for piece, spaced in pieces).rstrip()
        rows.append(" " * indent + row)
    text = "\n".join(rows)
    words = to_words(text)
    back = from_words(words)
    assert tokens(back) == tokens(text)
    assert to_words(back) == words
    assert "  " not in words
    code = [row for row in to_plain(text).splitlines() if row.strip()]
    starts = [len(row) - len(row.lstrip()) for row in code]
    assert [len(r) - len(r.lstrip()) - s + min(starts) for r, s in
            zip(back.splitlines(), starts, strict=True)] == [0] * len(code)  # fmt: skip


def to_plain(text):
    from lit_research.lean.statements import without_comments

    return without_comments(text)


@given(st.lists(st.sampled_from([*SPECIAL_WORDS, "h", "(", ")", ".", "[", ":", "p", "="])))
def test_no_words_raise(words):
    text = " ".join(words)
    from_words(text)
    for form in (PlainFormat(), FencedFormat()):
        for found in (form.read_proof(text), form.read_conjecture(text, "c")):
            assert (found.text is None) == bool(found.reason)


@pytest.mark.parametrize("form", [PlainFormat(), FencedFormat()])
def test_what_is_written_is_read(form):
    proof = form.read_proof(form.write_proof(STATEMENT, PROOF))
    assert tokens(proof.text) == tokens(PROOF)
    assert proof.text.count("\n") >= PROOF.count("\n")
    conjecture = form.read_conjecture(form.write_conjecture(STATEMENT), "c")
    assert conjecture.statement.name == "c"
    assert conjecture.statement.body == STATEMENT.body
    assert not conjecture.reason


def test_plain_prompts():
    form = PlainFormat()
    goal = parse_statement("theorem t (p q : Prop) (h : p ∧ q) : q")
    words = "( p q : Prop ) ( h : p ∧ q ) : q"
    assert form.solver_prompt(goal, "import Mathlib") == f"<prove> {words} <by>"
    assert form.conjecturer_prompt(goal) == f"<conjecture> {words} <lemma>"
    assert form.conjecturer_prompt(None) == "<conjecture> <lemma>"
    assert form.solver_prompt(parse_statement("lemma t : True")) == "<prove> : True <by>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the proof is empty"),
        ("<nl> <tab>", "the proof is empty"),
        ("exact h <prove> ( p : Prop ) : p", "<prove> in the answer"),
    ],
)
def test_plain_answers_without_a_proof(text, reason):
    assert PlainFormat().read_proof(text).reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not binders, a colon and a conclusion"),
        ("( p : Prop )", "not binders, a colon and a conclusion"),
        ("( p : Prop ) : ( p", "not binders, a colon and a conclusion"),
        ("p : Prop", "not binders, a colon and a conclusion"),
        (".x : True", "not binders, a colon and a conclusion"),
        ("( p : Prop ) : p := by sorry", "':=' in a statement"),
        ("( p : Prop ) : p <by> exact h", "<by> in the answer"),
        ("( p : Prop ) <nl> : p", "<nl> in the answer"),
    ],
)
def test_plain_answers_without_a_conjecture(text, reason):
    assert PlainFormat().read_conjecture(text, "c").reason == reason


def test_fenced_prompts_show_the_header_to_the_solver_alone():
    form = FencedFormat()
    prompt = form.solver_prompt(STATEMENT, "import Mathlib\nopen Nat")
    assert f"```lean4\nimport Mathlib\nopen Nat\n\n{STATEMENT.text} := by\n```" in prompt
    assert f"```lean4\n{STATEMENT.text} := by\n```" in form.solver_prompt(STATEMENT)
    asked = form.conjecturer_prompt(STATEMENT)
    assert f"```lean4\n{STATEMENT.text} := by\n```" in asked
    assert "sorry" in asked
    free = form.conjecturer_prompt(None)
    assert STATEMENT.text not in free
    assert "sorry" in free


def test_fenced_answers_that_are_no_statement_give_a_reason():
    form = FencedFormat()
    text = "```lean4\nexample : True := by sorry\n```"
    assert form.read_conjecture(text, "c").reason.startswith("the code is not one theorem")
    assert form.read_conjecture("nothing", "c").reason == "no lean4 fence"
    found = form.read_conjecture("```lean4\nlemma foo (p : Prop) :\n  p := by sorry\n```", "c")
    assert found.text == "lemma foo (p : Prop) :\n  p"
    assert found.statement.text == "theorem c (p : Prop) : p"
