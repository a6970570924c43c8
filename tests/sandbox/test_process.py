"""What a caller of run and start gets back."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import Limits


def test_output_error_and_exit_code(shell, level):
    result = shell("cat; echo no >&2; exit 3", stdin="ünï\n")
    assert (result.status, result.exit_code) == ("failed", 3)
    assert (result.text, result.error_text) == ("ünï\n", "no\n")
    assert result.isolation == level
    assert 0 < result.seconds < 20


def test_success_has_no_reason(shell):
    result = shell("echo hello")
    assert (result.status, result.exit_code, result.reason) == ("ok", 0, "")
    assert result.stdout == b"hello\n"


def test_bytes_that_are_no_text_come_through(shell):
    data = bytes(range(256)) * 300  # more than a pipe holds
    assert shell("cat", stdin=data).stdout == data


def test_a_program_that_reads_nothing_is_not_waited_for(shell):
    assert shell("exit 0", stdin=b"x" * 2**20).status == "ok"


def test_death_by_signal(shell):
    result = shell("kill -SEGV $$")
    assert (result.status, result.exit_code) == ("killed", -11)
    assert "11" in result.reason


def test_a_command_may_remove_its_own_folder(shell):
    assert shell('rmdir "$PWD" || true').status == "ok"


def test_a_command_whose_launcher_is_killed_ends_all_the_same(start, left_behind):
    with start(["/bin/sh", "-c", f"echo up; sleep 60 # {left_behind.mark}"]) as process:
        assert process.readline(10) == b"up\n"
        os.kill(process.pid, signal.SIGKILL)
        result = process.wait()
    assert (result.status, result.reason) == ("killed", "its launcher was killed")
    until = time.monotonic() + 5
    while left_behind() and time.monotonic() < until:
        time.sleep(0.02)
    assert left_behind() == []


def test_a_killed_fork_server_is_replaced(start):
    # Not cat: wait closes stdin, at whose end cat may succeed before the kill reaches it.
    with start(["/bin/sleep", "60"]) as process:
        fork_server = int(
            Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
        )
        os.kill(fork_server, signal.SIGKILL)
        assert process.wait().status == "killed"
    assert sandbox.run(["/bin/true"], level=process.isolation).status == "ok"


def test_an_unknown_program_is_not_started(level):
    result = sandbox.run(["no-such-program-anywhere"], level=level)
    assert (result.status, result.exit_code) == ("not started", None)
    assert "no-such-program-anywhere" in result.reason


def test_a_file_that_is_no_program_is_not_started(level, tmp_path):
    file = tmp_path / "broken"
    file.write_text("#!/no/such/interpreter\n")
    file.chmod(0o755)
    tmp_path.chmod(0o755)
    result = sandbox.run([str(file)], level=level, readable=[tmp_path])
    assert result.status == "not started"
    assert "broken" in result.reason


def test_a_program_out_of_sight_is_not_started(level, tmp_path):
    if level == "rlimits":
        pytest.skip("hides no file")
    file = tmp_path / "hidden"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    result = sandbox.run([str(file)], level=level)
    assert result.status == "not started"
    assert "readable" in result.reason


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ([], {}, "is no command"),
        ("echo hi", {}, "is no command"),
        ([""], {}, "empty program"),
        (["echo", "a\0b"], {}, "zero byte"),
        (["echo"], {"readable": [Path("/no/such/place")]}, "does not exist"),
        (["echo"], {"writable": [Path("/")]}, "makes itself"),
        (["echo"], {"readable": [Path("/proc")]}, "makes itself"),
        (["echo"], {"readable": [Path("/usr")], "writable": [Path("/usr")]}, "both"),
        (["echo"], {"env": {"A": "a\0b"}}, "env holds 'A'"),
        (["echo"], {"env": {"A=B": "c"}}, "env holds 'A=B'"),
        (["echo"], {"env": {"A": "\ud800"}}, "surrogate"),
        (["echo"], {"level": "vault"}, "is not a level"),
        (["echo"], {"level": "rlimits", "require": "namespaces"}, "weaker"),
    ],
)
def test_mistakes_of_the_caller_are_errors(command, options, message):
    with pytest.raises(UserError, match=message):
        sandbox.run(command, **options)


@pytest.mark.parametrize("env", [{"A": "a\0b"}, {"A=B": "c"}, {"A": "\ud800"}, {"": "c"}])
def test_a_refused_environment_leaves_no_folder(monkeypatch, tmp_path, env):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(UserError, match="env holds") as error:
        sandbox.run(["/bin/true"], env=env, level="rlimits")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_are_positive_numbers(value):
    with pytest.raises(UserError, match="wall_s"):
        Limits(wall_s=value)


def test_lines_arrive_while_it_runs(start):
    with start(["/bin/sh", "-c", "while read x; do echo got $x; done; echo end"]) as process:
        process.write("one\n")
        assert process.readline(10) == b"got one\n"
        with pytest.raises(TimeoutError):
            process.readline(0.05)
        process.write("two\nthree\n")
        process.close_stdin()
        assert list(process.lines(10)) == [b"got two\n", b"got three\n", b"end\n"]
        assert process.readline(10) == b""
        assert process.wait().stdout == b""
        with pytest.raises(ValueError, match="closed"):
            process.write("four\n")


def test_wait_returns_what_was_not_read(start):
    with start(["/bin/sh", "-c", "echo a; echo b; printf c"]) as process:
        assert process.readline(10) == b"a\n"
        assert process.wait().stdout == b"b\nc"
        assert list(process.lines()) == [b"b\n", b"c"]


def test_kill_ends_it_at_once(start):
    with start(["/bin/sleep", "15"]) as process:
        assert process.running
        began = time.monotonic()
        process.kill()
        assert time.monotonic() - began < 2
        assert not process.running
        result = process.wait()
        assert (result.status, result.reason) == ("killed", "killed by the caller")


def test_kill_wakes_a_reader(start):
    with start(["/bin/sleep", "15"]) as process:
        timer = threading.Timer(0.2, process.kill)
        timer.start()
        assert process.readline() == b""
        timer.join()


def test_the_thread_that_started_it_may_end(start):
    found = []
    thread = threading.Thread(target=lambda: found.append(start(["/bin/cat"])))
    thread.start()
    thread.join()
    with found[0] as process:
        time.sleep(0.1)
        process.write("still here\n")
        assert process.readline(10) == b"still here\n"
        assert process.wait().status == "ok"


def test_eight_threads_at_once(shell):
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: shell(f"read x; echo $x {n}", stdin="in\n"), range(24)))
    assert [r.text for r in results] == [f"in {n}\n" for n in range(24)]


def test_peak_memory_is_seen(start):
    script = "x = b'1' * (100 << 20); input()"
    command = [sys.executable, "-I", "-S", "-c", script]
    with start(command, readable=sandbox.python_paths()) as process:
        until = time.monotonic() + 15
        while process.peak_mib < 100 and time.monotonic() < until:
            time.sleep(0.02)
        process.write("\n")
        result = process.wait()
    assert result.status == "ok"
    assert 100 <= result.peak_mib < 150


def test_no_descriptor_and_no_thread_stay(level):
    def count() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    sandbox.run(["/bin/true"], level=level)
    before = count()
    for _ in range(5):
        sandbox.run(["/bin/true"], level=level)
    time.sleep(0.05)
    assert count() <= before


def test_python_runs_with_its_paths(python):
    assert python("import json, sys; print(sys.version_info[0])").text == "3\n"
    assert sys.executable


def test_long_arguments(level):
    words = ["x" * 100_000] * 3
    assert sandbox.run(["/bin/echo", *words], level=level).text == " ".join(words) + "\n"
