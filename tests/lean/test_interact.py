"""The unmodified lean-interact client over a REPL whose verdicts come from the real Lean kernel."""

import gc
import os
import signal
import threading
import time
from collections import Counter

import psutil
import pytest

from lit_research.errors import UserError
from lit_research.lean.audit import Message, batch_of, judge
from lit_research.lean.guards import Guards
from lit_research.lean.interact import LeanInteractServer
from lit_research.lean.records import Attempt
from tests.lean import attacks, genuine, repl_double

# From Python 3.12 on, Python warns of what the client does: fork in a process with threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

SWAP = "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p"
RIGHT = Attempt(SWAP, "exact ⟨h.2, h.1⟩")
WRONG = Attempt(SWAP, "exact h")
ID = "theorem id (p : Prop) : p → p"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    pytest.importorskip("lean_interact", reason="lean-interact is not installed: extra [lean]")
    found = repl_double.install(tmp_path_factory.mktemp("lean"), repl_double.toolchain())
    # The client collects garbage whenever a process ends: slow among the objects of torch.
    gc.freeze()
    yield found
    gc.unfreeze()


@pytest.fixture
def start(installed, monkeypatch):
    """Make servers that are closed at the end; the log of requests starts empty."""
    monkeypatch.setenv("PATH", str(installed.bin), prepend=os.pathsep)
    installed.log.write_text("")
    made = []

    def make(**settings):
        settings = {"repl_path": str(installed.repl), "timeout_s": 30.0} | settings
        made.append(LeanInteractServer(**settings))
        return made[-1]

    yield make
    for server in made:
        server.close()


def attempts_in(log):
    """Return the requests on top of a header, the server's own first one left out."""
    return [r for r in log if "env" in r and "lit_research_probe" not in r["cmd"]]


VERDICTS = [
    (RIGHT, "proved"),
    (WRONG, "error"),
    (Attempt(SWAP, "constructor"), "unsolved goals"),
    (Attempt(SWAP, "  cases h with\n  | intro a b =>\n    exact ⟨b, a⟩"), "proved"),
    (Attempt("theorem t (p : Prop) : p \u2228 ¬p", "exact Classical.em p"), "proved"),
    (Attempt("theorem t (a b : Nat) : a = b", "rfl"), "error"),
    (Attempt("theorem t : NoSuchThing", "trivial"), "statement"),
    (Attempt(SWAP, "sorry"), "refused"),
    (Attempt(SWAP, "set_option debug.skipKernelTC true in\n  exact h"), "refused"),
    (Attempt(SWAP, "exact ⟨h.2, h.1⟩\naxiom cheat : False"), "refused"),
    (Attempt(SWAP, "exact ⟨h.2, h.1⟩\n/-"), "refused"),
    (Attempt("theorem t : 1 = 2", "native_decide"), "refused"),
    (Attempt("theorem t : True := trivial theorem u : False", "trivial"), "refused"),
    (Attempt(SWAP, "intro"), "error"),
    (Attempt(SWAP, "exact"), "error"),
]


def test_every_attempt_gets_the_verdict_of_the_kernel_in_its_place(start):
    with start() as server:
        verdicts = server.verify([attempt for attempt, _ in VERDICTS])
    assert [v.kind for v in verdicts] == [kind for _, kind in VERDICTS], verdicts
    assert all(v.proved == (v.reason == "") for v in verdicts)
    assert server.counts.run == sum(kind != "refused" for _, kind in VERDICTS)
    assert server.counts.lost == 0


def test_no_attack_is_proved_and_genuine_proofs_are(start):
    tricks = [attempt for attack in attacks.every().values() for attempt in attack]
    honest = genuine.every()[::25]
    with start() as server:
        verdicts = server.verify([*tricks, *honest])
    assert [a for a, v in zip(tricks, verdicts, strict=False) if v.proved] == []
    assert [v for v in verdicts[len(tricks) :] if not v.proved] == []


class Open(Guards):
    """Refuses nothing."""

    def refusal(self, attempt):
        return None


@pytest.mark.parametrize("guards", [None, Open()], ids=["guard", "no guard"])
def test_half_a_character_costs_its_attempt_alone(start, guards):
    bad = [
        Attempt(SWAP, RIGHT.proof, "open Nat -- \ud800"),
        Attempt(f"{SWAP} -- \ud800", RIGHT.proof),
        Attempt(SWAP, f"{RIGHT.proof} -- \udfff"),
        Attempt("no theorem", "rfl"),
    ]
    kinds = [v.kind for v in start(guards=guards).verify([RIGHT, *bad, WRONG])]
    assert kinds == ["proved", *["refused"] * 4, "error"]


