"""What a run of a test suite is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args
from xml.etree import ElementTree

from lit_research.errors import UserError, nearest
from lit_research.sandbox.suite_paths import is_test_file

Guard: TypeAlias = Literal[
    "paths",
    "read-only",
    "plugins",
    "installed",
    "sentinels",
    "twins",
    "names",
    "signed",
    "integrity",
    "audit",
]
"""What keeps a candidate from forging its outcomes; see ``run_suite``."""
GUARDS: frozenset[Guard] = frozenset(get_args(Guard))
"""All of them."""

SuiteStatus: TypeAlias = Literal["finished", "tampered", "timeout", "stopped", "infrastructure"]
"""``tampered``: there is evidence of forging. ``stopped``: the process ended, or was killed at a
limit, before the suite's end. ``infrastructure``: the sandbox failed; says nothing about the
candidate."""
TestOutcome: TypeAlias = Literal["passed", "failed", "skipped"]
"""``skipped`` stands for expected failures too: code under test can raise either."""

# pytest imports them, so that a candidate of that name would be pytest's.
_OF_PYTEST = frozenset({"packaging", "pluggy", "iniconfig", "pygments", "pytest", "_pytest", "py"})


@dataclass(frozen=True)
class Suite:
    """A test suite, apart from the code that it tests.

    Attributes:
        files: text by path in the tree: the tests, and whatever else a candidate may not change.
        run: paths of the files to run.
        packages: top-level modules under test, which must come from the candidate's tree.
        roots: folders of the tree that are put on ``sys.path``.
        twins: tests, as node ids without parameters, that get twins and random names.
        ini: the settings of pytest, the text of a ``pytest.ini``.
        starts_processes: whether the code under test has to start processes; else that is
            ``tampered``, since they could read the tests unseen.

    Raises:
        UserError: no file to run, one is missing, or pytest itself uses a package.
    """

    files: Mapping[str, str]
    run: tuple[str, ...]
    packages: tuple[str, ...]
    roots: tuple[str, ...] = ("",)
    twins: frozenset[str] = frozenset()
    ini: str = "[pytest]\n"
    starts_processes: bool = False

    def __post_init__(self) -> None:
        if not self.run:
            raise UserError("run is empty, in a Suite; must name a file of tests")
        if missing := [path for path in self.run if path not in self.files]:
            tests = [path for path in self.files if is_test_file(path)]
            raise UserError(
                f"{missing[0]!r} is to be run, in a Suite, but is not in files; "
                + nearest(missing[0], tests)
            )
        if refused := sorted(_OF_PYTEST & set(self.packages)):
            raise UserError(
                f"{refused[0]!r} is to be tested, in a Suite, but pytest imports it itself; "
                "test another package"
            )


@dataclass(frozen=True)
class SuiteRun:
    """How a suite went.

    Attributes:
        status: whether it ended as it should.
        outcomes: by node id of pytest; a test that is not there did not run to its end.
        messages: of the tests that failed, the error in words.
        reason: why it is not ``finished``; empty if it is.
        seconds: wall-clock time.
        uncollected: files that could not be imported, and the error.
        unmarked: files with passed tests whose sentinels did not run, because of a mark, say: such
            a run is ``tampered``; who makes suites leaves these files out.
    """

    status: SuiteStatus
    outcomes: dict[str, TestOutcome]
    messages: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0
    uncollected: dict[str, str] = field(default_factory=dict)
    unmarked: tuple[str, ...] = ()

    def having(self, outcome: TestOutcome) -> Iterator[str]:
        """Yield the tests with an outcome."""
        return (test for test, had in self.outcomes.items() if had == outcome)

    def junit(self) -> str:
        """Return the outcomes as JUnit's XML, written here and not by the tests' process."""
        count = {name: len([*self.having(name)]) for name in get_args(TestOutcome)}
        suite = ElementTree.Element(
            "testsuite",
            name="candidate",
            tests=str(len(self.outcomes)),
            failures=str(count["failed"]),
            skipped=str(count["skipped"]),
            errors=str(int(self.status != "finished")),
            time=f"{self.seconds:.3f}",
        )
        for test, outcome in self.outcomes.items():
            file, _, name = test.partition("::")
            case = ElementTree.SubElement(suite, "testcase", classname=file, name=name)
            if outcome != "passed":
                child = ElementTree.SubElement(
                    case, {"failed": "failure", "skipped": "skipped"}[outcome]
                )
                child.set("message", _printable(self.messages.get(test, "")))
        if self.reason:
            ElementTree.SubElement(suite, "system-err").text = _printable(self.reason)
        return ElementTree.tostring(suite, encoding="unicode")


def _printable(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
