"""Slots: how many programs run at once, in all processes together."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import Limits, StdinCase, case_sandbox, slots


@pytest.fixture(autouse=True)
def own_slots(monkeypatch, tmp_path):
    """Use slots that no other process has."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def waiting(context):
    """Enter and leave a context in a thread; return the thread and what tells that it entered."""
    entered = threading.Event()

    def act():
        with context():
            entered.set()

    thread = threading.Thread(target=act)
    thread.start()
    return thread, entered


def test_there_is_one_for_each_core():
    with ExitStack() as stack:
        for _ in range(slots.count()):
            stack.enter_context(slots.slot())
        thread, entered = waiting(slots.slot)
        assert not entered.wait(0.1)
    assert entered.wait(20)
    thread.join()


def test_alone_is_after_the_others_and_before_the_next():
    with slots.slot():
        first, is_alone = waiting(slots.alone)
        assert not is_alone.wait(0.1)
    assert is_alone.wait(20)
    first.join()
    with slots.alone():
        second, entered = waiting(slots.slot)
        assert not entered.wait(0.1)
    assert entered.wait(20)
    second.join()


def test_slots_of_a_killed_process_are_free():
    code = (
        "import time\nfrom lit_research.sandbox import slots\n"
        "with slots.alone(): print('all', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"all\n"
        thread, entered = waiting(slots.slot)
        assert not entered.wait(0.1)
        process.kill()
    assert entered.wait(20)
    thread.join()


def test_a_forked_child_does_not_hold_the_slots_of_its_parent():
    with slots.alone():
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        child.start()
    try:
        with slots.alone():
            pass
    finally:
        child.kill()
        child.join()


def test_a_folder_that_is_not_one_s_own_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"lit-research-slots-{os.getuid()}").symlink_to("elsewhere")
    with pytest.raises(UserError, match="not this user's own"):
        slots.folder()


SLOW = "import time; time.sleep(max(0, {until} - time.time())); print(1)"


def test_a_case_that_had_to_wait_for_a_core_is_repeated_alone(monkeypatch):
    monkeypatch.setattr(case_sandbox, "_STARVED", -1.0)
    limits = Limits(wall_s=1.5)
    code = SLOW.format(until=time.time() + 2.5)
    [result] = sandbox.run_cases(code, [StdinCase("", "1")], limits=limits)
    assert result.outcome == "passed", result


def test_a_case_that_had_to_wait_alone_too_tells_nothing(monkeypatch):
    monkeypatch.setattr(case_sandbox, "_STARVED", -1.0)
    code = SLOW.format(until=time.time() + 60)
    [result] = sandbox.run_cases(code, [StdinCase("", "1")], limits=Limits(wall_s=0.3))
    assert (result.outcome, result.reason) == ("unknown", "load")
    result = sandbox.run_python(code, limits=Limits(wall_s=0.3))
    assert (result.status, "wait for a core" in result.reason) == ("timeout", True)


def test_a_case_that_computes_is_not_starved(monkeypatch):
    monkeypatch.setattr(case_sandbox, "_STARVED", -1.0)
    monkeypatch.setattr(case_sandbox, "_BUSY", 0.0)
    [result] = sandbox.run_cases(
        "while True: pass", [StdinCase("", "1")], limits=Limits(wall_s=0.3)
    )
    assert (result.outcome, result.reason) == ("failed", "timeout")
