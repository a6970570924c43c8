"""Python programs that are forked from a process with their modules, each in its own sandbox."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import Limits, Pool
from lit_research.sandbox.choice import why_not


@pytest.fixture(scope="module", params=sandbox.LEVELS)
def pool(request):
    if reason := why_not(request.param):
        pytest.skip(f"{request.param} does not work here: {reason}")
    given = {"KEY": "pool", "OTHER": "pool"}
    with Pool(["decimal"], level=request.param, limits=Limits(wall_s=30), env=given) as found:
        yield found


PROGRAM = """
import sys
print(__name__, sys.argv[1:], input(), "decimal" in sys.modules)
left = open("left-open", "w")
left.write("written at the end")
def act(x):
    raise KeyError(x)
if len(sys.argv) > 1:
    act(sys.argv[1])
"""


@pytest.mark.parametrize("form", ["-c", "-m", "script"])
def test_a_job_is_a_python_program(pool, tmp_path, form):
    (tmp_path / "prog.py").write_text(PROGRAM)
    tmp_path.chmod(0o755)
    start = {"-c": ["-c", PROGRAM], "-m": ["-m", "prog"], "script": [str(tmp_path / "prog.py")]}
    env = {"PYTHONPATH": str(tmp_path)}
    words = [*start[form], "a", "b"]
    result = pool.run(words, stdin="in\n", readable=[tmp_path], env=env)
    plain = subprocess.run(
        [sys.executable, *words], input=b"in\n", capture_output=True, env=env, cwd=tmp_path
    )
    assert result.text == "__main__ ['a', 'b'] in True\n"
    assert plain.stdout.replace(b"False", b"True") == result.stdout
    if form != "-m":  # there the frames of runpy are other ones
        assert result.error_text == plain.stderr.decode()
    assert (result.status, result.exit_code) == ("failed", 1)


@pytest.mark.parametrize(("end", "code"), [("sys.exit(7)", 7), ("sys.exit('no')", 1), ("0", 0)])
def test_exit_codes(pool, end, code):
    assert pool.run(["-c", f"import sys; {end}"]).exit_code == code


def test_a_file_left_open_is_written(pool, tmp_path):
    code = f"f = open({str(tmp_path / 'f')!r}, 'w'); f.write('all of it')"
    assert pool.run(["-c", code], writable=[tmp_path]).status == "ok"
    assert (tmp_path / "f").read_text() == "all of it"


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n  def __del__(self): print('gone')\na = A(); b = [a]; b.append(b); print('end')",
        "import atexit, gzip\natexit.register(print, 'last'); print('first'); f = open('x', 'w')",
        "import threading, time\ndef act(): time.sleep(0.2); print('thread')\n"
        "threading.Thread(target=act).start(); print('main')",
        "import threading as t, time\nt.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
        "print('main')",
        "import sys\nsys.excepthook = lambda *given: print('hook', given[0].__name__)\n1 / 0",
        "try: 1 / 0\nexcept ZeroDivisionError as e: raise ValueError('two') from e",
        "import ctypes; ctypes.CDLL(None).printf(b'from C')",
        "raise SystemExit('said')",
        "import sys; sys.stdout.write('no line end'); sys.exit(256 + 3)",
        "this is no Python",
    ],
)
def test_a_program_ends_as_python_ends_it(pool, tmp_path, code):
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path)
    warm = pool.run(["-c", code])
    assert (warm.exit_code, warm.stdout) == (plain.returncode, plain.stdout)
    assert warm.error_text == plain.stderr.decode()


def test_output_that_is_lost_is_a_failure(pool):
    result = pool.run(["-c", "import os; os.close(1); print('lost')"])
    assert (result.exit_code, "Bad file descriptor" in result.error_text) == (120, True)


def test_a_script_that_is_not_there(pool):
    result = pool.run(["nowhere.py"])
    assert (result.exit_code, "nowhere.py" in result.error_text) == (2, True)


def test_a_job_changes_nothing_for_the_next(pool):
    act = (
        "import builtins, decimal, os, sys, random\nprint(random.random())\n"
        "print(hasattr(decimal, 'mark'), hasattr(builtins, 'mark'), os.environ.get('MARK'),\n"
        "  [p for p in ('mark', '/tmp/mark-pool', '/dev/shm/mark-pool') if os.path.exists(p)])\n"
        "decimal.mark = builtins.mark = 1; os.environ['MARK'] = 'x'; sys.modules['x'] = sys\n"
        "decimal.Decimal = None; decimal.getcontext().prec = 1\n"
        "for p in ('mark', *(('/tmp/mark-pool', '/dev/shm/mark-pool') if %r else ())):\n"
        "  open(p, 'w').close()"
    ) % (pool.isolation != "rlimits")
    first, second = pool.run(["-c", act]), pool.run(["-c", act])
    assert (first.status, second.status) == ("ok", "ok"), second.error_text
    one, two = first.text.split("\n"), second.text.split("\n")
    assert one[1] == two[1] == "False False None []"
    assert one[0] != two[0]


def test_a_job_has_what_any_command_has_and_no_more(pool, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    keyctl = 250 if os.uname().machine == "x86_64" else 219
    code = (
        "import ctypes, os, signal\n"
        "rows = dict(r.split(':', 1) for r in open('/proc/self/status'))\n"
        "for k in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp'):\n"
        "  print(k, int(rows[k], 16))\n"
        "print(sorted(os.listdir('/proc/self/fd')), os.getsid(0) == os.getpid())\n"
        "print(sorted(os.environ), os.getcwd() == os.environ['HOME'])\n"
        "c = ctypes.CDLL(None, use_errno=True)\n"
        f"print(c.syscall({keyctl}, 0, 0), ctypes.get_errno())\n"
        "print(c.mount(b'none', b'/tmp', b'tmpfs', 0, b''), signal.pthread_sigmask(0, []))\n"
        "print([signal.getsignal(s) for s in (1, 13, 15, 17, 25)])\n"
    )
    warm = pool.run(["-c", code])
    places = sandbox.python_paths()
    given = {"KEY": "pool", "OTHER": "pool"}
    command = [sys.executable, "-c", code]
    fresh = sandbox.run(command, readable=places, level=pool.isolation, env=given)
    assert warm.text == fresh.text
    assert warm.status == "ok"
    assert "CapEff" in warm.text


def test_variables_of_a_job_go_before_those_of_the_pool(pool):
    code = "import os; print(os.environ['KEY'], os.environ['OTHER'])"
    assert pool.run(["-c", code], env={"KEY": "job"}).text == "job pool\n"


@pytest.mark.parametrize(
    ("code", "limits", "status"),
    [
        ("import time; time.sleep(20)", Limits(wall_s=0.5), "timeout"),
        ("while True: pass", Limits(wall_s=20, cpu_s=0.6), "cpu"),
        ("x = []\nwhile 1: x.append(b'x' * (4 << 20))", Limits(memory_mib=100), "memory"),
        ("print('x' * 100000)", Limits(output_kib=64), "output"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Limits(), "killed"),
        ("import os; os.abort()", Limits(), "killed"),
    ],
)
def test_limits_and_ends(pool, code, limits, status):
    assert pool.run(["-c", code], limits=limits).status == status
    assert pool.run(["-c", "print(1)"]).text == "1\n"


def test_jobs_at_once(pool):
    with ThreadPoolExecutor(6) as threads:
        texts = list(threads.map(lambda n: pool.run(["-c", f"print({n})"]).text, range(12)))
    assert texts == [f"{n}\n" for n in range(12)]


def test_a_job_may_start_processes(pool):
    code = (
        "import multiprocessing, subprocess, sys\n"
        "def square(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "  with multiprocessing.get_context('fork').Pool(2) as p: print(p.map(square, [1, 2, 3]))\n"
        "  print(subprocess.run([sys.executable, '-c', 'print(4)'], capture_output=True).stdout)\n"
    )
    result = pool.run(["-c", code])
    assert result.text == "[1, 4, 9]\nb'4\\n'\n", result.error_text


def test_a_killed_pool_process_is_replaced(pool):
    with pool.start(["-c", "input()"]) as process:
        parent = int(Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(parent, signal.SIGKILL)
        assert process.wait().status == "killed"
    assert pool.run(["-c", "import sys; print('decimal' in sys.modules)"]).text == "True\n"


def test_a_closed_pool_starts_nothing_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Pool(["decimal"], level="rlimits") as found:
        assert found.run(["-c", "print(1)"]).text == "1\n"
    with pytest.raises(UserError, match="closed"):
        found.run(["-c", "print(1)"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("preload", "message"),
    [
        ([], "not a list of modules"),
        ("torch", "not a list of modules"),
        (["no_such_module"], "importing 'no_such_module' failed: ModuleNotFoundError"),
        (["idlelib.idle"], "cannot be used"),
    ],
)
def test_modules_that_cannot_be_preloaded(preload, message):
    with pytest.raises(UserError, match=message) as error:
        Pool(preload, level="rlimits")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()",
            "threads",
        ),
        ("import mmap\nm = mmap.mmap(-1, 4096)", "memory that is shared"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_what_jobs_could_share_is_refused(tmp_path, module, message):
    (tmp_path / "mine.py").write_text(module)
    code = (
        "import os; from lit_research.sandbox import preloaded; "
        "print(preloaded.preload(['mine'])); os._exit(0)"
    )
    command = [sys.executable, "-uc", code]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    assert message in subprocess.run(command, env=env, capture_output=True, text=True).stdout


def test_variables_that_come_too_late_are_refused(pool):
    with pytest.raises(UserError, match="env holds PYTHONHASHSEED"):
        pool.run(["-c", "0"], env={"PYTHONHASHSEED": "0"})


@pytest.mark.parametrize("arguments", [["-W", "x.py"], ["-c"], ["-m"], [], "x.py"])
def test_arguments_that_are_none(pool, arguments):
    with pytest.raises(UserError, match=r"arguments=|no command"):
        pool.run(arguments)
