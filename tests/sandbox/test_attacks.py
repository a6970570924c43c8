"""What was not contained once: each attack is run, and is held."""

import ctypes
import os
import socket
import subprocess
import sys
import uuid

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import Limits, choice, seccomp, syscalls

MACHINE = os.uname().machine
# Numbers on x86-64, then on AArch64.
REFUSED = {
    "add_key": (248, 217), "keyctl": (250, 219), "request_key": (249, 218),
    "unshare": (272, 97), "setns": (308, 268), "clone3": (435, 435), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "userfaultfd": (323, 282),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "bpf": (321, 280),
    "perf_event_open": (298, 241), "mount": (165, 40), "umount2": (166, 39),
    "move_mount": (429, 429), "fsopen": (430, 430), "mount_setattr": (442, 442),
    "pivot_root": (155, 41), "chroot": (161, 51), "kexec_load": (246, 104),
    "init_module": (175, 105), "finit_module": (313, 273), "open_by_handle_at": (304, 265),
    "swapon": (167, 224), "reboot": (169, 142), "personality": (135, 92), "acct": (163, 89),
    "seccomp": (317, 277), "settimeofday": (164, 170), "quotactl": (179, 60),
    "fanotify_init": (300, 262), "syslog": (103, 116), "kcmp": (312, 272),
}  # fmt: skip

_CALL = "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n"


@pytest.mark.parametrize("profile", ["python", "proof"])
def test_refused_calls_one_by_one(python, profile):
    column = ["x86_64", "aarch64"].index(MACHINE)
    numbers = {name: pair[column] for name, pair in REFUSED.items()}
    script = _CALL + (
        f"for name, n in {numbers!r}.items():\n"
        "  ctypes.set_errno(0); r = c.syscall(n, 0, 0, 0, 0, 0); print(name, r, ctypes.get_errno())"
    )
    result = python(script, profile=profile)
    assert result.text.split("\n")[:-1] == [f"{name} -1 38" for name in numbers]


def test_no_allowed_call_is_a_refused_one():
    for machine in ("x86_64", "aarch64"):
        column = ["x86_64", "aarch64"].index(machine)
        for profile in ("python", "proof"):
            allowed = set(syscalls.numbers(profile, machine).values())
            assert not allowed & {pair[column] for pair in REFUSED.values()}
            assert 0 < len(seccomp.program(profile, "namespaces", machine)) // 8 < 4096


def test_arguments_that_are_refused(python):
    clone = 56 if MACHINE == "x86_64" else 220
    script = _CALL + (
        "import os, socket\n"
        "def tell(call):\n  try: call(); print('done')\n  except OSError as e: print(e.errno)\n"
        "for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 1 << 28, 1 << 29, 1 << 30):\n"
        f"  print(c.syscall({clone}, flag | 17, 0, 0, 0, 0), ctypes.get_errno())\n"
        "tell(lambda: socket.socket(socket.AF_UNIX))\n"
        "tell(lambda: socket.socket(40, socket.SOCK_STREAM))\n"
        "tell(lambda: socket.socketpair(type=socket.SOCK_DGRAM))\n"
        "tell(lambda: socket.socketpair())\n"
        "import resource\n"
        "tell(lambda: resource.prlimit(1, resource.RLIMIT_CPU, (0, 0)))\n"
    )
    words = python(script).text.split("\n")
    assert words[:7] == ["-1 1"] * 7
    assert words[7] in ("97", "13")
    assert words[8] in ("97", "13")
    assert words[9:12] == ["97", "done", "1"]


def test_a_proof_starts_no_process_and_opens_no_socket(python):
    script = (
        "import os, socket, threading\n"
        "for call in (os.fork, socket.socket, socket.socketpair):\n"
        "  try: call(); print('done')\n  except OSError as e: print('refused')\n"
        "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
    )
    assert python(script, profile="proof").text == "refused\n" * 3 + "thread\n"


def test_the_parent_s_keyring_is_out_of_sight(shell):
    libc = ctypes.CDLL(None, use_errno=True)
    add, join = ((248, 250), (217, 219))[MACHINE == "aarch64"]
    name = f"key-{os.getpid()}".encode()
    if libc.syscall(join, 1, None) < 0 or libc.syscall(add, b"user", name, b"x", 1, -3) < 0:
        pytest.skip("this machine lets nobody keep keys")
    with open("/proc/keys") as keys:
        assert name.decode() in keys.read()
    assert name.decode() not in shell("cat /proc/keys").text


