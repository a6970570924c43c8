"""A slot for each core: programs that run at the same time do not time each other out.

Slots are locks on files, shared by all processes of a user on a machine. The kernel releases them
when their process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lit_research.errors import UserError

_RETRY_S = 0.005
_held: set[int] = set()


def count() -> int:
    """Return the number of slots: the cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def slot() -> Iterator[None]:
    """Hold one slot, and wait for it as long as all are taken. Not to be nested."""
    place = folder()
    while (held := _any(place)) is None:
        time.sleep(_RETRY_S)
    try:
        yield
    finally:
        _release(held)


@contextmanager
def alone() -> Iterator[None]:
    """Hold all slots: wait for those who have one, while nobody gets a new one."""
    place = folder()
    held = [_lock(place / "gate", fcntl.LOCK_EX)]
    try:
        held += [_lock(place / f"slot-{number}", fcntl.LOCK_EX) for number in range(count())]
        yield
    finally:
        for descriptor in held:
            _release(descriptor)


def _any(place: Path) -> int | None:
    """Take a slot if one is free; return its descriptor."""
    try:  # whoever is to be alone holds the gate
        gate = _lock(place / "gate", fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    try:
        for number in range(count()):
            with suppress(BlockingIOError):
                return _lock(place / f"slot-{number}", fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    finally:
        _release(gate)


def folder() -> Path:
    """Return the folder of the locks.

    Raises:
        UserError: it is not this user's own.
    """
    path = Path(tempfile.gettempdir()) / f"lit-research-slots-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise UserError(
            f"{path} is not this user's own, where the slots of the sandbox are; remove it, or set "
            "TMPDIR to another folder"
        )
    return path


def _lock(path: Path, how: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _held.add(descriptor)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        _release(descriptor)
        raise
    return descriptor


def _release(descriptor: int) -> None:
    if descriptor in _held:  # else this is a fork, which closed it
        _held.discard(descriptor)
        os.close(descriptor)


def _forget() -> None:
    """Close the locks in a forked child, which would hold them beyond their process."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_forget)
