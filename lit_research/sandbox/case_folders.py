"""Empty the folders of a sandbox between two cases (see ``case_driver``)."""

from __future__ import annotations

import os

from . import ending

_MOST = 1000  # files to remove one by one; a new sandbox is the faster way beyond


class Folders:
    """The folders that a case can write to, as they are before the first case.

    Args:
        paths: the scratch folder, then the other private folders in memory, if there are any.
    """

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._in_memory = len(paths) > 1
        self._names = [set(os.listdir(path)) for path in paths]
        self._before = self._state()
        self._free = self._free_inodes()

    def clean(self) -> bool:
        """Remove what was put there; tell whether all is as it was before the first case."""
        try:
            if self._state() == self._before:
                return True
            if self._free - self._free_inodes() > _MOST:
                return False
            for path, names in zip(self._paths, self._names, strict=True):
                for name in set(os.listdir(path)) - names:
                    _remove(os.path.join(path, name))
            return self._state() == self._before
        except OSError:  # a case took one of the folders away, or its permissions
            return False

    def _free_inodes(self) -> int:
        return sum(os.statvfs(path).f_ffree for path in self._paths) if self._in_memory else 0

    def _state(self) -> list[tuple[object, ...]]:
        """Return what must not change: what the folders hold, and how this process is scheduled."""
        priority = os.getpriority(os.PRIO_PROCESS, 0)
        state: list[tuple[object, ...]] = [
            (priority, os.sched_getscheduler(0), os.sched_getaffinity(0))
        ]
        for path in self._paths:
            status = os.stat(path)
            state.append((status.st_ino, status.st_mode, status.st_uid))
            if self._in_memory:
                space = os.statvfs(path)
                state.append((space.f_bfree, space.f_ffree))
            else:
                state.append(tuple(sorted(os.listdir(path))))
        return state


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        ending.remove(path)
    else:
        os.unlink(path)
