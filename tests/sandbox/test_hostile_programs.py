"""What becomes of programs that attack: the status expected at each level, and nothing is left."""

import os
import time
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.sandbox import Pool, StdinCase, case_sandbox, process_tree, slots
from lit_research.sandbox.choice import why_not
from tests.sandbox.hostile_programs import PROGRAMS, SECRET


@pytest.fixture(scope="module", params=sandbox.LEVELS)
def pool(request, tmp_path_factory):
    """Starts the driver of each program in a fraction of the time."""
    if reason := why_not(request.param):
        pytest.skip(f"{request.param} does not work here: {reason}")
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        with Pool(["ast", "ctypes", "json"], level=request.param) as found:
            sandbox.run_python("0", pool=found)
            yield found


@pytest.fixture
def nothing_is_left(pool):
    """Check that no process and no file of a program is there afterwards."""
    before = set(process_tree.descendants(os.getpid()))
    yield
    until = time.monotonic() + 5
    while set(process_tree.descendants(os.getpid())) - before and time.monotonic() < until:
        time.sleep(0.02)
    assert set(process_tree.descendants(os.getpid())) <= before
    folder = Path(os.path.dirname(slots.folder()))
    assert [path.name for path in folder.iterdir() if "slots" not in path.name] == []
    assert not Path("/tmp/left").exists()
    assert not Path("/dev/shm/left").exists()


@pytest.mark.parametrize("name", PROGRAMS)
def test_hostile_programs(pool, name, nothing_is_left, monkeypatch):
    if name == "stops the driver":
        monkeypatch.setattr(case_sandbox, "_GRACE_S", 1.0)
    if name == "kills all that it can" and pool.isolation == "rlimits" and os.geteuid() != 0:
        pytest.skip("would kill all processes of this user")
    program = PROGRAMS[name]
    first, *rest = sandbox.run_cases(
        program.code(), program.cases(), limits=program.all_limits(), pool=pool
    )
    expected = program.expected(pool.isolation)
    if "timeout" in expected and first.outcome == "unknown":  # this machine has no core to spare
        expected.append("load")
    else:
        assert first.outcome == "failed", first
    assert first.reason in expected, first
    assert SECRET not in first.result.text
    assert [result.outcome for result in rest] == ["passed"] * len(rest), rest


def test_an_expected_text_of_an_earlier_case_is_nowhere(pool):
    code = """
import gc, os
known = "kno" + "wn-"
print([t for t in gc.get_objects() if isinstance(t, str) and known in t], os.listdir("."))
print(known + "first")
"""
    given = [StdinCase("", f"[] []\nknown-{name}") for name in ("first", "second")]
    results = sandbox.run_cases(code, given, pool=pool)
    assert [result.outcome for result in results] == ["passed", "failed"]


@pytest.mark.parametrize(
    "code", ["(" * 100_000, "x = " + "-" * 100_000 + "1", "a" + "+a" * 50_000, "\ud800"]
)
def test_programs_that_are_hard_to_compile(pool, code):
    [result] = sandbox.run_cases(code, [StdinCase("", SECRET)], pool=pool)
    assert result.outcome == "failed"
    assert result.reason in ("exception", "memory", "killed")
