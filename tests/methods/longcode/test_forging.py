"""No hostile patch is a repair; without its guard, one is graded as one; honest ones pass."""

import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode.diffs import make_diff
from lit_research.methods.longcode.grading import Grader
from lit_research.sandbox import Limits, Pool
from lit_research.sandbox.suite_records import GUARDS
from tests.methods.longcode.hostile_patches import HOSTILE, fixed_release
from tests.methods.longcode.till import FAULTY, FIXED, PRICE, SUM, TREES

LIMITS = Limits(wall_s=30, cpu_s=20, memory_mib=512, output_kib=4096)
PRICES, SUMS = "till/prices.py", "till/sums.py"
OF_PRICE = {"test functions without bodies", "a pytest of its own", "no failure of raises"}
OF_PRICE |= {"tests rewritten", "tests rewritten by another process", "an empty test file"}
BRIEF = Limits(wall_s=3, cpu_s=20, memory_mib=512, output_kib=4096)


@pytest.fixture(scope="module")
def grader():
    with Pool(["pytest"]) as pool:
        yield Grader(TREES, pool=pool, limits=LIMITS)


def patch(files: dict[str, str]) -> str:
    return make_diff(FAULTY, {**FAULTY, **files})


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_is_resolved(grader, name):
    item = PRICE if PRICES in HOSTILE[name] or name in OF_PRICE else SUM
    assert_not_resolved(grader, name, item)


@pytest.mark.replica
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_is_resolved_for_the_other_fault(grader, name):
    for item in (SUM, PRICE):
        assert_not_resolved(grader, name, item)


def assert_not_resolved(grader, name, item):
    limited = replace(grader, limits=BRIEF) if name == "sleep" else grader
    verdict = limited.grade(item, patch(HOSTILE[name]))
    assert verdict.resolved is False, verdict
    assert verdict.reason


def test_the_fixed_release_is_out_of_sight(grader, tmp_path):
    for path, text in FIXED.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    for item in (SUM, PRICE):
        assert grader.grade(item, patch(fixed_release(str(tmp_path)))).resolved is False


@pytest.mark.parametrize(
    ("guard", "name", "item"),
    [
        ("paths", "a weaker test", SUM),
        ("read-only", "tests rewritten", PRICE),
        ("plugins", "a plugin by entry point", SUM),
        ("sentinels", "test functions without bodies", PRICE),
        ("twins", "equal to everything", SUM),
        ("twins", "expected by the caller", SUM),
        ("names", "by the name of the test", SUM),
        ("signed", "forged records", PRICE),
        ("integrity", "the true tests pass", SUM),
        ("integrity", "the true tests pass", PRICE),
        ("integrity", "a hook of reports", SUM),
        ("integrity", "a pytest of its own", PRICE),
        ("audit", "a walk of the memory", SUM),
    ],
)
def test_each_guard_holds_what_the_others_do_not(grader, guard, name, item):
    without = replace(grader, guards=GUARDS - {guard})
    # Which tests get a twin is drawn anew in each run, and one more may tell a patch.
    verdicts = [without.grade(item, patch(HOSTILE[name]))]
    while not verdicts[-1].resolved and len(verdicts) < 8:
        verdicts.append(without.grade(item, patch(HOSTILE[name])))
    assert verdicts[-1].resolved, verdicts


def test_a_python_with_the_package_installed_is_refused(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv/bin/python")
    [site] = (tmp_path / "venv/lib").glob("python*/site-packages")
    (site / "pytest.pth").write_text(sysconfig.get_paths()["purelib"])
    for path, text in FIXED.items():
        (site / path).parent.mkdir(exist_ok=True)
        (site / path).write_text(text)
    packages = Path(sysconfig.get_paths()["purelib"])
    grader = Grader(TREES, python=python, readable=[packages, tmp_path], limits=LIMITS)
    stolen = patch(HOSTILE["an installed copy"])
    with pytest.raises(UserError, match="another copy could be imported"):
        grader.grade(SUM, stolen)
    assert replace(grader, guards=GUARDS - {"installed"}).grade(SUM, stolen).resolved


def test_every_guard_is_shown_to_be_needed():
    [mark] = [
        m
        for m in test_each_guard_holds_what_the_others_do_not.pytestmark
        if m.name == "parametrize"
    ]
    assert {case[0] for case in mark.args[1]} | {"installed"} == GUARDS


def test_there_are_thirty_hostile_patches():
    assert len(HOSTILE) >= 30


HONEST = {
    "as it was": {},
    "in other words": {
        SUMS: "def total(prices, discount=0):\n    return sum(prices) - discount\n\n\n"
        "def mean(prices):\n    return total(prices) / len(prices) if prices else 0\n",
    },
    "with a helper and a new file": {
        SUMS: FIXED[SUMS].replace("    result = 0\n", "    result = zero()\n")
        + "\n\nfrom till.zero import zero\n",
        "till/zero.py": "def zero():\n    return 0\n",
    },
    "with documents": {"README.md": "till\n", "docs/index.md": "till\n"},
    "with a cache": {
        SUMS: "from functools import lru_cache\n\n"
        + FIXED[SUMS].replace("result = 0", "result = _0()")
        + "\n\n@lru_cache(maxsize=None)\ndef _0():\n    return 0\n",
    },
    "with frames and threads": {
        SUMS: "import inspect\nimport threading\n\nHERE = inspect.currentframe()\n"
        "LOCK = threading.Lock()\n\n\n" + FIXED[SUMS],
    },
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_patches_are_let_through(grader, name):
    verdict = grader.grade(SUM, patch({SUMS: FIXED[SUMS], **HONEST[name]}))
    assert verdict.resolved, verdict
