"""Namespaces and a file system made by the program bwrap.

bwrap only makes them: the launcher enters them and starts the command itself, so that limits, user,
keyring and filter are the same at every level and the exit status is the command's own, not
bwrap's. Imports little, because the fork server loads it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEVICES = ("null", "zero", "full", "random", "urandom")


def make(job: dict[str, Any]) -> tuple[int, int]:
    """Start bwrap; return its pid and that of process 1 of the namespaces once they are ready.

    A ``cat`` that reads from a pipe of this process keeps them open, so they end with it.

    Raises:
        OSError: bwrap does not work here; the text is its own message.
    """
    info, its_info = os.pipe()
    ready, its_ready = os.pipe()
    its_hold, hold = os.pipe()
    messages, its_messages = os.pipe()
    os.write(hold, b"\n")
    open_files = [_memory_file(job["filter"])]
    arguments = [job["program"], "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    arguments += [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts", "cgroup-try")]
    arguments += ["--unshare-user"] if job["uid"] is None else []  # it would know root alone
    made = [path for kind, _, path in job["view"] if kind in ("dev", "tmpfs")]
    shown = [path for kind, _, path in job["view"] if kind in ("read", "write")]
    for kind, source, target in job["view"]:
        arguments += _parent_arguments(target, made, shown)
        arguments += _entry_arguments(kind, source, target, str(job["tmpfs_bytes"]), open_files)
    arguments += ["--info-fd", str(its_info), "--seccomp", str(open_files[0]), "--", job["cat"]]
    for descriptor in (its_info, *open_files):
        os.set_inheritable(descriptor, True)
    stdio = [(os.POSIX_SPAWN_DUP2, its_hold, 0), (os.POSIX_SPAWN_DUP2, its_ready, 1)]
    stdio += [(os.POSIX_SPAWN_DUP2, its_messages, 2)]
    # Copies nothing of this process, as a fork would.
    helper = os.posix_spawn(arguments[0], arguments, {}, file_actions=stdio)
    for descriptor in (its_info, its_ready, its_hold, its_messages, *open_files):
        os.close(descriptor)
    data = b""
    while b"}" not in data and (chunk := os.read(info, 4096)):
        data += chunk
    is_ready = os.read(ready, 1) == b"\n"
    if not is_ready or b'"child-pid":' not in data:
        os.waitpid(helper, 0)
        raise OSError(0, os.read(messages, 4096).decode(errors="replace").strip())
    for descriptor in (info, ready, messages):
        os.close(descriptor)
    return helper, int(data.split(b'"child-pid":')[1].split(b",")[0].strip(b" \n}"))


def _parent_arguments(target: str, made: list[str], shown: list[str]) -> list[str]:
    """Return the arguments that make the folders above ``target``, unless a mount shows them.

    bwrap makes missing folders for their owner alone. A command started by root runs as another
    user: it can still enter them, but access(2), which compilers use to find their files,
    denies it.
    """
    arguments = []
    names = target.strip("/").split("/")
    for count in range(1, len(names)):
        folder = "/" + "/".join(names[:count])
        if folder not in made and not any(
            (folder + "/").startswith(s.rstrip("/") + "/") for s in shown
        ):
            arguments += ["--dir", folder]
            made.append(folder)
    return arguments


def _entry_arguments(
    kind: str, source: str, target: str, size: str, open_files: list[int]
) -> list[str]:
    """Return bwrap's arguments for one entry of the view (see ``views.view``)."""
    if kind == "text":
        open_files.append(_memory_file(source.encode()))
        return ["--perms", "0644", "--file", str(open_files[-1]), target]
    if kind == "dev":  # bwrap's own would bring terminals, and for those a second user namespace
        arguments = ["--size", size, "--tmpfs", target]
        for name in DEVICES:
            arguments += ["--dev-bind", f"{source}/{name}", f"{target}/{name}"]
        for name, link in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            arguments += ["--symlink", "/proc/self/fd" + link, f"{target}/{name}"]
        return arguments
    return {
        "link": ["--symlink", source, target],
        "read": ["--ro-bind", source, target],
        "write": ["--bind", source, target],
        "tmpfs": ["--perms", "1777", "--size", size, "--tmpfs", target],
        "proc": ["--proc", target],
        "seal": ["--remount-ro", target],
    }[kind]


def _memory_file(data: bytes) -> int:
    """Return a descriptor of a file in memory that holds ``data``."""
    descriptor = os.memfd_create("sandbox", os.MFD_CLOEXEC)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
