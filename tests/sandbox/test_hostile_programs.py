"""What becomes of programs that attack: the status expected at each level, and nothing is left."""

import os
import time
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.sandbox import StdinCase, case_sandbox, process_tree
from tests.sandbox.hostile_programs import PROGRAMS, SECRET


@pytest.fixture
def nothing_is_left(monkeypatch, tmp_path):
    """Check that no process and no file of a sandbox is there afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sandbox.run_python("0", level="rlimits")  # the programs that start sandboxes stay
    before = set(process_tree.descendants(os.getpid()))
    yield
    until = time.monotonic() + 5
    while (left := set(process_tree.descendants(os.getpid())) - before) and (
        time.monotonic() < until
    ):
        time.sleep(0.02)
    assert not left
    assert [
        path for path in tmp_path.iterdir() if not path.name.startswith("lit-research-slots")
    ] == []
    assert not Path("/tmp/left").exists()
    assert not Path("/dev/shm/left").exists()


@pytest.mark.parametrize("name", PROGRAMS)
def test_hostile_programs(level, name, nothing_is_left, monkeypatch):
    monkeypatch.setattr(case_sandbox, "_GRACE_S", 0.5 if name == "stops the driver" else 15)
    program = PROGRAMS[name]
    first, *rest = sandbox.run_cases(
        program.code(), program.cases(), limits=program.all_limits(), level=level
    )
    expected = program.expected(level)
    if "timeout" in expected and first.outcome == "unknown":  # this machine has no core to spare
        expected.append("load")
    else:
        assert first.outcome == "failed", first
    assert first.reason in expected, first
    assert SECRET not in first.result.text
    assert [result.outcome for result in rest] == ["passed"] * len(rest), rest


def test_an_expected_text_of_an_earlier_case_is_nowhere(level):
    code = """
import gc, os
print([t for t in gc.get_objects() if isinstance(t, str) and "known-" in t], os.listdir("."))
print("known-" + "first")
"""
    first = StdinCase("", "[] []\nknown-first")
    results = sandbox.run_cases(code, [first, StdinCase("", "[] []\nknown-second")], level=level)
    assert [result.outcome for result in results] == ["passed", "failed"]


@pytest.mark.parametrize(
    "code",
    [
        "(" * 100_000,
        "x = " + "-" * 100_000 + "1",
        "a" + "+a" * 50_000,
        "\ud800",
    ],
)
def test_programs_that_are_hard_to_compile(level, code):
    [result] = sandbox.run_cases(code, [StdinCase("", SECRET)], level=level)
    assert result.outcome == "failed"
    assert result.reason in ("exception", "memory", "killed", "wrong output")
