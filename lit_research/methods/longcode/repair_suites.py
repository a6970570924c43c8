"""Which suite judges a repair: its files, its packages, and the tests that get twins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from lit_research.errors import UserError
from lit_research.methods.longcode.items import RepairItem
from lit_research.methods.longcode.trees import SourceTree
from lit_research.sandbox.suite_paths import is_test_file, why_protected
from lit_research.sandbox.suite_records import Suite

STARTS_PROCESSES = "starts processes"
"""Key of an item's ``source``: ``yes`` where the code under test has to start processes."""
_ROOTS = ("src/", "lib/")
_NO_PACKAGES = """
bench benchmark benchmarks build ci dist doc docs example examples extras fabfile scripts tasks
tools utils
"""


def layout(files: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the folders that belong on ``sys.path``, and the top-level modules in them.

    Args:
        files: paths of a source release.
    """
    paths = [path for path in files if path.endswith(".py") and not why_protected(path)]
    for root in _ROOTS:
        inside = [path.removeprefix(root) for path in paths if path.startswith(root)]
        if modules := _modules(inside):
            return (root.rstrip("/"),), modules
    return ("",), _modules(paths)


def _modules(paths: list[str]) -> tuple[str, ...]:
    found = set()
    for path in paths:
        first, *rest = PurePosixPath(path).parts
        if (rest and f"{first}/__init__.py" in paths) or not rest:
            found.add(first.removesuffix(".py"))
    return tuple(sorted(name for name in found - set(_NO_PACKAGES.split()) if name.isidentifier()))


def package_files(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files of the packages and modules of a release, without documents and scripts."""
    roots, packages = layout(files)
    starts = tuple(
        f"{root}/{package}{end}".lstrip("/")
        for root in roots
        for package in packages
        for end in ("/", ".py")
    )
    return {path: text for path, text in files.items() if path.startswith(starts)}


def split_release(release: SourceTree) -> tuple[SourceTree, SourceTree]:
    """Return what a repair may change, and the tests with all else that it may not."""
    source = {path: text for path, text in release.files.items() if not why_protected(path)}
    rest = {path: text for path, text in release.files.items() if path not in source}
    return (
        SourceTree(release.name, source, release.origin),
        SourceTree(f"{release.name}-tests", rest, release.origin),
    )


def whole_suite(source: Mapping[str, str], tests: SourceTree) -> Suite:
    """Return the suite of all tests of a release.

    Raises:
        UserError: it has no tests, or no package.
    """
    roots, packages = layout(source)
    run = tuple(sorted(path for path in tests.files if is_test_file(path)))
    if not run:
        raise UserError(
            f"the tree {tests.name!r} has no file of tests; must have one named test_*.py, "
            "*_test.py or tests.py (many releases leave their tests out)"
        )
    if not packages:
        raise UserError(f"the tree {tests.name!r} is of a release without a package or module")
    named = [path for path in run if not path.rpartition("/")[2].startswith("test_")]
    ini = "[pytest]\n"
    if named:
        ini += "python_files = test_*.py *_test.py test.py tests.py\n"
    return Suite(tests.files, run, packages, roots, frozenset(), ini)


def item_suite(item: RepairItem, trees: Mapping[str, SourceTree]) -> Suite:
    """Return the suite that judges a repair: the files that hold its tests.

    All tests of ``fail_to_pass`` and one of ``pass_to_pass`` a file get twins.

    Raises:
        UserError: the item's tests are elsewhere.
    """
    if not item.tests:
        raise UserError(
            f"the item {item.id!r} names no tree of tests; such items are exported and graded by "
            "swebench.harness.run_evaluation"
        )
    whole = whole_suite(trees[item.tree].files, trees[item.tests])
    named = [*item.fail_to_pass, *item.pass_to_pass]
    run = tuple(sorted({test.partition("::")[0] for test in named}))
    if missing := [path for path in run if path not in whole.files]:
        raise UserError(
            f"the item {item.id!r} names tests in {missing[0]!r}, which the tree {item.tests!r} "
            "does not have; must be a file of it"
        )
    may = item.source.get(STARTS_PROCESSES) == "yes"
    return replace(whole, run=run, twins=twins_of(item), starts_processes=may)


def twins_of(item: RepairItem) -> frozenset[str]:
    """Return the tests that get twins, as node ids without parameters."""
    first: dict[str, str] = {}
    for test in sorted(item.pass_to_pass):
        first.setdefault(test.partition("::")[0], test)
    return frozenset(test.partition("[")[0] for test in (*item.fail_to_pass, *first.values()))


def facts(suite: Suite) -> dict[str, str]:
    """Return what an item's ``source`` must say of its suite."""
    return {STARTS_PROCESSES: "yes"} if suite.starts_processes else {}
