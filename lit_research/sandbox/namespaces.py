"""Namespaces and a file system made without bwrap, where that program is missing.

Imports little, because the fork server loads it. Whatever is needed must be loaded before ``enter``
swaps the root.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from . import bubblewrap, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_BASE = "/tmp"  # any folder: the mount over it is seen by this process alone


def make(view: list[tuple[str, str, str]], tmpfs_bytes: int, new_user: bool) -> int:
    """Enter new namespaces, but not those of processes and files; return the pid of process 1.

    Args:
        view: (kind, source, target) in the order of mounting, as ``views.view`` returns it.
        tmpfs_bytes: size of each private tmpfs, bytes.
        new_user: make a user namespace too, which other users than root need for the others.

    Raises:
        OSError: the system forbids it.
    """
    leave(new_user)
    ready, its_ready = os.pipe()
    first = os.fork()
    if first == 0:
        _be_first(view, tmpfs_bytes, its_ready)
    os.close(its_ready)
    answer = b""
    while chunk := os.read(ready, 4096):
        answer += chunk
    os.close(ready)
    if answer != b"ready":
        raise OSError(0, answer.decode(errors="replace") or "process 1 of its namespaces ended")
    return first


def _be_first(view: list[tuple[str, str, str]], tmpfs_bytes: int, ready: int) -> NoReturn:
    """Be process 1: build the file system, and reap orphans."""
    try:
        kernel.die_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        kernel.unshare(kernel.CLONE_NEWNS)
        enter(view, tmpfs_bytes)
        os.closerange(0, ready)
        os.closerange(ready + 1, 1 << 20)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        os.write(ready, b"ready")  # fails if the launcher was gone before the first line
        os.close(ready)
        while True:
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            signal.sigwait({signal.SIGCHLD})
    except OSError as error:
        os.write(ready, str(error.strerror).encode())
    finally:
        os._exit(127)


def leave(new_user: bool) -> None:
    """Enter new process, network, IPC and host-name namespaces, as the same user.

    The new network is this machine's alone, and its loopback works.

    Args:
        new_user: make a user namespace too, which other users than root need for the others.

    Raises:
        OSError: the system forbids it.
    """
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(
        kernel.CLONE_NEWPID
        | kernel.CLONE_NEWNET
        | kernel.CLONE_NEWIPC
        | kernel.CLONE_NEWUTS
        | (kernel.CLONE_NEWUSER if new_user else 0)
    )
    if new_user:
        _map_user(uid, gid)
    with suppress(OSError):  # not every kernel has them
        kernel.unshare(kernel.CLONE_NEWCGROUP)
    kernel.raise_loopback()


def _map_user(uid: int, gid: int) -> None:
    """Keep the user's and the group's number in this new user namespace."""
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def enter(view: list[tuple[str, str, str]], tmpfs_bytes: int) -> None:
    """Build a root that holds ``view`` and nothing else, and move into it; run as process 1.

    Args:
        view: (kind, source, target) in the order of mounting, as ``views.view`` returns it.
        tmpfs_bytes: size of each private tmpfs, bytes.

    Raises:
        OSError: the system forbids a mount.
    """
    options = f"size={tmpfs_bytes},mode=755"
    hidden = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("tmpfs", _BASE, "tmpfs", hidden, options)
    os.mkdir(_BASE + "/old")
    os.mkdir(_BASE + "/new")
    kernel.pivot_root(_BASE, _BASE + "/old")
    os.chdir("/")
    kernel.mount("/new", "/new", "", kernel.MS_BIND)
    for kind, source, target in view:
        _show(kind, "/old" + source, "/new" + target, options)
    os.chdir("/new")
    kernel.pivot_root(".", ".")  # the former root now lies over the new one
    kernel.unmount(".")
    os.chdir("/")


def _show(kind: str, source: str, target: str, options: str) -> None:
    """Mount, link or make one entry of the view."""
    hidden = kernel.MS_NOSUID | kernel.MS_NODEV
    if kind == "link":
        os.symlink(source.removeprefix("/old"), target)
    elif kind in ("read", "write"):
        _bind(source, target)
        read_only = kernel.ATTR_RDONLY if kind == "read" else 0
        kernel.set_mount(target, kernel.ATTR_NOSUID | kernel.ATTR_NODEV | read_only)
    elif kind == "text":
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(source.removeprefix("/old"))
    elif kind == "tmpfs":
        os.makedirs(target, exist_ok=True)
        kernel.mount("tmpfs", target, "tmpfs", hidden, options.replace("mode=755", "mode=1777"))
    elif kind == "proc":
        os.makedirs(target, exist_ok=True)
        kernel.mount("proc", target, "proc", hidden | kernel.MS_NOEXEC)
        for name in ("sys", "sysrq-trigger", "irq", "bus"):
            if os.path.exists(f"{target}/{name}"):
                _bind(f"{target}/{name}", f"{target}/{name}")
                kernel.set_mount(f"{target}/{name}", kernel.ATTR_RDONLY)
    elif kind == "dev":
        os.makedirs(target, exist_ok=True)
        kernel.mount("tmpfs", target, "tmpfs", kernel.MS_NOSUID, options)
        for name in bubblewrap.DEVICES:
            _bind(f"{source}/{name}", f"{target}/{name}")
        for name, link in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            os.symlink("/proc/self/fd" + link, f"{target}/{name}")
    elif kind == "seal":
        kernel.set_mount(target, kernel.ATTR_RDONLY, recursive=False)
    else:
        raise AssertionError(kind)


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    kernel.mount(source, target, "", kernel.MS_BIND | kernel.MS_REC)
