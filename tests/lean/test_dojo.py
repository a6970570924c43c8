"""LeanDojoServer: what it calls in lean-dojo, and its logic over a stand-in with a real Lean."""

import inspect
import sys

import pytest

from lit_research.errors import UserError
from lit_research.lean.dojo import LeanDojoServer
from lit_research.lean.guards import Guards
from lit_research.lean.records import Attempt
from tests.lean import dojo_double, repl_double


def test_lean_dojo_has_what_the_server_calls():
    dojo = pytest.importorskip("lean_dojo", reason="lean-dojo is not installed: extra [lean]")
    from lean_dojo.data_extraction.ast import FileNode, Node

    def takes(function, *names):
        found = list(inspect.signature(function).parameters)
        assert found[: len(names)] == list(names) or set(names) <= set(found), (function, found)

    takes(dojo.LeanGitRepo, "url", "commit")
    takes(dojo.trace, "repo", "build_deps")
    takes(dojo.Dojo, "entry", "timeout", "additional_imports", "build_deps")
    takes(dojo.Dojo.run_cmd, "self", "state", "command")
    takes(dojo.Dojo.run_tac, "self", "state", "tactic")
    takes(dojo.Theorem, "repo", "file_path", "full_name")
    takes(dojo.CommandState, "id", "message")
    takes(dojo.LeanError, "error")
    takes(dojo.Pos, "line_nb", "column_nb")
    takes(dojo.LeanFile.__getitem__, "self", "key")
    takes(dojo.TracedFile, "lean_file", "ast")
    takes(dojo.TracedTheorem, "theorem", "traced_file")
    takes(Node, "start", "end", "children")
    assert issubclass(FileNode, Node)
    for name in ("get_theorem_statement", "get_tactic_proof", "get_premise_full_names"):
        takes(getattr(dojo.TracedTheorem, name), "self")
    takes(dojo.TracedTheorem.locate_proof, "self")
    takes(dojo.TracedRepo.get_traced_theorems, "self")
    for owner, name in [
        (dojo.TracedTheorem, "repo"), (dojo.TracedTheorem, "file_path"),
        (dojo.TracedTheorem, "start"), (dojo.TracedTheorem, "end"), (dojo.Theorem, "uid"),
        (dojo.LeanFile, "start_pos"), (dojo.DojoCrashError, "is_out_of_memory"),
    ]:  # fmt: skip
        assert isinstance(getattr(owner, name), property)
    assert issubclass(dojo.DojoTacticTimeoutError, Exception)
    assert hasattr(dojo.Dojo, "__enter__")
    assert hasattr(dojo.Dojo, "__exit__")


@pytest.fixture
def stand_in(monkeypatch):
    module, log = dojo_double.module(repl_double.toolchain())
    monkeypatch.setitem(sys.modules, "lean_dojo", module)
    return log


@pytest.fixture
def server(stand_in):
    return LeanDojoServer("https://example.org/small", "abc")


def record(server, name):
    return next(r for r in server.traced_theorems() if r["theorem"].split()[1] == name)


def test_theorems_are_records_with_their_proofs_and_premises(server, stand_in):
    records = list(server.traced_theorems())
    assert [r["theorem"] for r in records] == [
        "theorem both (h : p ∧ q) : q ∧ p",
        "theorem twice (h : p ∧ q) : (p ∧ q) ∧ p",
        "theorem wrapped : p \u2228 ¬p",
        "theorem plain (n : Nat) : n = n",
        "theorem plain (n : Nat) : n = n",
    ]
    both = records[0]
    assert both["proofs"] == ["  exact ⟨h.2, h.1⟩"]
    assert both["premises"] == ["And", "And.right"]
    assert both["header"] == "import Init\nnamespace Small\nvariable (p q : Prop)\n\n"
    assert both["source"] == "https://example.org/small/blob/abc/Small.lean#L5"
    assert records[3]["proofs"] == []
    list(server.traced_theorems())
    assert stand_in.traced == 1


def test_the_repositorys_own_proofs_are_proofs_again(server):
    own = [r for r in server.traced_theorems() if r["proofs"] and "wrapped" not in r["theorem"]]
    verdicts = server.verify([Attempt(r["theorem"], r["proofs"][0], r["header"]) for r in own])
    assert len(own) == 2
    assert all(v.proved for v in verdicts), verdicts


