"""The file system that a command sees at level ``namespaces``, built by the launcher.

Imports little, because the launcher loads it at every start. Whatever is needed must be loaded
before ``enter`` swaps the root.
"""

from __future__ import annotations

import os

if __package__:
    from lit_research.sandbox import kernel
else:  # as a part of the launcher's program, see there
    import kernel  # type: ignore[no-redef]

_DEVICES = ("null", "zero", "full", "random", "urandom")
_BASE = "/tmp"  # any folder: the mount over it is seen by this process alone


def leave(own_user: bool) -> None:
    """Enter new mount, process, network, IPC and host-name namespaces, as the same user.

    Args:
        own_user: make a user namespace too, which those who are not root need to make the others.

    Raises:
        OSError: the system forbids it.
    """
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(
        kernel.CLONE_NEWNS
        | kernel.CLONE_NEWPID
        | kernel.CLONE_NEWNET
        | kernel.CLONE_NEWIPC
        | kernel.CLONE_NEWUTS
        | (kernel.CLONE_NEWUSER if own_user else 0)
    )
    if not own_user:
        return
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
    elif kind == "tmpfs":
        os.makedirs(target, exist_ok=True)
        kernel.mount("tmpfs", target, "tmpfs", hidden, options)
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
        for name in _DEVICES:
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
