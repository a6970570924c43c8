"""Namespaces and a view made by the program bwrap.

bwrap only makes them: the command itself is started by the launcher, which enters them, so that
limits, user, keyring and filter are the same at every level and nothing of bwrap's speaks for the
command. Imports little, because the keeper loads it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEVICES = ("null", "zero", "full", "random", "urandom")


def make(job: dict[str, Any]) -> tuple[int, int]:
    """Start bwrap; return its pid and that of process 1 of the namespaces once they are ready.

    What holds them open is a ``cat`` that reads from this process: they end with it.

    Raises:
        OSError: bwrap does not work here; the text is what it said.
    """
    info, its_info = os.pipe()
    ready, its_ready = os.pipe()
    its_hold, hold = os.pipe()
    said, its_said = os.pipe()
    os.write(hold, b"\n")
    held = [_memory(job["filter"])]
    words = [job["program"], "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    words += [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts", "cgroup-try")]
    words += ["--unshare-user"] if job["uid"] is None else []  # it would know root alone
    made = [place for kind, _, place in job["view"] if kind in ("dev", "tmpfs")]
    shown = [place for kind, _, place in job["view"] if kind in ("read", "write")]
    for kind, source, target in job["view"]:
        words += _parents(target, made, shown)
        words += _words(kind, source, target, str(job["tmpfs_bytes"]), held)
    words += ["--info-fd", str(its_info), "--seccomp", str(held[0]), "--", job["cat"]]
    for descriptor in (its_info, *held):
        os.set_inheritable(descriptor, True)
    stdio = [(os.POSIX_SPAWN_DUP2, its_hold, 0), (os.POSIX_SPAWN_DUP2, its_ready, 1)]
    stdio += [(os.POSIX_SPAWN_DUP2, its_said, 2)]
    # Copies nothing of this process, as a fork would.
    helper = os.posix_spawn(words[0], words, {}, file_actions=stdio)
    for descriptor in (its_info, its_ready, its_hold, its_said, *held):
        os.close(descriptor)
    data = b""
    while b"}" not in data and (part := os.read(info, 4096)):
        data += part
    is_ready = os.read(ready, 1) == b"\n"
    if not is_ready or b'"child-pid":' not in data:
        os.waitpid(helper, 0)
        raise OSError(0, os.read(said, 4096).decode(errors="replace").strip())
    for descriptor in (info, ready, said):
        os.close(descriptor)
    return helper, int(data.split(b'"child-pid":')[1].split(b",")[0].strip(b" \n}"))


def _parents(target: str, made: list[str], shown: list[str]) -> list[str]:
    """Return the words that make the folders above ``target``, unless they are in what is shown.

    Those that bwrap makes unasked are for their owner alone, which is not the command of root: it
    can pass, but access(2), by which compilers find their parts, says that it cannot.
    """
    words = []
    parts = target.strip("/").split("/")
    for count in range(1, len(parts)):
        folder = "/" + "/".join(parts[:count])
        if folder not in made and not any(
            (folder + "/").startswith(s.rstrip("/") + "/") for s in shown
        ):
            words += ["--dir", folder]
            made.append(folder)
    return words


def _words(kind: str, source: str, target: str, size: str, held: list[int]) -> list[str]:
    """Return the words for one entry of the view (see ``views.view``)."""
    if kind == "text":
        held.append(_memory(source.encode()))
        return ["--perms", "0644", "--file", str(held[-1]), target]
    if kind == "dev":  # bwrap's own would bring terminals, and for those a second user namespace
        words = ["--size", size, "--tmpfs", target]
        for name in DEVICES:
            words += ["--dev-bind", f"{source}/{name}", f"{target}/{name}"]
        for name, link in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            words += ["--symlink", "/proc/self/fd" + link, f"{target}/{name}"]
        return words
    return {
        "link": ["--symlink", source, target],
        "read": ["--ro-bind", source, target],
        "write": ["--bind", source, target],
        "tmpfs": ["--perms", "1777", "--size", size, "--tmpfs", target],
        "proc": ["--proc", target],
        "seal": ["--remount-ro", target],
    }[kind]


def _memory(data: bytes) -> int:
    """Return a descriptor from which data is read."""
    found = os.memfd_create("sandbox", os.MFD_CLOEXEC)
    os.write(found, data)
    os.lseek(found, 0, os.SEEK_SET)
    return found
