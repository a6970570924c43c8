"""Suites run against source trees; sentinels, twins and guards show what is forged."""

import ast
import random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.sandbox import Limits, Pool
from lit_research.sandbox.suite_paths import why_protected
from lit_research.sandbox.suite_records import Suite
from lit_research.sandbox.suite_sentinels import mark
from lit_research.sandbox.suites import run_suite

LIMITS = Limits(wall_s=30, cpu_s=20, memory_mib=512)
SOURCE = {"pair/__init__.py": "def first(pair):\n    return pair[0]\n"}
TEST = """\
import os
import unittest

import pytest

from pair import first


def test_first():
    assert first([1, 2]) == 1


@pytest.mark.parametrize("pair", ["ab", "é::[x]"])
def test_text(pair):
    assert first(pair) == pair[0]


class TestPair(unittest.TestCase):
    def test_tuple(self):
        self.assertEqual(first((3, 4)), 3)

    def test_wrong(self):
        self.assertEqual(first((3, 4)), 5, "not five")


@pytest.mark.skip
def test_skipped():
    pass


@pytest.mark.xfail
def test_expected_failure():
    assert first([]) == 1


def test_broken_fixture(no_such_fixture):
    pass


def test_environment():
    assert os.environ["TZ"] == "Asia/Tokyo"
    assert "PYTHONPATH" not in os.environ
    assert not os.path.exists(".git")
"""
FILE = "tests/test_pair.py"
SUITE = Suite({FILE: TEST}, (FILE,), ("pair",))


@pytest.fixture(scope="module")
def pool():
    with Pool(["pytest"]) as pool:
        yield pool


@pytest.fixture(scope="module")
def run(pool):
    return lambda files, suite=SUITE, **options: run_suite(
        files, suite, pool=pool, limits=options.pop("limits", LIMITS), **options
    )


def suite(text: str, **options) -> Suite:
    return Suite({FILE: text}, (FILE,), ("pair",), **options)


def test_every_test_has_an_outcome(run):
    found = run(SOURCE, time_zone="Asia/Tokyo")
    assert (found.status, found.reason) == ("finished", "")
    assert found.outcomes == {
        f"{FILE}::test_first": "passed",
        f"{FILE}::test_text[ab]": "passed",
        f"{FILE}::test_text[\\xe9::[x]]": "passed",
        f"{FILE}::TestPair::test_tuple": "passed",
        f"{FILE}::TestPair::test_wrong": "failed",
        f"{FILE}::test_skipped": "skipped",
        f"{FILE}::test_expected_failure": "skipped",
        f"{FILE}::test_broken_fixture": "failed",
        f"{FILE}::test_environment": "passed",
    }
    assert "not five" in found.messages[f"{FILE}::TestPair::test_wrong"]


def test_junit_is_written_by_the_parent(run):
    root = ElementTree.fromstring(run(SOURCE, time_zone="Asia/Tokyo").junit())
    assert {name: root.get(name) for name in ("tests", "failures", "skipped", "errors")} == {
        "tests": "9",
        "failures": "2",
        "skipped": "2",
        "errors": "0",
    }


def test_with_twins_and_random_names_tests_keep_their_ids(run):
    twins = frozenset({f"{FILE}::test_first", f"{FILE}::TestPair::test_tuple"})
    found = run(SOURCE, suite(TEST, twins=twins))
    assert found.outcomes[f"{FILE}::test_first"] == "passed"
    assert found.outcomes[f"{FILE}::TestPair::test_tuple"] == "passed"
    assert len(found.outcomes) == 9


def test_order_and_hash_seed_can_be_set():
    text = "import pair\nSEEN = []\n" + "\n".join(
        f"def test_{n}():\n    SEEN.append({n})\n    assert SEEN == sorted(SEEN)\n"
        f"    assert hash('a') == {{}}\n"
        for n in range(6)
    )
    first, again = (
        run_suite(SOURCE, suite(text), limits=LIMITS, hash_seed=7, order=3) for _ in range(2)
    )
    assert list(first.outcomes) == list(again.outcomes) != sorted(first.outcomes)
    assert set(first.outcomes) == {f"{FILE}::test_{n}" for n in range(6)}


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import os\nos._exit(0)\n", "stopped"),
        ("import time\ntime.sleep(60)\n", "timeout"),
        ("while True: pass\n", "timeout"),
        ("import gc\ngc.get_objects()\n", "tampered"),
        ("raise ImportError('broken')\n", "finished"),
        ("def first(pair:\n", "finished"),
    ],
)
def test_a_run_that_went_wrong_says_how(run, source, status):
    limits = Limits(wall_s=2, cpu_s=2, memory_mib=512)
    found = run({"pair/__init__.py": source}, limits=limits)
    assert found.status == status, found
    assert not list(found.having("passed"))
    assert status == "finished" or found.reason
    assert status != "finished" or FILE in found.uncollected


