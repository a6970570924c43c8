"""The archive: nothing is judged twice, nothing that was written is lost, replays write no rows."""

import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lit_research.errors import UserError
from lit_research.lean import Attempt, LeanServer, ServerCounts, Verdict, parse_statement
from lit_research.lm.engines import Completion
from lit_research.methods.self_play.archive import (
    Archive,
    AttemptRecord,
    ConjectureRecord,
    generation_key,
)
from lit_research.methods.self_play.guides import Grade, Guide


class Judge(LeanServer):
    """Accepts the proof ``good``; says that ``flaky`` crashed. Remembers what it was asked."""

    description = "a judge of words"

    def __init__(self):
        self.asked = []
        self.counts = ServerCounts()

    def verify(self, attempts):
        self.asked += [a.proof for a in attempts]
        reasons = {"good": "", "flaky": "crashed: signal 9"}
        return [
            Verdict(a.proof == "good", reasons.get(a.proof, "error: no"), 0.5) for a in attempts
        ]


def attempt(proof, name="t", header=""):
    return Attempt(f"theorem {name} (p : Prop) : p → p", proof, header)


def test_an_attempt_is_judged_once_whatever_its_theorem_is_called(tmp_path):
    judge, archive = Judge(), Archive(tmp_path / "a.sqlite")
    first = archive.verify(judge, [attempt("good"), attempt("bad"), attempt("good", name="other")])
    assert [v.proved for v in first] == [True, False, True]
    assert judge.asked == ["good", "bad"]
    archive.close()
    again = Archive(tmp_path / "a.sqlite")
    assert again.verify(judge, [attempt("bad"), attempt("good")]) == [first[1], first[0]]
    assert judge.asked == ["good", "bad"]
    again.verify(judge, [attempt("good", header="open Nat")])
    assert judge.asked == ["good", "bad", "good"]
    again.close()


@pytest.mark.parametrize(
    "statement",
    [
        "theorem t :\n  let f := g\n    h\n  p",
        'theorem t : "a b" = s',
        "theorem t : p -- q",
        "theorem N.t : p",
    ],
)
def test_statements_that_lean_reads_otherwise_are_asked_for_apart(statement):
    """Each has the same words as another, which Lean reads otherwise."""
    others = {
        "theorem t :\n  let f := g\n    h\n  p": "theorem t :\n  let f := g\n  h\n  p",
        'theorem t : "a b" = s': 'theorem t : "a  b" = s',
        "theorem t : p -- q": "theorem t : p --\n q",
        "theorem N.t : p": "theorem t : p",
    }
    judge, archive = Judge(), Archive(None)
    archive.verify(judge, [Attempt(statement, "good"), Attempt(others[statement], "good")])
    assert judge.asked == ["good", "good"]
    archive.close()


@pytest.mark.parametrize("part", ["header", "statement", "proof"])
def test_half_a_character_is_judged_and_kept_like_any_other(part):
    bad = replace(attempt("good"), **{part: getattr(attempt("good"), part) + " \ud800"})
    judge, archive = Judge(), Archive(None)
    assert [v.proved for v in archive.verify(judge, [bad, attempt("good")])][1]
    record = AttemptRecord(0, "x", 0, False, bad.header, bad.statement, bad.proof, False, "", 1)
    archive.add_attempts([record])
    kept = archive.attempts()[0]
    for name in ("header", "statement", "proof"):
        assert getattr(kept, name) == getattr(bad, name).replace("\ud800", "\\ud800")
    archive.close()


def test_a_place_that_cannot_be_used_is_said_in_a_line(tmp_path):
    (tmp_path / "file").write_text("no archive, but a file that is long enough to be one" * 20)
    for place in (tmp_path / "file", tmp_path / "file" / "a.sqlite", tmp_path, Path("/proc/x/a")):
        with pytest.raises(UserError, match="cannot be read or written") as error:
            Archive(place)
        assert str(place) in str(error.value)
        assert "\n" not in str(error.value)


