"""Run untrusted code: with limits, without network, and without a trace.

``run`` runs a command to its end; ``start`` gives a process to talk to; ``run_python`` and
``run_cases`` run a Python program, the latter on many cases and with a verdict on each;
``run_suite`` runs pytest on a source tree; a ``Pool`` runs many Python programs without importing
large modules each time. Whatever a command does is returned as a ``Result``, never raised. Of three
levels of isolation, the strongest that works is used:

``bubblewrap``
    The program bwrap gives the command namespaces of its own: it has no network but its loopback,
    sees no other processes, and has a read-only file system with the system's programs, what is
    ``readable`` and ``writable``, and private folders in memory. bwrap is a system package.
``namespaces``
    The same, implemented in this package, where bubblewrap is not installed and the kernel lets
    users create namespaces.
``rlimits``
    A separate session, resource limits, and a kill of everything that it started: a guard against
    accidents, not against attackers. It is used only when requested by name (``level``, ``require``
    or the variable LIT_RESEARCH_SANDBOX_REQUIRE).

At every level: limits on wall-clock time, CPU time, memory, processes, output and files, enforced
by a separate process; a system-call filter (see ``seccomp``; ``profile="proof"`` allows no other
process and no socket); an empty session keyring; no new privileges, and if the parent is root, a
separate user with one capability, to bypass file permissions; an environment without any of the
parent's variables; a stdin that ends; a scratch folder as the working directory, removed
afterwards; and nothing left running, even when the parent is killed.

README.md next to this file lists what each level stops and what it does not, with the test that
shows it.

The output is the command's own claim: it can print anything, including a false success.
"""

from lit_research.sandbox.cases import (
    Case,
    CaseResult,
    FunctionCase,
    Outcome,
    Reason,
    StdinCase,
    UnitTest,
    same_text,
)
from lit_research.sandbox.choice import isolation, working
from lit_research.sandbox.pool import Pool
from lit_research.sandbox.process import run, start
from lit_research.sandbox.python import CASE_LIMITS, run_cases, run_python
from lit_research.sandbox.records import LEVELS, Level, Limits, Profile, Result, Status
from lit_research.sandbox.sandboxed import Sandboxed
from lit_research.sandbox.suite_records import GUARDS, Guard, Suite, SuiteRun, SuiteStatus
from lit_research.sandbox.suites import SUITE_LIMITS, run_suite
from lit_research.sandbox.views import python_paths

__all__ = [
    "CASE_LIMITS",
    "GUARDS",
    "LEVELS",
    "SUITE_LIMITS",
    "Case",
    "CaseResult",
    "FunctionCase",
    "Guard",
    "Level",
    "Limits",
    "Outcome",
    "Pool",
    "Profile",
    "Reason",
    "Result",
    "Sandboxed",
    "Status",
    "StdinCase",
    "Suite",
    "SuiteRun",
    "SuiteStatus",
    "UnitTest",
    "isolation",
    "python_paths",
    "run",
    "run_cases",
    "run_python",
    "run_suite",
    "same_text",
    "start",
    "working",
]