def test_it_tells_a_proof_from_none(server, monkeypatch):
    server.check()
    assert server.counts.proved == 1
    monkeypatch.setattr(server, "guards", Guards(refuse=("exact",)))
    with pytest.raises(UserError, match="no theorem with a proof by tactics"):
        server.check()


def test_each_proof_is_tried_at_its_theorems_own_place(server, stand_in):
    both, twice = (record(server, name)["theorem"] for name in ("both", "twice"))
    plain = record(server, "plain")
    tries = [
        (Attempt(both, "exact And.symm h"), "proved"),
        (Attempt(twice, "exact ⟨h, (both p q h).2⟩"), "proved"),
        (Attempt(twice, "exact twice p q h"), "error"),  # itself is not there yet
        (Attempt(both, "constructor"), "unsolved goals"),
        (Attempt(both, "exact h"), "error"),
        (Attempt(both, "sorry"), "refused"),
        (Attempt(both, "exact ⟨h.2, h.1⟩\n#eval 1"), "refused"),
        (Attempt("theorem other (h : p ∧ q) : q ∧ p", "exact h.symm"), "statement"),
        (Attempt(both, "exact h.symm", "import Other"), "statement"),
        (Attempt(record(server, "wrapped")["theorem"], "exact Classical.em p"), "statement"),
        (Attempt(plain["theorem"], "rfl"), "statement"),
        (Attempt(plain["theorem"], "rfl", plain["header"]), "proved"),
    ]
    verdicts = server.verify([attempt for attempt, _ in tries])
    assert [v.kind for v in verdicts] == [kind for _, kind in tries], verdicts
    assert sorted(entry[2] for entry in stand_in.opened) == [5, 8, 17]
    assert stand_in.closed == 3
    assert "'in'" in verdicts[9].reason
    assert "header" in verdicts[10].reason


def test_half_a_character_costs_its_attempt_alone(server):
    both = record(server, "both")["theorem"]
    good = Attempt(both, "exact h.symm")
    bad = [
        Attempt(both, "exact h.symm", "-- \ud800"),
        Attempt(f"{both} -- \ud800", "exact h.symm"),
        Attempt(both, "exact h.symm -- \udfff"),
    ]
    kinds = [v.kind for v in server.verify([good, *bad, good])]
    assert kinds == ["proved", *["refused"] * 3, "proved"]


def test_axioms_are_asked_for(stand_in):
    server = LeanDojoServer("https://example.org/small", "abc", axioms=[])
    proof = "exact Classical.byContradiction fun n => n ⟨h.2, h.1⟩"
    verdict = server.verify([Attempt(record(server, "both")["theorem"], proof)])[0]
    assert verdict.reason.startswith("axioms: Classical.choice")


def test_a_lost_process_costs_one_verdict(server, stand_in):
    theorem = record(server, "both")["theorem"]
    proofs = ["exact h.symm", "have times_out := h; exact h.symm", "exact ⟨h.2, h.1⟩",
              "have crashes := h; exact h.symm", "exact h"]  # fmt: skip
    kinds = [v.kind for v in server.verify([Attempt(theorem, proof) for proof in proofs])]
    assert kinds == ["proved", "timeout", "proved", "crashed", "error"]
    assert len(stand_in.opened) == server.counts.starts == 3
    assert server.counts.lost == 2


def test_interaction_opens_the_theorem_itself(server, stand_in):
    server.interact(record(server, "both"))
    assert stand_in.opened[0].full_name == "both"
    with pytest.raises(UserError, match=r"not a theorem of https://example.org/small at abc"):
        server.interact(record(server, "both") | {"theorem": "theorem x : True"})


def test_what_stands_in_the_way_is_said(stand_in, monkeypatch):
    attempt = Attempt("theorem t : True", "trivial")
    with pytest.raises(UserError, match=r"at 'unknown' could not be traced: .*no such commit"):
        LeanDojoServer("https://example.org/small", "unknown").verify([attempt])
    monkeypatch.setitem(sys.modules, "lean_dojo", None)
    with pytest.raises(UserError, match=r"lean-dojo cannot be imported.*pip install"):
        list(LeanDojoServer("https://example.org/small", "abc").traced_theorems())
    with pytest.raises(UserError, match="timeout_s is 0, in LeanDojoServer"):
        LeanDojoServer("https://example.org/small", "abc", timeout_s=0)
