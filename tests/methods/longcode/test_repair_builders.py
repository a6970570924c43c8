"""Repairs built from releases and from single faults: what they hold, and what is dropped."""

import ast
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode.changelogs import nearest_entries, new_entries, words
from lit_research.methods.longcode.changes import changed, changes
from lit_research.methods.longcode.grading import Grader
from lit_research.methods.longcode.items import Origin
from lit_research.methods.longcode.mutation_repairs import build_mutations, symptom
from lit_research.methods.longcode.mutations import OPERATORS, mutations, parses
from lit_research.methods.longcode.patches import patch_files
from lit_research.methods.longcode.reduction import smallest
from lit_research.methods.longcode.release_repairs import build_release_repairs
from lit_research.methods.longcode.repair_checks import check_repairs
from lit_research.methods.longcode.repair_runs import Runner, bound
from lit_research.methods.longcode.repair_suites import layout
from lit_research.methods.longcode.trees import SourceTree
from lit_research.sandbox import Limits, Pool
from tests.methods.longcode.till import FAULTY, FIXED, SUMS, TESTS

LIMITS = Limits(wall_s=60, cpu_s=20, memory_mib=512)
OLD_LOG = "# Changes\n\n## 1.0\n\n- The first release.\n"
NEW_LOG = OLD_LOG.replace(
    "## 1.0",
    "## 1.1\n\n- `parse_price` refuses every negative\n  price.\n- `total` of two prices is no "
    "longer one too low.\n- A new logo on the website.\n\n## 1.0",
)
OLD = SourceTree("till-1.0", {**FAULTY, "CHANGES.md": OLD_LOG}, Origin("till", "1.0"))
NEW = SourceTree("till-1.1", {**FIXED, **TESTS, "CHANGES.md": NEW_LOG}, Origin("till", "1.1"))


@pytest.fixture(scope="module")
def runner():
    with Pool(["pytest"]) as pool:
        yield Runner(pool=pool, limits=LIMITS)


@given(st.sets(st.integers(0, 40), min_size=1, max_size=5), st.integers(41, 60))
def test_the_smallest_part_is_found(needed, count):
    found = smallest(range(count), lambda parts: needed <= set(parts))
    assert found == sorted(needed)


LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))
TREES = st.dictionaries(st.sampled_from(["a.py", "b.py", "c.py"]), TEXTS)


@settings(deadline=None)
@given(TREES, TREES)
def test_all_changes_make_the_other_tree_and_none_make_none(old, new):
    assert changed(old, changes(old, new)) == new
    assert changed(old, []) == old
    for change in changes(old, new):
        assert changed(old, [change]) != old or old.get(change.path) == new.get(change.path)


def test_releases_are_taken_apart(runner):
    noise = {
        "till/extra.py": "NEW = 1\n",
        "till/__init__.py": "# Till.\n" + FIXED["till/__init__.py"],
    }
    new = replace(NEW, files={**NEW.files, **noise})
    built = build_release_repairs(OLD, new, runs=1, runner=runner)
    assert not built.dropped
    assert [item.fail_to_pass for item in built.items] == [
        ("tests/test_words.py::test_a_negative_price",),
        ("tests/test_total.py::test_total_of_two",),
    ]
    price, total = built.items
    assert "parse_price" in price.statement
    assert "logo" not in price.statement + total.statement
    assert "total" in total.statement
    assert {item.source["changes"] for item in built.items} == {"1"}
    assert all(len(item.pass_to_pass) == 22 for item in built.items)
    assert patch_files(OLD.files, price.patch).files["till/prices.py"] == FIXED["till/prices.py"]
    assert total.evidence[0].file == "till/sums.py"
    grader = Grader(built.trees, pool=runner.pool, limits=LIMITS)
    assert all(checked.holds for checked in check_repairs(built.items, grader))


def test_releases_without_what_is_needed(runner):
    same = build_release_repairs(NEW, NEW, runs=1, runner=runner)
    assert not same.items
    assert "no test of the newer release fails with the older source" in same.dropped
    bare = replace(NEW, files=FIXED)
    with pytest.raises(UserError, match="no file of tests"):
        build_release_repairs(OLD, bare, runs=1, runner=runner)
    broken = replace(NEW, files={**NEW.files, "till/__init__.py": "import no_such_module\n"})
    with pytest.raises(UserError, match="no_such_module"):
        build_release_repairs(OLD, broken, runs=1, runner=runner)


