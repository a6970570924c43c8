"""Build repairs from single faults put into a package whose tests then fail."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from lit_research.errors import UserError
from lit_research.methods.longcode.built import Built, gated
from lit_research.methods.longcode.diffs import make_diff
from lit_research.methods.longcode.items import Origin, RepairItem, Span
from lit_research.methods.longcode.mutations import OPERATORS, Mutation, mutations, parses
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
from lit_research.seeds import derive_seed

BUILDER = "longcode.mutations 1"
_MOST_FAILING = 12  # more say that everything is broken
_MESSAGE_LINES = 6


def build_mutations(
    release: SourceTree,
    count: int,
    *,
    seed: int = 0,
    runs: int = RUNS,
    runner: Runner = Runner(),  # noqa: B008  (frozen)
    most_failing: int = _MOST_FAILING,
    tries: int | None = None,
) -> Built:
    """Put single faults into a release, and keep those that some of its tests notice.

    A fault that no test notices may be none (an equivalent mutant) and is dropped; so is one that
    breaks much, or keeps the suite from its end.

    Args:
        release: with its tests.
        count: how many items to build.
        seed: of the choice of places.
        runs: in how many the tests must agree; see ``repair_runs``.
        runner: of the suites.
        most_failing: most tests that a fault may break.
        tries: most faults to try; ten for each item if None.

    Raises:
        UserError: the release has no tests, or none that passes.
    """
    source, tests = split_release(release)
    suite = runner.fitting(source.files, whole_suite(source.files, tests))
    passing, _ = runner.always(source.files, suite, runs, seed)
    if not passing:
        raise UserError(
            f"no test of {release.name!r} passes in all of {runs} runs; must have tests that pass "
            "without the network and with the packages that are installed"
        )
    built = Built(trees={tests.name: tests}, runs=runs)
    if len(passing) < FEW_TESTS:
        built.notes.append(f"{release.name}: only {len(passing)} tests pass")
    limit = 10 * count if tries is None else tries
    with counting(f"Faults in {release.name}", count, unit="items", delay=2) as done:
        for tried, (path, mutation) in enumerate(_ordered(source.files, seed)):
            if tried >= limit or len(built.items) >= count:
                break
            files = {**source.files, path: mutation.apply(source.files[path])}
            if not parses(files[path]):
                continue
            run = runner.run(files, suite)
            failing = passing - set(run.having("passed"))
            if reason := _why_dropped(run.status, failing, passing, most_failing):
                built.dropped[reason] += 1
                continue
            needed = {test.partition("::")[0] for test in failing}
            only = replace(suite, run=tuple(sorted(needed)))
            if runs > 1:
                _, never = runner.always(files, only, runs, seed)
                failing &= never
            if not failing:
                built.dropped["the tests that fail are flaky"] += 1
                continue
            name = f"{release.name}-fault-{len(built.items) + 1:03d}"
            tree = SourceTree(name, files, _origin(release.origin, seed))
            shown = {test: run.messages.get(test, "") for test in sorted(failing)}
            built.trees[name] = tree
            fault, passed = (path, mutation), passing - failing
            built.items.append(_item(tree, source, tests, fault, shown, passed, suite))
            done(1)
    return gated(built, runner)


def _origin(origin: Origin, seed: int) -> Origin:
    return replace(origin, seed=seed, builder=BUILDER)


def _why_dropped(status: str, failing: set[str], passing: set[str], most: int) -> str:
    if status != "finished":
        return f"the suite's run is: {status}"
    if not failing:
        return "no test fails"
    if len(failing) > most or 2 * len(failing) > len(passing):
        return "too many tests fail"
    return ""


def _ordered(files: Mapping[str, str], seed: int) -> Iterator[tuple[str, Mutation]]:
    """Yield the faults of a tree so that files and kinds take turns."""
    generator = random.Random(derive_seed("faults", seed))
    groups: dict[tuple[str, str], list[Mutation]] = {}
    for path, text in sorted(package_files(files).items()):
        for mutation in mutations(text) if path.endswith(".py") else ():
            groups.setdefault((mutation.operator, path), []).append(mutation)
    for group in groups.values():
        generator.shuffle(group)
    by_operator: dict[str, list[tuple[str, Mutation]]] = {}
    for operator in OPERATORS:
        paths = [path for kind, path in groups if kind == operator]
        generator.shuffle(paths)
        queue = []
        while paths:
            for path in list(paths):
                queue.append((path, groups[operator, path].pop()))
                if not groups[operator, path]:
                    paths.remove(path)
        by_operator[operator] = queue
    while any(by_operator.values()):
        for operator in OPERATORS:
            if by_operator[operator]:
                yield by_operator[operator].pop(0)


def _item(
    tree: SourceTree,
    source: SourceTree,
    tests: SourceTree,
    fault: tuple[str, Mutation],
    failing: Mapping[str, str],
    passing: set[str],
    suite: Suite,
) -> RepairItem:
    path, mutation = fault
    faulty = tree.files[path]
    last = faulty[: mutation.start + max(len(mutation.new) - 1, 0)].count("\n") + 1
    first = faulty[: mutation.start].count("\n") + 1
    return RepairItem(
        id=tree.name,
        kind="mutation",
        statement=symptom(tree.origin.package, failing),
        tree=tree.name,
        tests=tests.name,
        patch=make_diff(tree.files, source.files),
        fail_to_pass=tuple(failing),
        pass_to_pass=tuple(sorted(passing)),
        origin=tree.origin,
        evidence=(Span(path, first, max(first, last)),),
        source={"operator": mutation.operator, **facts(suite)},
    )


def symptom(package: str, failing: Mapping[str, str]) -> str:
    """Return a statement that shows what a check says, and names no line and no test.

    Args:
        package: its name.
        failing: the message of each test that fails.
    """
    counted = "One check of its" if len(failing) == 1 else f"{len(failing)} checks of its"
    shown = next((found for m in failing.values() if (found := _without_places(m))), "")
    said = f" The first one says:\n\n{shown}\n" if shown else ""
    return (
        f"{package} does not do what it should. {counted} behaviour fail"
        f"{'s' if len(failing) == 1 else ''}.{said}\nFind the fault in the source and repair it."
    )


def _without_places(message: str) -> str:
    lines = [line for line in message.splitlines() if line.strip()][:_MESSAGE_LINES]
    text = "\n".join(f"    {line}" for line in lines)
    text = re.sub(r"\bat 0x[0-9a-fA-F]+", "at 0x...", text)
    text = re.sub(r"(File \")?[\w./-]+\.py\"?(, line |:)\d+", "...", text)
    return re.sub(r"\bline \d+\b", "a line", text)
