"""Tactic search against scripted servers, and against Lean."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from lit_research.lean import Attempt, LeanServer, ServerCounts, Verdict, parse_statement
from lit_research.lean.corpus.classics import CLASSICS
from lit_research.lean.corpus.families import GENERATORS, LEVELS, embedded_targets
from lit_research.lean.corpus.goals import goal_of
from lit_research.lean.corpus.tokenizer import WORDS
from lit_research.methods.self_play.formats import PlainFormat
from lit_research.methods.self_play.warm_start import tactics
from lit_research.methods.self_play.warm_start.search import TacticSearch, extended
from lit_research.methods.self_play.warm_start.tactics import candidates
from tests.lean.leans import real_lean


class Scripted(LeanServer):
    """Answers from a table: a script's text -> goals left; proved is an empty text."""

    def __init__(self, table: dict[str, str]) -> None:
        self.table, self.asked, self.calls, self.counts = table, [], 0, ServerCounts()

    @property
    def description(self) -> str:
        return "a table"

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        self.calls += 1
        self.asked += [attempt.proof for attempt in attempts]
        found = [self.table.get(attempt.proof) for attempt in attempts]
        return [
            Verdict(False, "error: no")
            if goals is None
            else Verdict(not goals, f"unsolved goals: {goals}" if goals else "")
            for goals in found
        ]


ANY = Attempt("theorem t (p q : Prop) : p", "")


def search(table, tactics, **options):
    server = Scripted(table)
    options = {"last": None, **options}
    return TacticSearch(server, lambda goal: tactics, **options).prove([ANY])[0], server


def test_a_prefix_that_leaves_goals_is_extended_and_an_error_ends_it():
    proofs, server = search({"a": "⊢ q", "a\nb": ""}, ["a", "b"])
    assert proofs == ["a\nb"]
    assert server.asked == ["a", "b", "a\na", "a\nb"]
    assert server.calls == 2


def test_scripts_that_leave_the_same_goals_are_one():
    _, server = search({"a": "⊢ q", "b": "⊢ q"}, ["a", "b"], depth=2)
    assert server.asked == ["a", "b", "a\na", "a\nb"]


def test_all_proofs_of_a_round_come_back_the_shortest_first():
    proofs, _ = search({"one two": "", "one": ""}, ["one two", "one"])
    assert proofs == ["one", "one two"]


def test_depth_width_and_checks_bound_the_work():
    table = {"a": "⊢ q", "b": "⊢ p ∧ q", "a\na": "⊢ r"}
    assert search(table, ["a", "b"], depth=1)[1].calls == 1
    assert search(table, ["a", "b"], depth=2, width=1)[1].asked == ["a", "b", "a\na", "a\nb"]
    assert len(search(table, ["a", "b"], checks=3)[1].asked) == 3


def test_the_last_round_is_for_what_has_no_proof():
    proofs, server = search({"strong": ""}, ["a"], last=lambda goal: ["strong"])
    assert proofs == ["strong"]
    assert search({"a": ""}, ["a"], last=lambda goal: ["strong"])[1].asked == ["a"]
    assert server.calls == 2


def test_rewrites_share_a_line():
    assert extended(("rw [h]",), "rw [← h1]") == ("rw [h, ← h1]",)
    assert extended(("rw [h] at h1",), "rw [h]") == ("rw [h] at h1", "rw [h]")
    assert extended(("simp",), "rw [h]") == ("simp", "rw [h]")


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("(p : Prop) (h : p) : p", "exact h"),
        ("(p q : Prop) : p → q → p", "intro h h1"),
        ("(p q : Prop) (h : p ∧ q) : q", "obtain ⟨h1, h2⟩ := h"),
        ("(p q : Prop) (h : p) (h1 : ¬p) : q", "contradiction"),
        ("(p q : Prop) (h : q) : p ∧ q", "constructor"),
        ("(a b : Nat) (h : a < b) : a ≤ b", "exact Nat.le_of_lt h"),
        ("(a b c : Nat) (h : a ≤ b) (h1 : b ≤ c) : a ≤ c", "exact Nat.le_trans h h1"),
        ("(a b c : Nat) (h : a = b) (h1 : b = c) : a = c", "exact Eq.trans h h1"),
    ],
)
def test_the_likeliest_tactic_comes_first(statement, first):
    assert candidates(goal_of(parse_statement(f"theorem t {statement}")))[0] == first


def test_the_words_of_the_tactics_are_in_the_vocabulary():
    folder = Path(tactics.__file__).parent
    text = "".join((folder / f"{name}tactics.py").read_text() for name in ("", "order_", "term_"))
    assert set(re.findall(r"(?:Nat|List|Eq)\.[a-z_.]+[a-z]", text)) <= {
        *WORDS,
        "Nat.add",
    }  # Nat.add_{op}_...


def test_easy_statements_of_every_kind_are_proved_in_lean():
    """Levels 1 and 2 of the classics and of each family; and words cover the proofs."""
    classics = [Attempt(f"theorem t {s}", "") for level in (1, 2) for s in CLASSICS[level]]
    warm = embedded_targets(0, 80, split="warm")
    with real_lean() as lean:
        found = TacticSearch(lean, checks=40).prove([*classics, *warm])
        of_classics, of_warm = found[: len(classics)], found[len(classics) :]
        again = [
            Attempt(theorem.statement, proof)
            for theorem, proofs in zip([*classics, *warm], found, strict=True)
            for proof in proofs
        ]
        assert all(verdict.proved for verdict in lean.verify(again))
    assert sum(map(bool, of_classics)) >= 0.85 * len(classics)
    for family in GENERATORS:
        got = [bool(p) for t, p in zip(warm, of_warm, strict=True) if t.tag == family]
        assert sum(got) >= 0.8 * len(got), family
    form = PlainFormat()
    words = {
        word
        for proofs in of_warm
        for proof in proofs
        for word in form.write_proof(parse_statement(warm[0].statement), proof).split()
    }
    assert words - {"<nl>", "<tab>"} <= set(WORDS)


def test_a_statement_of_each_family_and_level_is_proved_in_lean():
    targets = embedded_targets(0, 75, sorted(GENERATORS))
    with real_lean() as lean:
        found = TacticSearch(lean, checks=30).prove(targets)
    proved = {(t.tag, t.level) for t, proofs in zip(targets, found, strict=True) if proofs}
    assert proved >= {(family, level) for family in GENERATORS for level in LEVELS if level < 4}
    assert {family for family, level in proved if level > 3} == set(GENERATORS)
