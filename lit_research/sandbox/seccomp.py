"""The system-call filter, as a program for the kernel (classic BPF, see seccomp(2)).

Every call that is not on the profile's list fails with ENOSYS, so that programs fall back as on an
older kernel. Some of those on the list have rules about their arguments:

``clone``       no new namespaces; for proofs only threads, no processes
``socket``      IPv4, IPv6 and the list of interfaces (netlink's route family), where the network
                namespace is the command's own; none otherwise, and none for proofs. Never a Unix
                socket, which could reach what listens at a path in a read-only folder
``socketpair``  a connected pair of Unix streams: such a socket can connect to nothing else
``prlimit64``   only of the calling process
``ioctl``       no typing into a terminal
"""

from __future__ import annotations

import errno
import functools
import os
import struct

from lit_research.sandbox.records import Level, Profile
from lit_research.sandbox.syscalls import numbers

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*
_LOAD, _EQUAL, _AT_LEAST, _ABOVE, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x25, 0x45, 0x54, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD = 0x10000
# NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; time namespaces need another call.
_NEW_NAMESPACES = 0x7E020000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_STREAM, _SEQPACKET = 1, 5
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

_Step = tuple[int, int, int, int]  # code, steps to skip if true, if false, operand


def supported() -> bool:
    """Tell whether the system-call numbers of this architecture are known."""
    return os.uname().machine in _ARCHITECTURES


@functools.cache
def program(profile: Profile, level: Level, machine: str | None = None) -> bytes:
    """Return the filter as an array of ``struct sock_filter``.

    Args:
        profile: which calls are allowed.
        level: the level of isolation; without a network namespace a command gets no sockets.
        machine: architecture, as ``os.uname().machine``; this one if None.

    Raises:
        KeyError: the system-call numbers of this architecture are not known.
    """
    machine = machine or os.uname().machine
    allowed = numbers(profile, machine)
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        _refuse(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name, rule in _rules(profile, level).items():
        if name in allowed:
            steps += [(_EQUAL, 0, len(rule), allowed[name]), *rule]
    for low, high in _ranges(sorted(set(allowed.values()))):
        steps += [(_AT_LEAST, 1, 0, low), _refuse(errno.ENOSYS)]
        steps += [(_ABOVE, 1, 0, high), (_RETURN, 0, 0, _ALLOW)]
    steps.append(_refuse(errno.ENOSYS))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _ranges(values: list[int]) -> list[tuple[int, int]]:
    """Return sorted numbers as (first, last) of each run of consecutive ones."""
    ranges: list[tuple[int, int]] = []
    for value in values:
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], value
        else:
            ranges.append((value, value))
    return ranges


def _rules(profile: Profile, level: Level) -> dict[str, list[_Step]]:
    """Return what to do with a call whose arguments matter; each list ends with an answer."""
    clone: list[_Step] = [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _refuse(errno.EPERM)]
    if profile == "proof":
        clone += [(_ANY_BIT, 1, 0, _CLONE_THREAD), _refuse(errno.EPERM)]
    socket: list[_Step] = [_refuse(errno.EACCES)]
    if level != "rlimits":
        socket = [
            _argument(0),
            (_EQUAL, 5, 0, _AF_INET),
            (_EQUAL, 4, 0, _AF_INET6),
            (_EQUAL, 0, 2, _AF_NETLINK),
            _argument(2),
            (_EQUAL, 1, 0, 0),  # NETLINK_ROUTE
            _refuse(errno.EAFNOSUPPORT),
            _allow(),
        ]
    pair: list[_Step] = [
        _argument(0),
        (_EQUAL, 0, 4, _AF_UNIX),
        _argument(1),
        (_AND, 0, 0, 0xF),  # without SOCK_NONBLOCK and SOCK_CLOEXEC
        (_EQUAL, 2, 0, _STREAM),
        (_EQUAL, 1, 0, _SEQPACKET),
        _refuse(errno.EAFNOSUPPORT),
        _allow(),
    ]
    limits: list[_Step] = [_argument(0), (_EQUAL, 1, 0, 0), _refuse(errno.EPERM), _allow()]
    control: list[_Step] = [
        _argument(1),
        (_EQUAL, 1, 0, _TIOCSTI),
        (_EQUAL, 0, 1, _TIOCLINUX),
        _refuse(errno.EPERM),
        _allow(),
    ]
    return {
        "clone": [*clone, _allow()],
        "socket": socket,
        "socketpair": pair,
        "prlimit64": limits,
        "ioctl": control,
    }


def _argument(index: int) -> _Step:
    """Load the lower half of an argument: the kernel ignores the upper half of those checked."""
    return _LOAD, 0, 0, _ARGUMENTS + 8 * index


def _refuse(number: int) -> _Step:
    return _RETURN, 0, 0, _ERRNO | number


def _allow() -> _Step:
    return _RETURN, 0, 0, _ALLOW
