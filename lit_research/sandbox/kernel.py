"""The system calls that Python 3.11 has no function for.

Imports little, because the fork server loads it.
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import os

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_NEWCGROUP = 0x2000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_SLAVE = 2, 4, 8, 4096, 16384, 1 << 19
_MS_REMOUNT = 32
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP = 1, 4, 8, 24
_PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 22, 36, 38, 47
_SECCOMP_MODE_FILTER = 2
_KEYCTL_JOIN_SESSION_KEYRING = 1
# Numbers of calls that no function of libc makes: keyctl, perf_event_open.
_CALLS = {"x86_64": (250, 298), "aarch64": (219, 241)}
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("array", ctypes.c_void_p)]


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(v) for v in (*values, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *arguments), f"prctl({option})")


def die_with_parent(number: int) -> None:
    """Ask for a signal when the thread that started this process ends."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(value: bool) -> None:
    """Say whether processes of the same user may look into this one and write to its memory."""
    _prctl(_PR_SET_DUMPABLE, int(value))


def filter_calls(program: bytes) -> None:
    """Let the kernel run a filter (an array of sock_filter) before every system call from now on.

    ``no_new_privileges`` must have been called.
    """
    array = ctypes.create_string_buffer(program, len(program))

    filter_program = _Filter(len(program) // 8, ctypes.addressof(array))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(filter_program))


def leave_keyring() -> None:
    """Join a new, empty session keyring; the parent's is then out of reach.

    Raises:
        OSError: it cannot be made, for instance because the user has reached the maximum number of
            keys.
    """
    calls = _CALLS.get(os.uname().machine)
    if calls and _libc.syscall(calls[0], _KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
        number = ctypes.get_errno()
        # Where a container forbids the call, the command cannot make it either.
        if number not in (errno.ENOSYS, errno.EPERM, errno.EACCES):
            raise OSError(number, f"keyctl: {os.strerror(number)}")


def task_clock(pid: int) -> int | None:
    """Return a descriptor that counts the CPU time of a process and everything it will start.

    Reading gives nanoseconds as 8 bytes. Processes that ended without being awaited count, which
    /proc forgets. None where the system does not allow it.
    """
    calls = _CALLS.get(os.uname().machine)
    if not calls:
        return None
    # struct perf_event_attr: PERF_TYPE_SOFTWARE, its size, PERF_COUNT_SW_TASK_CLOCK; the bits are
    # inherit, exclude_kernel (which unprivileged users must ask for) and exclude_hv.
    bits = 1 << 1 | 1 << 5 | 1 << 6
    attributes = (ctypes.c_uint64 * 8)(1 | 64 << 32, 1, 0, 0, 0, bits, 0, 0)
    descriptor = _libc.syscall(
        calls[1], attributes, pid, -1, -1, ctypes.c_ulong(8)
    )  # 8: close on exec
    return descriptor if descriptor >= 0 else None


def no_new_privileges() -> None:
    """Ignore set-user-id bits from now on, for this process and its descendants."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def limit_capabilities(kept: int | None) -> None:
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


def drop_capabilities() -> None:
    """Give up every capability for good, as exec does for a user who is not root."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def enter(namespaces_of: int, flags: int) -> None:
    """Enter namespaces of the process that a pidfd names; a mount namespace at its root."""
    _check(_libc.setns(namespaces_of, flags), "setns")


def raise_loopback() -> None:
    """Bring up ``lo`` of the network namespace that this process is in."""
    with_address = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        # struct ifreq: a name of 16 bytes, the flags IFF_UP | IFF_RUNNING; 0x8914 is SIOCSIFFLAGS.
        request = b"lo".ljust(16, b"\0") + (0x1 | 0x40).to_bytes(2, "little") + bytes(22)
        fcntl.ioctl(with_address.fileno(), 0x8914, request)
    finally:
        with_address.close()


def mount(source: str, target: str, file_system: str, flags: int, options: str = "") -> None:
    """Call mount(2)."""
    done = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        file_system.encode(),
        ctypes.c_ulong(flags),
        options.encode(),
    )
    _check(done, f"mount {target}")


def limit_inodes(path: str, count: int) -> None:
    """Bound the files, folders and links of the tmpfs at ``path``, its top folder not counted."""
    flags = _MS_REMOUNT | MS_NOSUID | MS_NODEV
    mount("tmpfs", path, "tmpfs", flags, f"nr_inodes={count + 1}")


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
