"""What a command may use, and what happens when it wants more."""

import time

import pytest

from lit_research.sandbox import Limits


def test_wall_clock(shell):
    result = shell("echo first; sleep 15", limits=Limits(wall_s=0.5))
    assert result.status == "timeout"
    assert result.stdout == b"first\n"
    assert result.seconds < 3


@pytest.mark.parametrize(
    "script",
    [
        "while True: pass",
        # All processes count together, and a signal that is ignored ends it none the less.
        "import os, signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN); os.fork()\n"
        "while True: pass",
    ],
)
def test_processor_time(python, script):
    result = python(script, limits=Limits(wall_s=20, cpu_s=0.6))
    assert result.status == "cpu"
    assert result.seconds < 6


def test_the_kernel_limits_the_processor_time_of_a_process(python):
    script = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    assert python(script, limits=Limits(cpu_s=2.5)).text == "3\n"


def test_memory(python):
    script = "keep = []\nwhile True: keep.append(bytearray(b'x' * (4 << 20)))"
    result = python(script, limits=Limits(wall_s=20, memory_mib=100))
    assert result.status == "memory"
    assert result.exit_code == -9


def test_memory_of_all_processes_together(python):
    script = (
        "import os, time\nfor _ in range(4):\n  if os.fork() == 0: break\n"
        "keep = bytearray(b'x' * (40 << 20)); time.sleep(10)"
    )
    assert python(script, limits=Limits(wall_s=20, memory_mib=120)).status == "memory"


def test_address_space(python):
    limits = Limits(wall_s=20, address_space_mib=300)
    result = python("bytearray(400 << 20)", limits=limits)
    assert (result.status, "MemoryError" in result.error_text) == ("failed", True)


def test_mapped_files_are_no_memory(python, tmp_path):
    file = tmp_path / "big"
    file.write_bytes(b"x" * (60 << 20))
    script = (
        f"import mmap, time; f = open({str(file)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, prot=1)\n"
        "n = sum(m[i] == 120 for i in range(0, len(m), 4096)); time.sleep(0.2); print(n)"
    )
    result = python(script, readable=(tmp_path,), limits=Limits(wall_s=20, memory_mib=40))
    assert (result.status, result.text) == ("ok", f"{60 << 8}\n")


@pytest.mark.parametrize("apart", ["pass", "os.setsid()"])
def test_fork_bomb(python, apart, left_behind):
    script = (
        "import os, time\nend = time.monotonic() + 10\n"
        "while time.monotonic() < end:\n"
        f"  try:\n    if os.fork() == 0: {apart}\n"
        "  except OSError: time.sleep(0.01)"
    )
    limits = Limits(wall_s=1.5, processes=40)
    result = python(script + f"\n#{left_behind.mark}", limits=limits)
    assert result.status in ("killed", "timeout")
    assert result.seconds < 12
    assert left_behind() == []


def test_threads_count_as_processes(python):
    script = (
        "import threading, time\nfor _ in range(40):\n"
        "  threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\n"
        "time.sleep(1)"
    )
    result = python(script, limits=Limits(wall_s=10, processes=20))
    assert result.status in ("killed", "failed")


def test_output(shell):
    began = time.monotonic()
    result = shell("yes", limits=Limits(wall_s=20, output_kib=64))
    assert result.status == "output"
    assert len(result.stdout) == 64 * 1024
    assert time.monotonic() - began < 5


def test_output_and_errors_count_together(shell):
    script = "head -c 40000 /dev/zero; head -c 40000 /dev/zero >&2; sleep 1"
    result = shell(script, limits=Limits(wall_s=20, output_kib=64))
    assert result.status == "output"
    assert len(result.stdout) + len(result.stderr) == 64 * 1024


def test_size_of_a_file(shell):
    script = "exec head -c 1000000 /dev/zero > big"
    assert shell(script, limits=Limits(wall_s=20, file_kib=100)).status == "output"
    assert shell(script, limits=Limits(wall_s=20, file_kib=1000)).status == "ok"


@pytest.mark.parametrize(
    "script",
    [
        "f = open('big', 'wb')\nf.write(bytes(300000))",  # Python ignores the signal
        "import os\ntry: open('big', 'wb').write(bytes(300000))\n"
        "except OSError: os.remove('big'); raise",
        "import os\nos.makedirs('a/b')\ntry: open('a/b/big', 'wb').write(bytes(300000))\n"
        "except OSError: os._exit(1)",
    ],
)
def test_a_file_that_grew_too_large_is_named_in_the_reason(python, script):
    result = python(script, limits=Limits(wall_s=20, file_kib=100))
    assert result.status == "failed"
    assert "file_kib" in result.reason
    assert "100" in result.reason
    assert "file_kib" not in python("open('x', 'w').write('x'); 1 / 0").reason


def test_a_file_that_grew_too_large_in_a_writable_folder(python, tmp_path):
    (tmp_path / "before").write_bytes(bytes(100 * 1024))
    script = f"import os\ntry: open({str(tmp_path / 'big')!r}, 'wb').write(bytes(300000))\n"
    script += "except OSError: os._exit(1)"
    result = python(script, limits=Limits(wall_s=20, file_kib=100), writable=(tmp_path,))
    assert result.reason == "exit code 1; its file 'big' has reached file_kib=100"


def test_size_of_the_scratch_folder(shell, level):
    if level == "rlimits":
        pytest.skip("its scratch folder is an ordinary one")
    script = "for n in 1 2 3 4 5 6; do head -c 5000000 /dev/zero > $n && echo y; done"
    result = shell(script, limits=Limits(wall_s=20, memory_mib=16))
    assert result.text in ("", "y\n", "y\ny\n", "y\ny\ny\n")
    assert result.status == "memory" or "No space" in result.error_text
