"""Words that give back Lean text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.lean import tokens
from lit_research.lean.corpus.pretokenize import from_words, to_words
from lit_research.lean.lexer import without_comments


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
    code = [row for row in without_comments(text, lenient=True).splitlines() if row.strip()]
    starts = [len(row) - len(row.lstrip()) for row in code]
    assert [len(r) - len(r.lstrip()) - s + min(starts) for r, s in
            zip(back.splitlines(), starts, strict=True)] == [0] * len(code)  # fmt: skip
