"""Run code that nobody trusts: with limits, without network, and without a trace.

``run`` runs a command to its end; ``start`` gives a process to talk to; a ``Pool`` runs many Python
programs without importing large modules each time. What a command does is a ``Result``, never an
exception. Three levels of isolation, the strongest that works is used:

``bubblewrap``
    The program bwrap makes the command's own namespaces: no network but its own loopback, no
    process in sight but its own, and a read-only file system that shows the system's programs,
    what is ``readable`` and ``writable``, and private folders in memory. Installed as a package.
``namespaces``
    The same by our own code, where bubblewrap is not installed and the kernel lets users make
    namespaces.
``rlimits``
    A session of its own, limits, and the end of everything it started: a guard against accidents,
    not against an enemy. It is used only when asked for by name (``level``, ``require`` or the
    variable LIT_RESEARCH_SANDBOX_REQUIRE).

At every level: limits on wall-clock time, processor time, memory, processes, output and files, held
by a process of their own; a filter of system calls (see ``seccomp``; ``profile="proof"`` allows no
other process and no socket); an empty session keyring; no new privileges, and if the parent is root
a user of its own with one capability, to pass over the modes of files; an environment with nothing
of the parent's; stdin that ends; a scratch folder, the working directory, that is removed; nothing
left running, also when the parent is killed.

README.md beside this file says what each level stops and what it does not, and names the test that
shows it.

Output is what the command says: it can write anything, a false success too.
"""

from lit_research.sandbox.choice import isolation, working
from lit_research.sandbox.levels import LEVELS
from lit_research.sandbox.pool import Pool
from lit_research.sandbox.process import run, start
from lit_research.sandbox.records import Level, Limits, Profile, Result, Status
from lit_research.sandbox.sandboxed import Sandboxed
from lit_research.sandbox.views import python_paths

__all__ = [
    "LEVELS",
    "Level",
    "Limits",
    "Pool",
    "Profile",
    "Result",
    "Sandboxed",
    "Status",
    "isolation",
    "python_paths",
    "run",
    "start",
    "working",
]
