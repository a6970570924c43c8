"""Statements as trees of operators, and their keys."""

from lit_research.lean import parse_statement
from lit_research.lean.corpus.formulas import formula_of, statement_key, variables


def stated(body):
    found = parse_statement(f"theorem t {body}")
    assert found is not None, body
    return found


def test_brackets_bind_and_quantifiers_take_the_rest():
    tree = formula_of(
        stated("(p : Prop) : ∀ (x y : Nat), x = y ∧ p → ∃ z : Nat, z = x ∨ p").body[6:]
    )
    assert tree.operator == "∀"
    (body,) = tree.parts
    assert [part.operator for part in body.parts] == ["∧", "∃"]
    assert formula_of(("((", ")"))
    deep = formula_of(tuple("(" * 3000 + "p" + ")" * 3000))
    assert deep.tokens == ("p",)
    assert formula_of(("¬",) * 3000 + ("p",)).depth == 1


def test_names_in_types_are_no_variables():
    body = "(f : Nat → Nat) : ∀ xs : List (Nat), ∃ (y z : Nat) (k : y = z), f y = List.length xs"
    assert variables(stated(body)) == {"f", "xs", "y", "z", "k"}


def test_keys_forget_names_alone():
    key = statement_key(stated("(a b : Nat) (h : a.succ = b) : ∀ x : Nat, x = a → x.succ = b"))
    assert key == statement_key(
        stated("(u : Nat) (v : Nat) (g : u.succ = v) : ∀ y : Nat, y = u → y.succ = v")
    )
    assert key != statement_key(
        stated("(u : Nat) (v : Nat) (g : v.succ = u) : ∀ y : Nat, y = u → y.succ = v")
    )
