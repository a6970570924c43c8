"""What is read in good and bad answers, and which conjectures are new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.lean import parse_statement
from lit_research.methods.self_play.extraction import (
    Extracted,
    deduplicate,
    extract_conjecture,
    extract_proof,
)

THEOREM = "theorem t (p : Prop) (h : p) : p"


def fenced(code):
    return f"```lean4\n{code}\n```"


@pytest.mark.parametrize(
    ("text", "proof"),
    [
        (fenced(f"{THEOREM} := by\n  exact h"), "\n  exact h\n"),
        (f"\n {fenced(f'{THEOREM} := by exact h')} \n", " exact h\n"),
        (fenced("lemma x : True := by trivial"), " trivial\n"),
        # The first `:= by` begins the proof; what it proves is for the caller to replace.
        (
            fenced("theorem other : True := by\n  have : p := by exact h\n  trivial"),
            "\n  have : p := by exact h\n  trivial\n",
        ),
        (fenced(f"-- a lemma by def\n{THEOREM} := by exact h"), " exact h\n"),
        (fenced("theorem t (mydef : Prop) (h : mydef ) : mydef := by exact h"), " exact h\n"),
    ],
)
def test_proofs_are_read(text, proof):
    assert extract_proof(text) == Extracted(proof)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with a lean4 fence"),
        (f"Sure:\n{fenced(f'{THEOREM} := by exact h')}", "does not begin with a lean4 fence"),
        (f"```lean\n{THEOREM} := by exact h\n```", "does not begin with a lean4 fence"),
        (f"```lean4\n{THEOREM} := by exact h", "does not end with a fence"),
        (fenced(f"{THEOREM} := by exact h") + "\nDone.", "does not end with a fence"),
        ("```lean4", "does not end with a fence"),
        ("```lean4```", "0 theorems, lemmas and definitions, not 1"),
        (fenced("x") + "\n" + fenced(f"{THEOREM} := by exact h"), "4 fences, not 2"),
        (fenced("exact h"), "0 theorems, lemmas and definitions, not 1"),
        (
            fenced(f"lemma a : True := by trivial\n{THEOREM} := by exact h"),
            "2 theorems, lemmas and definitions, not 1",
        ),
        (
            fenced(f"def f := 1\n{THEOREM} := by exact h"),
            "2 theorems, lemmas and definitions, not 1",
        ),
        (fenced(f"{THEOREM} := h"), "no ':= by'"),
        (fenced(f"{THEOREM} := by"), "the proof is empty"),
    ],
)
def test_answers_without_a_proof_give_a_reason(text, reason):
    assert extract_proof(text) == Extracted(reason=reason)


@pytest.mark.parametrize(
    "text",
    [
        fenced(f"{THEOREM} := by sorry"),
        fenced(f"{THEOREM} := by\n  sorry"),
        fenced(f"{THEOREM} := by"),
        f"Not\n{fenced('theorem x : 1 = 1 := by rfl')}\nbut\n{fenced(f'{THEOREM} := by sorry')}.",
        # What stands between `:= by` and `sorry` is cut off.
        fenced(f"{THEOREM} := by\n  intro x\n  sorry"),
    ],
)
def test_conjectures_are_read(text):
    assert extract_conjecture(text) == Extracted(THEOREM)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no lean4 fence"),
        (f"{THEOREM} := by sorry", "no lean4 fence"),
        (f"```lean4\n{THEOREM} := by sorry", "the lean4 fence is not closed"),
        (fenced(f"{THEOREM} := sorry"), "0 times ':= by', not once"),
        (fenced(f"{THEOREM} := by sorry\n{THEOREM} := by sorry"), "2 times ':= by', not once"),
        (fenced(f"{THEOREM} := by sorry -- sorry"), "2 times 'sorry'"),
        (fenced(f"{THEOREM} := by exact h"), "ends neither with 'sorry' nor with ':= by'"),
        (fenced(f"{THEOREM} := by sorry, done"), "ends neither with 'sorry' nor with ':= by'"),
    ],
)
def test_answers_without_a_conjecture_give_a_reason(text, reason):
    assert extract_conjecture(text) == Extracted(reason=reason)


@given(st.lists(st.sampled_from(["```", "lean4", "theorem ", ":= by", "sorry", " ", "\n", "x"])))
def test_no_answer_raises(pieces):
    text = "".join(pieces)
    for found in (extract_proof(text), extract_conjecture(text)):
        assert (found.text is None) == bool(found.reason)


def read(*bodies):
    texts = [f"theorem c{i} {body}" for i, body in enumerate(bodies)]
    return [Extracted(text, parse_statement(text)) for text in texts]


def reasons(found):
    return [one.reason for one in found]


TARGETS = [parse_statement("theorem t (a b : Nat) (h : a = b) : b = a")]
TARGET, EARLIER = "is a target", "is an earlier conjecture of the round"


def test_conjectures_that_differ_in_names_alone_count_once():
    found = deduplicate(
        read(
            "(a b : Nat) (h : a = b) : b = a",
            "(x : Nat) (y : Nat) (k : x = y) : y = x",
            "(x y : Nat) (k : x = y) : x = y",
            "(a b : Nat) (h : a = b) : a = b",
            "(a b : Nat) (h : b = a) : b = a",
            "(a b : Int) (h : a = b) : b = a",
        ),
        TARGETS,
    )
    assert reasons(found) == [TARGET, TARGET, "", EARLIER, "", ""]
    assert [one.statement is None for one in found] == [True, True, False, True, False, False]


def test_equality_of_bodies_and_of_strings():
    some = read("(a b : Nat) (h : a = b) : b = a", "(a b:Nat) (h : a = b) : b = a", "(x y : Nat) "
                "(h : x = y) : y = x")  # fmt: skip
    assert reasons(deduplicate(some, TARGETS, "body")) == [TARGET, TARGET, ""]
    assert reasons(deduplicate(some, TARGETS, "string")) == ["", "", ""]
    same = Extracted(TARGETS[0].text, TARGETS[0].renamed("c"))
    twice = [some[0], some[0], same]
    assert reasons(deduplicate(twice, TARGETS, "string")) == ["", EARLIER, TARGET]


def test_failures_keep_their_reasons_and_places():
    failure = Extracted(reason="no lean4 fence")
    found = deduplicate([failure, *read(": True"), failure], TARGETS)
    assert reasons(found) == ["no lean4 fence", "", "no lean4 fence"]
