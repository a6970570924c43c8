"""What the kernel counts and holds in a cgroup, where one can be had."""

import os
import signal
import uuid
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import Limits, delegated_cgroup


@pytest.fixture
def cgroup(monkeypatch):
    """A folder of the cgroup tree that commands are counted below."""
    rows = [row.split(" - ") for row in Path("/proc/self/mountinfo").read_text().splitlines()]
    mounts = [left.split()[4] for left, right in rows if right.startswith("cgroup2 ")]
    own = [r for r in Path("/proc/self/cgroup").read_text().splitlines() if r.startswith("0::")]
    if not mounts or not own:
        pytest.skip("this machine has no cgroups of version 2")
    folder = Path(mounts[0]) / own[0].removeprefix("0::").lstrip("/") / f"test-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"this user has no cgroup to divide: {error}")
    monkeypatch.setenv(delegated_cgroup.VARIABLE, str(folder))
    try:
        try:
            delegated_cgroup.folder()
        except UserError as error:
            pytest.skip(str(error))
        yield folder
        assert not list(folder.glob("sandbox-*"))
    finally:
        folder.rmdir()


def test_memory_is_not_overshot(cgroup, python):
    result = python("bytearray(b'x') * (900 << 20)", limits=Limits(wall_s=60, memory_mib=64))
    assert (result.status, result.exit_code) == ("memory", -9)
    assert "64 MiB" in result.reason


def test_buffers_of_pipes_are_memory(cgroup, python):
    script = (
        "import fcntl, os\nfor _ in range(60):\n  r, w = os.pipe()\n"
        "  try: fcntl.fcntl(w, 1031, 1 << 20)\n  except OSError: pass\n"
        "  os.set_blocking(w, False)\n"
        "  try:\n    while True: os.write(w, bytes(65536))\n  except BlockingIOError: pass\n"
    )
    assert python(script, limits=Limits(wall_s=60, memory_mib=32)).status == "memory"
    assert python(script, limits=Limits(wall_s=60, memory_mib=200)).status == "ok"


def test_processes_are_counted_by_the_kernel(cgroup, python):
    script = (
        "import os, time\nn = 1\n"
        "try:\n  while n < 100:\n    if os.fork() == 0: time.sleep(2); os._exit(0)\n    n += 1\n"
        "except OSError: pass\nprint(n)"
    )
    assert int(python(script, limits=Limits(wall_s=60, processes=12)).text) <= 12


def test_processor_time_of_children_that_nobody_awaits(cgroup, python):
    script = (
        "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "while True:\n  if os.fork() == 0:\n    until = time.process_time() + 0.05\n"
        "    while time.process_time() < until: pass\n    os._exit(0)\n"
        "  try: os.wait()\n  except ChildProcessError: pass"
    )
    assert python(script, limits=Limits(wall_s=60, cpu_s=0.8)).status == "cpu"


def test_nothing_is_left_when_the_launcher_is_killed(cgroup, start):
    with start(["/bin/sh", "-c", "sleep 30 & echo up; sleep 30"]) as process:
        assert process.readline(10) == b"up\n"
        assert list(cgroup.glob("sandbox-*"))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait().status == "killed"
    assert not list(cgroup.glob("sandbox-*"))


def test_a_folder_that_is_no_cgroup_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(delegated_cgroup.VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match=r"LIT_RESEARCH_SANDBOX_CGROUP=.* cannot be used") as error:
        sandbox.run(["/bin/true"], level="rlimits")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
