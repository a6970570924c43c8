"""The system calls that Python 3.11 has no function for.

Imports little, because the launcher loads it at every start.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_SLAVE = 2, 4, 8, 4096, 16384, 1 << 19
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP = 1, 8, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 36, 38, 47
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _prctl(option: int, *values: int) -> None:
    words = [ctypes.c_ulong(v) for v in (*values, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *words), f"prctl({option})")


def die_with_parent(number: int) -> None:
    """Ask for a signal when the thread that started this process ends."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def no_new_privileges() -> None:
    """Make set-user-id programs ordinary ones, for this process and all below."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def bound(kept: int | None) -> None:
    """Give up every capability but ``kept`` at the next exec, for good."""
    with open("/proc/sys/kernel/cap_last_cap", "rb", buffering=0) as file:
        last = int(file.read())
    for capability in range(last + 1):
        if capability != kept:
            _prctl(_PR_CAPBSET_DROP, capability)


def holds(capability: int) -> bool:
    """Tell whether this process has a capability."""
    with open("/proc/self/status", "rb") as file:
        row = next(line for line in file if line.startswith(b"CapEff:"))
    return bool(int(row.split()[1], 16) >> capability & 1)


def become(uid: int, capability: int) -> None:
    """Become another user for good and keep one capability, through exec too."""
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(*[1 << capability] * 3, 0, 0, 0)
    _check(_libc.capset(header, data), "capset")
    _prctl(_PR_CAP_AMBIENT, 2, capability)  # 2 is PR_CAP_AMBIENT_RAISE


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Call mount(2)."""
    done = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode(),
        ctypes.c_ulong(flags),
        options.encode(),
    )
    _check(done, f"mount {target}")


def set_mount(path: str, attributes: int, recursive: bool = True) -> None:
    """Set attributes of the mount at ``path``, and of those below it."""
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attr = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    done = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(path),
        ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
        attr,
        ctypes.c_size_t(32),
    )
    _check(done, f"mount_setattr {path}")


def pivot_root(new: str, old: str) -> None:
    """Make ``new`` the root of the file system and show the former one at ``old``."""
    # The number differs between architectures, and glibc exports the call without declaring it.
    _check(_libc.pivot_root(os.fsencode(new), os.fsencode(old)), "pivot_root")


def unmount(path: str) -> None:
    """Detach a mount and those below it."""
    _check(_libc.umount2(os.fsencode(path), MNT_DETACH), f"umount {path}")
