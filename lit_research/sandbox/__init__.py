"""Run code that nobody trusts: with limits, without network, and without a trace.

``run`` runs a command to its end; ``start`` gives a process to talk to. What the command does is
a ``Result``, never an exception. Three levels of isolation, the strongest that works is used:

``bubblewrap``
    The program bwrap makes the command's own namespaces: no network, no process in sight but its
    own, and a read-only file system that shows the system's programs, what is ``readable`` and
    ``writable``, and private folders in memory. No capabilities; if the parent is root the command
    is a user of its own, for the kernel limits no process of root, who may pass over the modes of
    the files in sight (CAP_DAC_OVERRIDE) and owns what it writes. Installed as a package.
``namespaces``
    The same by our own launcher, where bubblewrap is not installed and the kernel lets users make
    namespaces. It takes longer to start, for it is written in Python.
``rlimits``
    A session of its own, limits, and the end of everything it started. No protection of what the
    user can read, of the network, or, unless the parent is root, of what he can write: a guard
    against accidents, not against an enemy. For root the command runs as a user of its own, who
    keeps root's right to read and, with ``writable``, to write; what everybody may write, such as
    /tmp, stays writable. A command that is the same user as its launcher can kill it and live on.

At every level: limits on wall-clock time, processor time, memory, processes, output and files; an
environment with nothing of the parent's; stdin that ends; a scratch folder, the working directory,
that is removed; nothing left running, also when the parent is killed.

Not protected at any level: holes of the kernel (there is no filter of system calls and no virtual
machine); memory that is no process's, in pipes and files without a name (open files and
``file_kib`` bound it); the time between two looks of the watcher, a few hundredths of a second,
longer if the parent's other threads hold the interpreter; the load on processors and disks.
Output is what the command says: it can write anything, a false success too.
"""

from lit_research.sandbox.levels import LEVELS, isolation, working
from lit_research.sandbox.process import run, start
from lit_research.sandbox.records import Level, Limits, Result, Status
from lit_research.sandbox.sandboxed import Sandboxed
from lit_research.sandbox.views import python_paths

__all__ = [
    "LEVELS",
    "Level",
    "Limits",
    "Result",
    "Sandboxed",
    "Status",
    "isolation",
    "python_paths",
    "run",
    "start",
    "working",
]
