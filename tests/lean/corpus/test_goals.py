"""Goals as Lean prints them."""

from lit_research.lean.corpus.goals import read_goals


def test_goals_are_read_as_lean_prints_them():
    text = (
        "case left\np q : Prop\nf : Nat → Nat\nh : p ∧\n    q\nh1 : ∀ (n m : Nat), n ≤ m → "
        "f n ≤ f m\nxs : List Nat\n⊢ xs.reverse.length = (xs ++ [1]).length\n\ncase right\n"
        "p : Prop\n⊢ p"
    )
    first, second = read_goals(text)
    assert str(first.target) == "List.length (List.reverse xs) = List.length (xs ++ [1])"
    assert {name: str(said) for name, said in first.hypotheses.items()} == {
        "h": "p ∧ q",
        "h1": "∀ n : Nat, ∀ m : Nat, n ≤ m → f n ≤ f m",
    }
    assert first.variables == {"p": "Prop", "q": "Prop", "f": "Nat → Nat", "xs": "List Nat"}
    assert first.fresh_names(2) == ["h2", "h3"]
    assert str(second.target) == "p"