def test_a_suite_without_tests_is_not_finished(run):
    found = run(SOURCE, suite("import pair\n"), guards=frozenset())
    assert (found.status, found.reason) == ("stopped", "no test was collected")


def test_a_file_that_can_have_no_sentinels_is_named(run):
    found = run(SOURCE, suite(f"import pytest\npytestmark = pytest.mark.skip\n{TEST}"))
    assert found.status == "finished"  # no test passed, so nothing could be forged
    marked = "import pytest\n\n@pytest.fixture(autouse=True)\ndef only(request):\n"
    marked += "    if 'first' not in request.node.name:\n        pytest.skip('x')\n\n"
    found = run(SOURCE, suite(f"{marked}def test_first():\n    import pair\n"))
    assert (found.status, found.unmarked) == ("tampered", (FILE,))


def test_packages_of_pytest_and_installed_ones_are_refused(run):
    for name in ("packaging", "pluggy", "iniconfig", "pygments", "pytest"):
        with pytest.raises(UserError, match="pytest imports it itself"):
            Suite({FILE: TEST}, (FILE,), (name,))
    with pytest.raises(UserError, match="another copy could be imported"):
        run(SOURCE, Suite({FILE: TEST}, (FILE,), ("yaml",)))
    with pytest.raises(UserError, match="did you mean"):
        Suite({FILE: TEST}, ("tests/test_pairs.py",), ("pair",))
    with pytest.raises(UserError, match="run is empty"):
        Suite({FILE: TEST}, (), ("pair",))
    with pytest.raises(UserError, match=r"without \.\."):
        run({"../outside.py": ""})


def test_code_that_starts_processes_must_be_declared(run):
    source = {
        "pair/__init__.py": "import subprocess\n\n\ndef first(pair):\n"
        "    subprocess.run(['true'])\n    return pair[0]\n"
    }
    assert run(source).status == "tampered"
    assert run(source, suite(TEST, starts_processes=True)).status == "finished"


@pytest.mark.parametrize(
    "path",
    [
        *("tests/a.py", "pkg/tests/data.json", "test_a.py", "pkg/a_test.py", "conftest.py"),
        *("pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "setup.py", "a.pth"),
        *("sitecustomize.py", "pkg/a.so", "pkg/__pycache__/a.pyc", "requirements-dev.txt"),
    ],
)
def test_what_decides_how_tests_run_is_protected(path):
    assert why_protected(path)


def test_source_is_not_protected():
    for path in (
        "pkg/a.py",
        "src/pkg/testing_tools.py",
        "README.md",
        "pkg/latest.py",
        "pkg/a.json",
    ):
        assert why_protected(path) == ""


BODIES = st.sampled_from(
    [
        "assert f(1) == 1",
        "assert 'é' == g('x')",
        "self.assertEqual(f(2), (1, 'b'))",
        "with raises(E):\n        f()",
        "x = 1\n    assert x",
        "assert f() == {\n        'a': [1, 2],\n        'b': None,\n    }",
        "assert a == b, 'they differ'",
        "pass",
    ]
)


@settings(max_examples=100, deadline=None)
@given(bodies=st.lists(BODIES, min_size=1, max_size=6), seed=st.integers(0, 2**32))
def test_marked_files_parse_and_hold_every_test(bodies, seed):
    names = [f"test_{n}" for n in range(len(bodies))]
    text = '"""Doc."""\nimport unittest\n\n\n' + "\n\n".join(
        f"def {name}(self=None):\n    {body}\n" for name, body in zip(names, bodies, strict=True)
    )
    marked = mark(text, random.Random(seed), twin=names)
    defined = [n.name for n in ast.walk(ast.parse(marked.text)) if isinstance(n, ast.FunctionDef)]
    assert len(defined) == len(set(defined))
    renamed, twins = dict(marked.renamed), dict(marked.twins)
    assert sorted(renamed.values()) == names
    plain = {name.rpartition("::")[2] for name in (*marked.must_fail, *marked.must_pass)}
    assert set(defined) == set(renamed) | set(twins) | plain
    assert len(marked.must_fail) == len(marked.must_pass) == 2  # in unittest's way too
    for body, name in zip(bodies, names, strict=True):
        [random_name] = [new for new, old in renamed.items() if old == name]
        count = sum(original == random_name for original in twins.values())
        assert count == (2 if "assert" in body else 0)
        assert f"{body}\n" in marked.text  # the true one is as it was