def test_a_cache_that_cannot_be_written_is_said_in_a_line(start, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", "/proc/nowhere"):
        monkeypatch.setenv("LIT_RESEARCH_CACHE", str(place))
        with pytest.raises(
            UserError, match=r"cannot write: .*lean-interact.*give a folder"
        ) as error:
            start().verify([RIGHT])
        assert "\n" not in str(error.value)


def test_holes_are_seen_by_more_than_the_guard(start):
    holes = Guards(allow=("sorry",))
    assert start(guards=holes).verify([Attempt(SWAP, "sorry")])[0].kind == "sorry"


def test_it_tells_true_from_false(start):
    start().check()


def test_axioms_that_are_not_allowed_are_named(start):
    attempt = Attempt("theorem t (p : Prop) : p \u2228 ¬p", "exact Classical.em p")
    verdict = start(axioms=["propext", "Quot.sound"]).verify([attempt])[0]
    assert verdict.reason == "axioms: Classical.choice"


def test_order_is_kept_and_equal_attempts_are_run_once(start, installed):
    asked = [WRONG, RIGHT, WRONG, Attempt(ID, "exact fun h => h"), RIGHT, WRONG]
    with start() as server:
        verdicts = server.verify(asked)
        assert [v.proved for v in verdicts] == [False, True, False, True, True, False]
        assert verdicts[0] == verdicts[2] == verdicts[5]
    assert len(attempts_in(installed.requests())) == 3
    assert (server.counts.attempts, server.counts.run, server.counts.proved) == (6, 3, 3)
    assert server.verify([]) == []


def test_a_header_is_sent_once_to_a_process_and_kept(start, installed):
    header = "open Nat"
    with start(workers=2) as server:
        for number in range(4):
            found = server.verify(
                [Attempt(f"theorem t{number}{i} (h : {i} = 1) : {i} = 1", "exact h", header)
                 for i in range(2)]
            )  # fmt: skip
            assert all(v.proved for v in found), found
    processes = Counter(r["pid"] for r in installed.requests() if r["cmd"] == header)
    assert set(processes.values()) == {1}
    assert server.counts.starts == 1 + len(processes) <= 3  # the first one has no header
    assert len(attempts_in(installed.requests())) == 8


def test_what_a_header_declares_and_opens_is_known(start):
    statement = "theorem t (α : Type u) (β : Type v) (a : α) (p : Prop) : p ∨ ¬ p"
    attempt = Attempt(statement, "exact em p", "universe u\nopen Classical")
    assert start().verify([attempt])[0].proved


def test_another_header_takes_the_place_of_the_one_unused_for_longest(start, installed):
    def ask(header):
        assert server.verify([Attempt(ID, "exact fun h => h", header)])[0].proved

    with start(workers=2) as server:
        for header in ("open Nat", "open Or", "open Nat", "open And", "open Nat", "open Or"):
            ask(header)
    sent = [r["cmd"] for r in installed.requests() if r["cmd"].startswith("open")]
    assert sent == ["open Nat", "open Or", "open And", "open Or"]


def test_a_header_that_does_not_elaborate_is_said_of_its_attempts_alone(start, installed):
    bad = Attempt(ID, "exact fun h => h", "open NoSuchNamespace")
    with start(workers=1) as server:
        verdicts = server.verify([bad, RIGHT, Attempt(ID, "intro h; exact h", bad.header)])
    assert [v.kind for v in verdicts] == ["statement", "proved", "statement"]
    assert "NoSuchNamespace" in verdicts[0].reason


def test_a_timeout_kills_the_process_and_costs_no_other_attempt(start):
    slow = Attempt(ID, f"intro {repl_double.SLEEPS}; exact {repl_double.SLEEPS}")
    with start(workers=1, timeout_s=3.0) as server:
        began = time.monotonic()
        verdicts = server.verify([slow, RIGHT, WRONG])
        assert time.monotonic() - began < 15
    assert [v.kind for v in verdicts] == ["timeout", "proved", "error"]
    assert 3 <= verdicts[0].seconds < 6
    assert (server.counts.starts, server.counts.lost) == (2, 1)


def test_a_process_that_dies_in_mid_batch_costs_one_verdict(start):
    dies = Attempt(ID, f"intro {repl_double.DIES}; exact {repl_double.DIES}")
    with start(workers=1) as server:
        verdicts = server.verify([RIGHT, dies, WRONG])
    assert [v.kind for v in verdicts] == ["proved", "crashed", "error"]
    assert server.counts.lost == 1


def test_a_process_killed_from_outside_costs_at_most_the_attempt_in_it(start, installed):
    slow = Attempt(ID, f"intro {repl_double.SLEEPS}; exact {repl_double.SLEEPS}")

    def kill_it():
        while not any(repl_double.SLEEPS in r["cmd"] for r in installed.requests()):
            time.sleep(0.02)
        os.kill(installed.requests()[-1]["pid"], signal.SIGKILL)

    with start(workers=1) as server:
        assert server.verify([RIGHT])[0].proved
        waiting = psutil.Process(installed.requests()[-1]["pid"])
        waiting.kill()
        while waiting.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert server.verify([RIGHT])[0].proved
        (thread := threading.Thread(target=kill_it)).start()
        kinds = [v.kind for v in server.verify([slow, WRONG, RIGHT])]
        thread.join()
    assert kinds == ["crashed", "error", "proved"]


def test_a_process_that_takes_too_much_memory_is_killed(start):
    grows = Attempt(ID, f"intro {repl_double.GROWS}; exact {repl_double.GROWS}")
    with start(workers=1, memory_mib=180) as server:
        verdicts = server.verify([grows, RIGHT])
    assert [v.kind for v in verdicts] == ["memory", "proved"]


def test_an_answer_that_is_not_one_is_the_servers_fault_and_is_not_trusted_further(start):
    babbles = Attempt(ID, f"intro {repl_double.BABBLES}; exact {repl_double.BABBLES}")
    with start(workers=1) as server:
        assert [v.kind for v in server.verify([babbles, RIGHT])] == ["server", "proved"]


def test_processes_are_replaced_after_so_many_attempts(start, installed):
    attempts = [Attempt(f"theorem t{i} : {i} = {i}", "rfl") for i in range(5)]
    with start(workers=1, recycle_after=2) as server:
        assert all(v.proved for v in server.verify(attempts))
    assert (server.counts.starts, server.counts.lost) == (3, 0)
    used = Counter(r["pid"] for r in installed.requests() if "env" in r)
    assert sorted(used.values()) == [2, 2, 2]  # the first one's first is the server's own


def test_several_threads_may_ask_at_once(start):
    found = {}
    with start(workers=2) as server:

        def ask(number):
            attempts = [Attempt(f"theorem t : {number} = {i}", "rfl") for i in range(3)]
            found[number] = [v.proved for v in server.verify(attempts)]

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {n: [n == i for i in range(3)] for n in range(3)}


def test_a_project_is_built_and_says_its_lean(start, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "lean-toolchain").write_text("leanprover/lean4:v4.35.0\n")
    with start(project=str(project)) as server:
        assert [v.proved for v in server.verify([RIGHT, WRONG])] == [True, False]
        assert server.description.startswith(f"Lean v4.35.0 with the project {project}")
    (project / "lean-toolchain").unlink()
    with pytest.raises(UserError, match=r"has no file lean-toolchain"):
        start(project=str(project)).verify([RIGHT])


def test_a_closed_server_starts_again(start):
    server = start(workers=1)
    assert server.verify([RIGHT])[0].proved
    server.close()
    assert server.verify([RIGHT])[0].proved


def refuses(what, **settings):
    with pytest.raises(UserError, match=what):
        LeanInteractServer(**settings).verify([RIGHT])


def test_what_is_missing_is_said_in_words(installed, monkeypatch, tmp_path):
    repl = str(installed.repl)
    monkeypatch.setenv("PATH", str(tmp_path))
    refuses(r"no program `lake` on PATH.*elan.*EmbeddedLean", repl_path=repl)
    monkeypatch.setenv("PATH", str(installed.bin))
    refuses(r"no program `git` on PATH.*repl_path")
    refuses(r"repl_path is '/none', .*a checkout of the REPL", repl_path="/none")
    refuses(r"the Lean REPL does not prove p → p.*lake env", repl_path=str(tmp_path))


def test_settings_without_sense_are_refused():
    refuses("workers is 0, in LeanInteractServer", workers=0)
    refuses("give one", project="a", lean_version="v4.24.0")


def test_a_verdict_needs_the_answer_to_the_question_about_axioms():
    batch = batch_of(RIGHT, ["propext"])
    last, name = batch.source.count("\n"), batch.source.split()[-1]
    stated = [x.split()[1] for x in batch.source.splitlines() if x.startswith("def ")][-1]
    line = 1 + batch.source.splitlines().index(f"#print axioms {stated}")
    fine = [
        Message("info", f"'{stated}' does not depend on any axioms", line),
        Message("info", f"'{name}' depends on axioms: [propext]", last),
    ]

    def kind(messages, holes=0, shift=0):
        # A batch is read once: take another, with the names of the first.
        again = batch_of(RIGHT, ["propext"])
        old, new = (
            source.split()[-1].rpartition("_")[0] for source in (batch.source, again.source)
        )
        moved = [Message(m.severity, m.text.replace(old, new), m.line + shift) for m in messages]
        return judge(again, moved, holes, 0.0).kind

    assert kind(fine) == "proved"
    assert kind(fine, shift=-2) == kind(fine[::-1], shift=7) == "proved"
    assert kind(fine, holes=1) == "sorry"
    assert kind([*fine, Message("warning", "linter failed", last - 2)]) == "error"
    assert kind([*fine, Message("error", "no", last - 2)]) == "error"
    assert kind(fine[1:]) == kind(fine[:1]) == kind([]) == "server"
