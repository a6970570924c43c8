"""Messages that are not what they seem give no verdict."""

from __future__ import annotations

import json

import pytest

from lit_research.lean.batch import Batch
from lit_research.lean.embedded import AXIOMS
from lit_research.lean.records import Verdict
from lit_research.lean.statements import Statement, parse_statement

SWAP = "theorem swap (p q : Prop) : p ∧ q → q ∧ p"
PROOF = "intro h\nexact ⟨h.2, h.1⟩"


def batch_of(*proofs: str) -> tuple[Batch, list[str]]:
    statement = parse_statement(SWAP)
    assert isinstance(statement, Statement)
    batch = Batch("", [(statement, proof) for proof in proofs], AXIOMS)
    return batch, batch.source.split("\n")


def message(line: int, text: str, severity: str = "information") -> str:
    return json.dumps({"pos": {"line": line, "column": 0}, "data": text, "severity": severity})


def answers(lines: list[str]) -> list[tuple[int, str]]:
    """Return each line that answers, with the name that it is about."""
    marked = ((n, x) for n, x in enumerate(lines, start=1) if x.startswith("#print axioms"))
    return [(n, x.split()[-1]) for n, x in marked]


def none(name: str) -> str:
    return f"'{name}' does not depend on any axioms"


def test_answers_in_place_are_verdicts():
    batch, lines = batch_of(PROOF, "intro h")
    for line, name in answers(lines)[:2]:
        assert batch.feed(message(line, none(name)), 0.5)
    assert batch.verdicts == [Verdict(True, "", 0.5), None]
    assert batch.in_hand == [1]


@pytest.mark.parametrize("text", ["", "'other' does not depend on any axioms", "proved"])
def test_an_answer_about_something_else_is_none(text):
    batch, lines = batch_of(PROOF)
    (first, name), (second, _) = answers(lines)
    batch.feed(message(first, none(name)))
    batch.feed(message(second, text))
    assert batch.verdicts[0].kind == "server"


def test_an_answer_from_another_line_is_none():
    batch, lines = batch_of(PROOF, PROOF)
    (first, name), (second, check), (third, _) = answers(lines)
    batch.feed(message(first, none(name)))
    for line in range(first + 1, second):
        batch.feed(message(line, none(check)))
    assert batch.verdicts == [None, None]
    assert batch.feed(message(third, none(check))) is False
    assert batch.is_broken
    assert batch.verdicts == [None, None]


def test_an_error_that_comes_late_takes_the_verdict_back():
    batch, lines = batch_of(PROOF, PROOF)
    (first, name), (second, check), _ = answers(lines)
    batch.feed(message(first, none(name)))
    batch.feed(message(second, none(check)))
    assert batch.verdicts[0].proved
    batch.feed(message(second - 2, "late", "error"))
    assert batch.verdicts[0] == Verdict(False, "error: late")


@pytest.mark.parametrize(
    "line", ["", "x", "[]", "{}", '{"pos": null}', '{"pos": {"line": "a"}}', "[" * 9999]
)
def test_what_is_no_message_is_left_out(line):
    batch, _ = batch_of(PROOF)
    assert batch.feed(line) is False
    assert batch.verdicts == [None]


def several() -> tuple[Batch, list[str]]:
    texts = (SWAP, "theorem t (n : Nat) : n = n", "theorem u : 1 + 1 = 2", SWAP)
    parsed = [parse_statement(text) for text in texts]
    batch = Batch("", [(statement, PROOF) for statement in parsed if statement], AXIOMS)
    return batch, batch.source.split("\n")


def test_an_error_of_a_statement_is_of_its_attempts_alone():
    batch, lines = several()
    (last, name), *_ = answers(lines)
    assert batch.is_vague
    assert batch.in_hand == [0, 3, 1, 2]
    line = next(n for n, x in enumerate(lines, start=1) if "∀ (n : Nat), n = n" in x)
    batch.feed(message(line, "unknown n", "error"))
    batch.feed(message(last, none(name)))
    assert batch.verdicts == [None, Verdict(False, "statement: unknown n"), None, None]
    assert not batch.is_vague
    assert batch.in_hand == [0]


def test_statements_without_an_answer_are_not_believed():
    batch, lines = several()
    (last, _), *_ = answers(lines)
    batch.feed(message(last, "excessive memory consumption", "error"))
    assert [verdict.kind for verdict in batch.verdicts] == ["memory"] * 4


def test_a_statement_is_what_the_theorem_is_of():
    _, lines = several()
    (asked,) = [x for x in lines if "n = n" in x]
    name = asked.split()[1]
    (proved,) = [x for x in lines if f" : {name} := " in x]
    assert proved.endswith(f" : {name} := @fun n => (by")


def test_names_are_new_in_each_file():
    assert batch_of(PROOF)[0].source != batch_of(PROOF)[0].source
