"""Build repairs from two consecutive releases: the older source fails the newer tests.

The difference of the sources is taken apart, and for each test that the newer release passes and
the older one does not, delta debugging finds the fewest changes that make it pass. Tests that need
the same changes are one item.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from lit_research.errors import UserError
from lit_research.methods.longcode.built import Built, gated
from lit_research.methods.longcode.changelogs import nearest_entries, new_entries, words
from lit_research.methods.longcode.changes import Change, changed, changes
from lit_research.methods.longcode.diffs import make_diff
from lit_research.methods.longcode.items import RepairItem, Span
from lit_research.methods.longcode.mutation_repairs import symptom
from lit_research.methods.longcode.reduction import smallest
from lit_research.methods.longcode.repair_runs import FEW_TESTS, RUNS, Runner
from lit_research.methods.longcode.repair_suites import (
    facts,
    package_files,
    split_release,
    whole_suite,
)
from lit_research.methods.longcode.trees import SourceTree
from lit_research.progress import counting
from lit_research.sandbox.suite_records import Suite

BUILDER = "longcode.releases 1"
_MOST_PROBES = 300


def build_release_repairs(
    old: SourceTree,
    new: SourceTree,
    *,
    runs: int = RUNS,
    runner: Runner = Runner(),  # noqa: B008  (frozen)
    most_probes: int = _MOST_PROBES,
) -> Built:
    """Take two consecutive releases apart into repairs, each with the fewest changes.

    Args:
        old: the older release; its tests are not used.
        new: the newer release, with its tests.
        runs: in how many the tests must agree; see ``repair_runs``.
        runner: of the suites.
        most_probes: most runs of the search; tests that it does not reach are dropped.

    Raises:
        UserError: the newer release has no tests, or none that passes.
    """
    (before, _), (after, tests) = split_release(old), split_release(new)
    suite = runner.fitting(after.files, whole_suite(after.files, tests))
    fixed, broken = (runner.run(tree.files, suite) for tree in (after, before))
    passing = set(fixed.having("passed"))
    if not passing:
        why = f"{fixed.status} {fixed.reason}{_first(fixed.uncollected)}"
        raise UserError(
            f"no test of {new.name!r} passes ({why}): must pass without the network "
            "and with the packages that are installed"
        )
    built = Built(trees={tests.name: tests, before.name: before}, runs=runs)
    if len(passing) < FEW_TESTS:
        built.notes.append(f"{new.name}: only {len(passing)} tests pass")
    kept = passing & set(broken.having("passed"))
    flipped = sorted(passing - kept)
    if not flipped:
        built.dropped["no test of the newer release fails with the older source"] += 1
        return built
    search = _Search(before.files, _changes(before, after), suite, runner, most_probes)
    groups = _groups(search, flipped, built)
    entries = new_entries(old.files, new.files)
    for number, (chosen, group) in enumerate(sorted(groups.items()), 1):
        files = changed(before.files, chosen)
        item = _item(f"{old.name}-repair-{number:03d}", before, tests, files, chosen, suite)
        found = _stable(before, files, suite, kept, group, runs, runner)
        if not found[0]:
            built.dropped["the tests of the group are flaky"] += 1
            continue
        if not found[1]:
            built.dropped["no test passes with the older source"] += 1
            continue
        fail_to_pass, pass_to_pass = found
        messages = {test: broken.messages.get(test, "") for test in sorted(fail_to_pass)}
        statement = _statement(old, new, entries, item.patch, tests, messages)
        built.items.append(
            replace(
                item,
                statement=statement,
                fail_to_pass=tuple(sorted(fail_to_pass)),
                pass_to_pass=tuple(sorted(pass_to_pass)),
            )
        )
    return gated(built, runner)


def _first(uncollected: Mapping[str, str]) -> str:
    return next((f"; {path}: {message[-200:]}" for path, message in uncollected.items()), "")


def _changes(before: SourceTree, after: SourceTree) -> list[Change]:
    """Return the changes of the packages: those of documents flip no test."""
    return changes(package_files(before.files), package_files(after.files))


@dataclass
class _Search:
    """Runs of the suite with some of the changes, each once."""

    files: Mapping[str, str]
    all: Sequence[Change]
    suite: Suite
    runner: Runner
    left: int

    def __post_init__(self) -> None:
        self._known: dict[frozenset[Change], set[str]] = {}
        self._tests: set[str] = set()

    def wants(self, tests: Collection[str]) -> None:
        """Say which tests matter: only their files are run."""
        self._tests = set(tests)

    def passed(self, chosen: Sequence[Change]) -> set[str]:
        """Return the tests that pass with some changes."""
        key = frozenset(chosen)
        if key not in self._known:
            if self.left <= 0:
                raise _SpentError
            self.left -= 1
            run = sorted({test.partition("::")[0] for test in self._tests})
            only = replace(self.suite, run=tuple(run))
            found = self.runner.run(changed(self.files, chosen), only)
            self._known[key] = set(found.having("passed")) if found.status == "finished" else set()
        return self._known[key]

    def start_for(self, test: str) -> Sequence[Change]:
        """Return the fewest changes that are known to make a test pass."""
        known = [sorted(key) for key, passed in self._known.items() if test in passed]
        return min(known, key=len, default=self.all)


class _SpentError(Exception):
    """No run is left."""


def _groups(
    search: _Search, flipped: Sequence[str], built: Built
) -> dict[tuple[Change, ...], set[str]]:
    """Return the tests that each smallest set of changes makes pass."""
    search.wants(flipped)
    needed: dict[str, tuple[Change, ...]] = {}
    with counting("Taking the releases apart", len(flipped), unit="tests", delay=2) as done:
        for test in flipped:
            done(1)
            try:
                if test not in search.passed(search.all):
                    built.dropped["the test needs more than the packages' changes"] += 1
                    continue
                needed[test] = tuple(smallest(search.start_for(test), _effect(search, test)))
            except _SpentError:
                built.dropped["no runs were left for the test"] += 1
    groups: dict[tuple[Change, ...], set[str]] = {}
    flips = {c: {t for t in flipped if t in search.passed(c)} for c in set(needed.values())}
    for chosen, group in sorted(flips.items(), key=lambda pair: (len(pair[1]), pair[0])):
        # The patch of an item must resolve no other one.
        if any(other <= group for other in groups.values()):
            built.dropped["its patch holds that of another item"] += 1
        else:
            groups[chosen] = group
    return groups


def _effect(search: _Search, test: str) -> Callable[[Sequence[Change]], bool]:
    return lambda chosen: test in search.passed(chosen)


def _stable(
    before: SourceTree,
    files: Mapping[str, str],
    suite: Suite,
    kept: set[str],
    group: set[str],
    runs: int,
    runner: Runner,
) -> tuple[set[str], set[str]]:
    """Return ``fail_to_pass`` and ``pass_to_pass`` of the tests that never differ."""
    if runs > 1:
        with_repair, _ = runner.always(files, suite, runs)
        without, never = runner.always(before.files, suite, runs)
        missing = group - never - without  # those whose file could not be imported never ran
    else:
        with_repair = set(runner.run(files, suite).having("passed"))
        without, never, missing = kept, group, set()
    return group & with_repair & (never | missing), kept & with_repair & without


def _item(
    name: str,
    before: SourceTree,
    tests: SourceTree,
    files: Mapping[str, str],
    chosen: Sequence[Change],
    suite: Suite,
) -> RepairItem:
    spans = [
        Span(change.path, change.first + 1, max(change.last, change.first + 1))
        for change in chosen
        if change.path in before.files
    ]
    return RepairItem(
        id=name,
        kind="release",
        statement="",
        tree=before.name,
        tests=tests.name,
        patch=make_diff(before.files, files),
        fail_to_pass=("-",),
        pass_to_pass=(),
        origin=replace(before.origin, builder=BUILDER),
        evidence=tuple(spans),
        source={"fixed in": tests.origin.version, "changes": str(len(chosen)), **facts(suite)},
    )


def _statement(
    old: SourceTree,
    new: SourceTree,
    entries: Sequence[str],
    patch: str,
    tests: SourceTree,
    messages: Mapping[str, str],
) -> str:
    """Return what the changelog says of the repair, else what a test that fails says."""
    names = " ".join(messages)
    changed_lines = [line for line in patch.splitlines() if line.startswith(("+", "-", "@@"))]
    chosen = nearest_entries(entries, words(names + " ".join(changed_lines)))
    shown = symptom(new.origin.package, messages)
    if not chosen:
        return shown
    listed = "\n".join(f"- {entry}" for entry in chosen)
    return (
        f"{new.origin.package} {old.origin.version or 'as it is'} lacks what the next release's "
        f"notes say:\n\n{listed}\n\n{shown}"
    )
