"""What a command sees and reaches, and what it leaves behind."""

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import Limits, choice


def test_the_strongest_level_that_works_is_used():
    assert sandbox.isolation() == sandbox.working()[0]
    assert "rlimits" in sandbox.working()
    assert sandbox.run(["/bin/true"]).isolation == sandbox.isolation()


def test_a_level_that_does_not_work_is_refused(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    choice.why_not.cache_clear()
    try:
        with pytest.raises(UserError, match="install bubblewrap"):
            sandbox.run(["/bin/true"], require="bubblewrap")
    finally:
        choice.why_not.cache_clear()


def test_the_environment_can_demand_a_level(monkeypatch):
    monkeypatch.setenv(choice.REQUIRE, "bubblewrap")
    with pytest.raises(UserError, match="weaker than 'bubblewrap'"):
        sandbox.run(["/bin/true"], level="rlimits")


def test_environment_is_empty_but_for_a_few(shell, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    result = shell("env", env={"MINE": "yes"})
    names = {line.split("=")[0] for line in result.text.splitlines()}
    assert names <= {
        "PATH",
        "LANG",
        "HOME",
        "TMPDIR",
        "PWD",
        "USER",
        "LOGNAME",
        "MINE",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    assert "MINE=yes" in result.text


def test_the_parent_s_environment_is_out_of_reach(shell, level):
    if level == "rlimits" and os.geteuid() != 0:
        pytest.skip("the same user sees it")
    secret = {**os.environ, "SECRET_TOKEN": "s3cret"}
    with subprocess.Popen(["/bin/sleep", "20"], env=secret) as other:
        result = shell("cat /proc/[0-9]*/environ")
        other.kill()
    assert "s3cret" not in result.text


def test_scratch_folder_is_private_writable_and_removed(shell):
    result = shell("pwd; echo 1 > a; mkdir -p b/c; chmod 0 b; ls; echo $HOME $TMPDIR")
    place, *names, home = result.text.split("\n")[:-1]
    assert (result.status, names) == ("ok", ["a", "b"])
    assert home == f"{place} {place}"
    assert not Path(place).exists()


def test_removal_does_not_follow_links(shell, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o755)
    (kept / "file").touch()
    assert shell(f"ln -s {kept} link; mkdir a; ln -s {kept} a/link").status == "ok"
    assert (kept / "file").exists()
    assert kept.stat().st_mode & 0o777 == 0o755


def test_writes_go_where_they_may(shell, level, tmp_path):
    if level == "rlimits" and os.geteuid() != 0:
        pytest.skip("the same user may write")
    for name in ("seen", "open"):
        (tmp_path / name).mkdir()
    seen = tmp_path / "seen"
    script = f"echo x > {seen}/new; echo x > /etc/new; echo x > /usr/new; touch /new"
    result = shell(script, readable=[seen])
    assert result.status == "failed"
    assert list(seen.iterdir()) == []
    assert not any(Path(p).exists() for p in ("/etc/new", "/usr/new", "/new"))


def test_writable_folders_keep_what_is_written(shell, tmp_path):
    (tmp_path / "old").write_text("old\n")
    result = shell(f"cat {tmp_path}/old; echo new > {tmp_path}/new", writable=[tmp_path])
    assert (result.status, result.text) == ("ok", "old\n")
    assert (tmp_path / "new").read_text() == "new\n"


def test_a_writable_folder_within_a_readable_one(shell, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    script = f"echo 1 > {inner}/a; echo 1 > {tmp_path}/a"
    result = shell(script, readable=[tmp_path], writable=[inner])
    assert (inner / "a").exists()
    if result.isolation != "rlimits":
        assert not (tmp_path / "a").exists()


def test_reads_only_what_is_readable(shell, level, tmp_path):
    if level == "rlimits":
        pytest.skip("hides no file")
    for name in ("shown", "hidden"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "link").symlink_to(tmp_path / "hidden")
    readable = [tmp_path / "shown"]
    result = shell(f"cat {tmp_path}/*; cat {tmp_path}/hidden /etc/shadow", readable=readable)
    assert result.text == "shown\n"
    assert "root" not in shell("ls /root /home /work /etc/ssh /var").text


def test_a_file_for_the_user_alone_is_readable(shell, tmp_path):
    file = tmp_path / "mine"
    file.write_text("mine\n")
    file.chmod(0o600)
    assert shell(f"cat {file}", readable=[tmp_path]).text == "mine\n"


def test_access_says_what_is_so(python, tmp_path, level):
    # As access(2) does, for which the command of root has no right over modes.
    deep = tmp_path / "in" / "folders"  # below /tmp, which is the command's own
    deep.mkdir(parents=True)
    deep.chmod(0o755)
    places = [sys.executable, "/etc/passwd", ".", os.environ.get("TMPDIR", "/tmp"), str(deep)]
    script = (
        f"import os; print([os.access(p, os.R_OK) for p in {places!r}], os.access('.', os.W_OK))"
    )
    result = python(script, readable=[deep])
    assert result.text.split("]")[1] == " True\n"
    if level != "rlimits":
        assert result.text == "[True, True, True, True, True] True\n"


def test_a_compiler_works(shell):
    if shutil.which("cc") is None:
        pytest.skip("this machine has no compiler")
    source = '#include <stdio.h>\nint main(void) { puts("hi"); return 0; }'
    build = "cat > a.c; cc -o a.out a.c && ./a.out"
    assert shell(build, stdin=source).text == "hi\n"
    result = shell(build, stdin=source, limits=Limits(wall_s=20, file_kib=4))
    assert result.status != "ok"
    assert "file_kib" in result.reason


def test_a_readable_path_that_is_a_link(shell, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("found\n")
    (tmp_path / "link").symlink_to("real")
    link = tmp_path / "link"
    assert shell(f"cat {link}/file", readable=[link]).text == "found\n"


def test_no_network(python, level):
    if level == "rlimits":
        pytest.skip("shares the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        result = python(script)
    assert result.status == "failed"
    assert "Error" in result.error_text


def test_no_other_process_in_sight(shell, level):
    if level == "rlimits":
        pytest.skip("sees all processes")
    result = shell(f"ls -d /proc/[0-9]*; kill -0 {os.getpid()}")
    assert len(result.text.split()) < 6
    assert result.status == "failed"


def test_no_privileges(python):
    script = (
        "rows = dict(r.split(':', 1) for r in open('/proc/self/status'))\n"
        "print(int(rows['NoNewPrivs']), int(rows['CapEff'], 16))"
    )
    result = python(script)
    # The command of root is another user, with the right to read or write over file modes.
    assert result.text in (["1 4\n", "1 2\n"] if os.geteuid() == 0 else ["1 0\n"])


def test_privileged_acts_fail(python, level):
    script = (
        "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
        "print(libc.mount(b'none', b'/tmp', b'tmpfs', 0, b''))\n"
        "print(libc.umount2(b'/tmp', 2))\n"
        "print(libc.sethostname(b'x', 1))\n"
    )
    assert python(script).text == "-1\n-1\n-1\n"


_DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        for n in range(3): os.close(n)
        os.execv("/bin/sleep", ["%s", "30"])
    os._exit(0)
os.wait()
%s
"""


@pytest.mark.parametrize("then", ["time.sleep(0.1)", "time.sleep(20)"])
def test_a_daemon_does_not_outlive_its_command(start, left_behind, then):
    script = _DAEMON % (left_behind.mark, f"print('up', flush=True); {then}")
    command = [sys.executable, "-I", "-S", "-c", script]
    with start(command, readable=sandbox.python_paths()) as process:
        assert process.readline(10) == b"up\n"
        if then == "time.sleep(0.1)":
            assert process.wait().status == "ok"
    assert left_behind() == []


_PARENT = """
import sys, time
from lit_research import sandbox
process = sandbox.start(
    [sys.executable, "-I", "-S", "-c", sys.argv[2]], level=sys.argv[1],
    readable=sandbox.python_paths(),
)
print(process.readline(10), process.readline(10), flush=True)
time.sleep(30)
"""


def test_nothing_outlives_a_killed_parent(level, left_behind):
    then = "print(os.getcwd()); print('up', flush=True); time.sleep(20)"
    script = _DAEMON % (left_behind.mark, then)
    command = [sys.executable, "-c", _PARENT, level, script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        folder, up = (ast.literal_eval(word) for word in parent.stdout.readline().decode().split())
        assert up == b"up\n"
        assert left_behind() != []
        os.kill(parent.pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while (left_behind() or Path(folder.decode()[:-1]).exists()) and time.monotonic() < until:
        time.sleep(0.02)
    assert left_behind() == []
    assert not Path(folder.decode()[:-1]).exists()