def test_faults_that_some_test_notices_become_items(runner):
    built = build_mutations(NEW, 2, runs=2, runner=runner, seed=1)
    assert len(built.items) == 2
    for item in built.items:
        faulty = built.trees[item.tree].files
        different = [path for path in FIXED if faulty[path] != FIXED[path]]
        assert len(different) == 1
        assert patch_files(faulty, item.patch).files[different[0]] == FIXED[different[0]]
        assert len(item.fail_to_pass) + len(item.pass_to_pass) == 24
        assert ".py" not in item.statement
        assert item.evidence[0].file == different[0]
        assert item.source["operator"] in OPERATORS
    assert "up to 78% a test" in built.card()["flakiness"]


def test_faults_that_no_test_notices_are_dropped(runner):
    text = FIXED["till/sums.py"] + "\n\ndef unused(a=True):\n    return a and not a or 1 < 2\n"
    alone = {"till/__init__.py": "from till.sums import total\n", "till/sums.py": text}
    tests = {"tests/test_a.py": "import till\n\n\ndef test_a():\n    assert till.total([1]) == 1\n"}
    release = SourceTree("till-1.1", {**alone, **tests}, Origin("till", "1.1"))
    built = build_mutations(release, 20, runs=1, runner=runner, tries=6)
    assert built.dropped["no test fails"] > 0
    assert built.notes == ["till-1.1: only 1 tests pass"]


def test_a_flaky_test_is_in_no_list():
    flaky = "import os\nimport till\n\n\ndef test_zone():\n    assert os.environ['TZ'] == 'UTC'\n"
    text = f"{TESTS['tests/test_basics.py']}\n\n{flaky}"
    release = replace(NEW, files={**NEW.files, "tests/test_basics.py": text})
    built = build_mutations(release, 1, runs=2, runner=Runner(limits=LIMITS), seed=2)
    for item in built.items:
        assert "tests/test_basics.py::test_zone" not in (*item.fail_to_pass, *item.pass_to_pass)


def test_the_bound_of_ten_runs():
    assert bound(10) == pytest.approx(0.2589, abs=1e-4)


SOURCE = '''\
"""Doc 1 < 2."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    x = 1 < 2


def f(a: int = 1, b=None, *, c="é") -> "1 < 2":
    """Doc."""
    if a is not b and a in (1, 2):  # 3 < 4
        g("é", a)
        return not a
    while f(a):
        break
    return a + 1 if a == True else a.strip()
'''


def test_faults_change_one_place_each_and_leave_the_rest():
    found = mutations(SOURCE)
    assert {mutation.operator for mutation in found} == set(OPERATORS)
    tree = ast.dump(ast.parse(SOURCE))
    for mutation in found:
        text = mutation.apply(SOURCE)
        assert parses(text), text
        assert ast.dump(ast.parse(text)) != tree
        assert text.startswith(SOURCE[: mutation.start])
        assert text.endswith(SOURCE[mutation.end :])
        assert mutation.line > 6
    windows = mutations(SOURCE.replace("\n", "\r\n"))
    assert [m.new for m in windows] == [m.new for m in found]
    assert all(parses(m.apply(SOURCE.replace("\n", "\r\n"))) for m in windows)
    assert mutations("def (") == []


def test_undoing_a_fault_is_a_fault_of_the_same_kind():
    for mutation in mutations(SUMS):
        if mutation.operator in ("comparison", "arithmetic", "boolean", "swapped arguments"):
            text = mutation.apply(SUMS)
            assert any(back.apply(text) == SUMS for back in mutations(text)), mutation


def test_a_symptom_names_no_line():
    text = symptom(
        "till", {"t": 'File "/a/till/sums.py", line 7\nassert 1 == 2\n at 0x7f00 a.py:12'}
    )
    assert "assert 1 == 2" in text
    assert not {"sums.py", "line 7", "0x7f00", "a.py:12"} & {*text.split(), "-"}
    assert "sums" not in text


def test_entries_of_a_changelog():
    entries = new_entries(OLD.files, NEW.files)
    assert entries == [
        "`parse_price` refuses every negative price.",
        "`total` of two prices is no longer one too low.",
        "A new logo on the website.",
    ]
    assert nearest_entries(entries, words("def parse_price(text): negative")) == entries[:1]
    assert nearest_entries(entries, {"unrelated"}) == []


def test_the_layout_of_a_release_is_found():
    assert layout(["src/a/__init__.py", "setup.py", "src/a/b.py"]) == (("src",), ("a",))
    assert layout(["a/__init__.py", "docs/conf.py", "b.py", "setup.py"]) == (("",), ("a", "b"))