def test_a_full_disk_is_said_in_a_line(tmp_path):
    archive = Archive(tmp_path / "a.sqlite")
    pages = archive._db.execute("PRAGMA page_count").fetchone()[0]
    archive._db.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own word for a full disk
    with pytest.raises(
        UserError, match=r"\(database or disk is full\), in the folder of the run; must be"
    ):
        archive.add_attempts([AttemptRecord(0, "x", 0, False, "", "", "p" * 50_000, False, "", 1)])
    archive.close()


def test_a_verdict_that_may_not_repeat_is_not_kept():
    judge, archive = Judge(), Archive(None)
    assert archive.verify(judge, [attempt("flaky")])[0].kind == "crashed"
    archive.verify(judge, [attempt("flaky")])
    assert judge.asked == ["flaky", "flaky"]
    archive.close()


class Drawing(Guide):
    """Grades by chance, as a language model does; now and then it says nothing."""

    def __init__(self):
        self.draw = random.Random(0)

    def score(self, pairs):
        return [self.draw.choice([None, Grade(self.draw.randint(0, 5), 0, 1)]) for _ in pairs]


def test_a_round_that_is_played_again_has_the_same_grades(tmp_path):
    target = parse_statement("theorem t (p : Prop) : p → p")
    lemmas = [parse_statement(f"theorem l (n : Nat) : n + {i} = {i} + n") for i in range(40)]
    pairs = [(lemma, target) for lemma in lemmas]
    archive = Archive(tmp_path / "a.sqlite")
    guide = Drawing()
    first = archive.grade(guide, pairs[:30], 7)
    archive.close()
    again = Archive(tmp_path / "a.sqlite")
    assert again.grade(guide, pairs, 7)[:30] == first
    assert None in first
    assert again.grade(guide, pairs, 8)[:30] != first
    again.close()


def test_many_attempts_and_many_threads():
    judge, archive = Judge(), Archive(None)
    proofs = ["good" if i % 3 == 0 else f"bad {i}" for i in range(1500)]
    found = [None] * 4

    def work(number):
        found[number] = [v.proved for v in archive.verify(judge, list(map(attempt, proofs)))]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(row == [p == "good" for p in proofs] for row in found)
    archive.close()


def test_generations_come_back_bit_for_bit_and_are_dropped_with_their_round(tmp_path):
    archive = Archive(tmp_path / "a.sqlite")
    groups = [
        [Completion("a ∧ b", (1, 2), (-0.1, -1 / 3), "stop", 4, 0)],
        [Completion.failure("too long", weight_version=4, prompt_index=1)],
    ]
    key = generation_key("weights", [[1, 2], [3]], 1, {"temperature": 1.0}, 7)
    assert archive.generation(key) is None
    archive.keep_generation(key, 4, groups)
    assert archive.generation(key) == groups
    assert generation_key("weights", [[1, 2], [3]], 1, {"temperature": 1.0}, 8) != key
    archive.drop_generations(before=5)
    assert archive.generation(key) is None
    archive.close()


def test_a_round_that_is_played_again_adds_nothing(tmp_path):
    archive = Archive(tmp_path / "a.sqlite")
    rows = [
        AttemptRecord(1, "t1", 0, False, "", "theorem t : True", "trivial", True, "", 3),
        AttemptRecord(1, "t1", 1, False, "", "theorem t : True", None, False, "unreadable: x", 9),
        AttemptRecord(2, "t1", 0, False, "", "theorem t : True", "trivial", True, "", 3),
    ]
    said = ConjectureRecord(1, "t1", 0, "text", "theorem c : True", "", 0.5, 3, 0, 1, 1.0)
    for _ in range(2):
        archive.add_attempts(rows)
        archive.add_conjectures([said])
    assert archive.attempts() == rows
    assert [tuple(vars(c).values()) for c in archive.conjectures()] == [tuple(vars(said).values())]
    assert archive.proved() == [Attempt("theorem t : True", "trivial")]
    archive.close()