@pytest.mark.parametrize("code", [2, 126, 127, 137, 152, 153])
def test_an_exit_code_is_an_exit_code(shell, code):
    result = shell(f"echo 'bwrap: sandbox: cannot execute' >&2; exit {code}")
    assert (result.status, result.exit_code) == ("failed", code)


@pytest.mark.parametrize("name", ["XCPU", "KILL"])
def test_a_signal_to_itself_is_no_limit(shell, name):
    assert shell(f"kill -{name} $$").status == "killed"


def test_the_command_holds_three_descriptors(python):
    assert python("import os; print(os.listdir('/proc/self/fd'))").text.count("'") == 8


def test_a_unix_socket_in_a_readable_folder(python, tmp_path):
    tmp_path.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        os.chmod(tmp_path / "s", 0o777)
        server.listen()
        script = f"import socket; socket.socket(socket.AF_UNIX).connect({str(tmp_path / 's')!r})"
        assert python(script, readable=(tmp_path,)).status == "failed"


_SHORT = """
import os, signal, time
%s
end = time.monotonic() + 12
while time.monotonic() < end:
    if os.fork() == 0:
        until = time.process_time() + 0.008
        while time.process_time() < until: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
"""


@pytest.mark.parametrize("how", ["", "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"])
def test_processor_time_of_short_children(python, how):
    from lit_research.sandbox import kernel

    if how:
        if (clock := kernel.task_clock(0)) is None:
            pytest.skip("this machine counts no time of children that nobody awaits")
        os.close(clock)
    result = python(_SHORT % how, limits=Limits(wall_s=20, cpu_s=0.8))
    assert result.status == "cpu"


def test_memory_in_private_folders(shell, level):
    if level == "rlimits":
        pytest.skip("has no folders of its own")
    script = "for p in . /tmp /dev/shm; do head -c 40000000 /dev/zero > $p/x; done; sleep 5"
    result = shell(script, limits=Limits(wall_s=20, memory_mib=64))
    assert result.status == "memory"


def test_memory_that_is_shared_without_a_file(python):
    # Children fill it and end; the parent, which holds it, has touched no page.
    script = (
        "import mmap, os, time\nm = mmap.mmap(-1, 200 << 20)\n"
        "for i in range(20):\n"
        "  if os.fork() == 0:\n    m[i * (10 << 20):(i + 1) * (10 << 20)] = bytes(10 << 20)\n"
        "    os._exit(0)\n  os.wait()\ntime.sleep(5)"
    )
    assert python(script, limits=Limits(wall_s=20, memory_mib=100)).status == "memory"


def test_memory_of_page_tables(python):
    # Reading one byte of every 2 MiB gives each a table and no memory of its own.
    script = (
        "import mmap, time\n"
        "flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000\n"
        "m = mmap.mmap(-1, 120 << 30, flags, mmap.PROT_READ)\n"
        "if hasattr(m, 'madvise'): m.madvise(15)\n"
        "n = sum(m[i] for i in range(0, 120 << 30, 2 << 20)); time.sleep(5)"
    )
    assert python(script, limits=Limits(wall_s=20, memory_mib=100)).status == "memory"


def test_limits_hold_while_the_parent_is_busy(level):
    script = (
        "import sys\nfrom lit_research import sandbox\n"
        "from lit_research.sandbox import Limits\n"
        "job = 'keep = []\\nwhile True: keep.append(bytearray(b\"x\" * (4 << 20)))'\n"
        "p = sandbox.start([sys.executable, '-I', '-S', '-c', job], level=sys.argv[1],\n"
        "  limits=Limits(wall_s=20, memory_mib=200), readable=sandbox.python_paths())\n"
        "while not p.pid: pass\n"
        "sum(range(60_000_000)); r = p.wait(); print(r.status, r.peak_mib < 600)\n"
    )
    words = [sys.executable, "-c", script, level]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "memory True\n"


def test_buffers_of_pipes_are_not_counted_without_a_cgroup(python, monkeypatch):
    monkeypatch.setattr("lit_research.sandbox.delegated_cgroup.folder", lambda: None)
    script = (
        "import fcntl, os\nfor _ in range(40):\n  r, w = os.pipe(); os.set_blocking(w, False)\n"
        "  try: fcntl.fcntl(w, 1031, 1 << 20)\n  except OSError: pass\n"
        "  try:\n    while True: os.write(w, bytes(65536))\n  except BlockingIOError: pass\n"
    )
    assert python(script, limits=Limits(wall_s=20, memory_mib=24)).status == "ok"


def test_what_the_weakest_level_lets_through(shell, level, tmp_path):
    if level != "rlimits":
        pytest.skip("what is held at the other levels has tests of its own")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (tmp_path / "mine").write_text("mine")
    left = f"/tmp/left-{uuid.uuid4().hex}"
    result = shell(f"cat {tmp_path}/mine; echo x > {left}; ls -d /proc/{os.getpid()}")
    assert result.text == f"mine/proc/{os.getpid()}\n"
    os.remove(left)


def test_nothing_is_left_of_a_deep_folder(python):
    script = (
        "import os\nprint(os.getcwd(), flush=True)\n"
        "for _ in range(1500): os.mkdir('d' * 50); os.chdir('d' * 50)\nopen('f', 'w').close()"
    )
    result = python(script)
    assert result.status == "ok"
    assert not os.path.exists(result.text.strip())


def test_rlimits_must_be_asked_for_by_name(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(choice, "why_not", lambda level: "" if level == "rlimits" else "forbidden")
    with pytest.raises(UserError, match=r"namespaces: forbidden.*require='rlimits'"):
        sandbox.run(["/bin/true"])
    assert choice.choose(None, "rlimits") == "rlimits"
    assert choice.choose("rlimits", None) == "rlimits"


def test_a_sandbox_in_a_sandbox_says_why_it_is_refused(level):
    if level == "rlimits":
        pytest.skip("makes nothing that could be nested")
    script = "from lit_research import sandbox; sandbox.run(['/bin/true'])"
    root = os.path.dirname(os.path.dirname(sandbox.__path__[0]))
    result = sandbox.run(
        [sys.executable, "-c", script], level=level, env={"PYTHONPATH": root},
        readable=(*sandbox.python_paths(), root),
    )  # fmt: skip
    assert result.status == "failed"
    assert "require='rlimits'" in result.error_text
    assert "namespaces:" in result.error_text


def test_the_user_and_localhost_have_names(python):
    script = "import getpass, socket\nprint(getpass.getuser(), socket.gethostbyname('localhost'))"
    assert python(script).text == "sandbox 127.0.0.1\n"


def test_loopback_works(python, level):
    if level == "rlimits":
        pytest.skip("has no network at all")
    script = (
        "import socket\nwith socket.create_server(('127.0.0.1', 0)) as s:\n"
        "  a = socket.create_connection(s.getsockname(), 5); b, _ = s.accept()\n"
        "  a.sendall(b'hi'); print(b.recv(2))"
    )
    assert python(script).text == "b'hi'\n"


def test_who_the_user_is(python, level):
    if level == "rlimits":
        pytest.skip("sees the accounts of the machine")
    script = (
        "import os, pwd, socket\nprint(pwd.getpwuid(os.getuid()).pw_name, 0,\n"
        "  os.path.expanduser('~'), sorted(os.listdir('/etc')), socket.gethostbyname('localhost'))"
    )
    name, _, home, *names, address = python(script).text.split()
    assert (name, home, address) == ("sandbox", "/run/scratch", "127.0.0.1")
    assert "'shadow'" not in " ".join(names)


def test_inside_a_bubblewrap_of_others():
    if choice.why_not("bubblewrap"):
        pytest.skip("bubblewrap does not work here")
    script = (
        "from lit_research import sandbox\nfrom lit_research.errors import UserError\n"
        "try: print(sandbox.run(['/bin/true']).isolation)\nexcept UserError as e: print('E', e)"
    )
    words = ["bwrap", "--unshare-all", "--dev-bind", "/", "/", "--proc", "/proc"]
    words += ["--tmpfs", "/tmp", "--tmpfs", "/run"]
    shown = {p for p in (sys.prefix, *sys.path) if p.startswith("/tmp/") and os.path.exists(p)}
    for place in sorted(shown):
        words += ["--ro-bind", place, place]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([*words, sys.executable, "-c", script], capture_output=True, env=env)
    said = done.stdout.decode()
    assert said in ("bubblewrap\n", "namespaces\n") or "require='rlimits'" in said, done.stderr
    assert said.count("\n") == 1
