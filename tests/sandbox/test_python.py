"""Programs and their cases: what a caller of run_python and run_cases gets back."""

import os
import sys
import textwrap

import pytest

from lit_research import sandbox
from lit_research.errors import UserError
from lit_research.sandbox import FunctionCase, Limits, Pool, StdinCase, UnitTest, choice
from lit_research.sandbox.views import python_paths

SHORT = Limits(wall_s=20, memory_mib=256, processes=16)


@pytest.fixture
def cases(level):
    """Run a program on cases; return outcome and reason of each."""

    def run(code, given, **options):
        options.setdefault("limits", SHORT)
        found = sandbox.run_cases(textwrap.dedent(code), given, level=level, **options)
        return [(result.outcome, result.reason) for result in found]

    return run


PASSED = ("passed", "")


def test_cases_of_stdin(cases):
    code = "n = int(input())\nprint(n * n if n != 3 else 10)"
    given = [StdinCase(f"{n}\n", f"{n * n}\n") for n in range(5)]
    assert cases(code, given) == [PASSED] * 3 + [("failed", "wrong output"), PASSED]


def test_cases_of_a_function(cases):
    code = """
    def f(n, m=0): return (n, [m]), {1: n}
    class Solution:
        def both(self, x): return {x, -x}
    if __name__ == "__main__":
        input("not run")
    """
    given = [
        FunctionCase("f", [2], [[2, [0]], {"1": 2}]),
        FunctionCase("f", [2], ((2, [1]), {1: 2}), kwargs={"m": 1}),
        FunctionCase("f", [2], ((2, [1]), {1: 2})),
        FunctionCase("f", [True], ((1, [0]), {1: 1})),
        FunctionCase("Solution.both", [9], {-9, 9}),
        FunctionCase("g", [], None),
    ]
    wrong = ("failed", "wrong value")
    expected = [PASSED, PASSED, wrong, wrong, PASSED, ("failed", "exception")]
    assert cases(code, given) == expected


@pytest.mark.parametrize(
    ("expected", "tolerance", "outcome"),
    [(0.3, 0.0, "failed"), (0.3, 1e-9, "passed"), (0.4, 1e-9, "failed"), ("0.3", 1.0, "failed")],
)
def test_tolerance(expected, tolerance, outcome):
    case = FunctionCase("f", [0.1, 0.2], expected, tolerance=tolerance)
    [result] = sandbox.run_cases("def f(a, b): return a + b", [case])
    assert (result.outcome, result.value) == (outcome, "0.30000000000000004")


def test_unit_tests(cases):
    code = "def f(n): return n + 1"
    whole = """
import unittest
class Test(unittest.TestCase):
    def test(self): self.assertEqual(f(1), %d)
assert unittest.main(exit=False).result.wasSuccessful()
"""
    given = [UnitTest("assert f(1) == 2"), UnitTest("assert f(1) == 3"), UnitTest("f(")]
    given += [UnitTest(whole % 2), UnitTest(whole % 3)]
    wrong = ("failed", "exception")
    assert cases(code, given) == [PASSED, wrong, wrong, PASSED, wrong]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "exception"),
        ("class Odd(Exception): pass\nraise Odd", "exception"),
        ("import sys; print(1); sys.exit(3)", "exit"),
        ("import sys; sys.exit('exit: no')", "exception"),
        ("f(", "exception"),
        ("\0", "exception"),
        ("import os; os.kill(os.getpid(), 9)", "killed"),
        ("import time; time.sleep(30)", "timeout"),
        ("keep = []\nwhile True: keep.append(bytearray(b'x' * (4 << 20)))", "memory"),
        ("raise MemoryError", "memory"),
        ("while True: print('x' * 1000)", "output"),
    ],
)
def test_reasons(cases, code, reason):
    limits = Limits(wall_s=1.5, memory_mib=150, output_kib=64)
    assert cases(code, [StdinCase("", "1")], limits=limits) == [("failed", reason)]


def test_processor_time_of_a_case(cases):
    limits = Limits(wall_s=20, cpu_s=0.3)
    given = [StdinCase("0", ""), StdinCase("1", "1")]
    code = "n = int(input())\nwhile not n: pass\nprint(n)"
    assert cases(code, given, limits=limits) == [("failed", "cpu"), PASSED]


def test_a_program_of_any_size_and_letters(cases):
    code = f"text = {'ü' * 300_000!r}\nprint(len(text), 'ß')"
    assert cases(code, [StdinCase("", "300000 ß")]) == [PASSED]


def test_more_input_and_output_than_a_pipe_holds(cases):
    text = "x" * 300_000
    assert cases("print(input())", [StdinCase(text, text)]) == [PASSED]
    assert cases("print(1)", [StdinCase(text, "1")]) == [PASSED]


def test_nothing_is_left_for_the_next_case(cases, level):
    # The interpreter may be below /tmp, and is shown there.
    shown = {path.parts[2] for path in python_paths() if path.is_relative_to("/tmp")}
    code = f"""
    import builtins, collections, os, sys
    nice = os.nice(0)
    print(nice == {os.nice(0)})
    print([hasattr(builtins, "mark"), hasattr(collections, "mark"), os.environ.get("MARK")])
    places = [".", *(["/tmp", "/dev/shm"] if {level != "rlimits"} else [])]
    print([name for place in places for name in os.listdir(place) if name not in {shown}])
    print(sorted(os.listdir("/proc/self/fd"))[:-1], os.getcwd() == os.environ["HOME"])
    builtins.mark = collections.mark = os.environ["MARK"] = "x"
    for place in places:
        open(place + "/file", "w").close()
        os.makedirs(place + "/a/b")
        os.symlink("/usr", place + "/a/link")
        os.chmod(place + "/a", 0)
    if input() == "2":
        os.setpriority(os.PRIO_PROCESS, os.getppid(), nice + 3)
    """
    text = "True\n[False, False, None]\n[]\n['0', '1', '2'] True\n"
    given = [StdinCase(f"{n}\n", text) for n in range(4)]
    assert cases(code, given) == [PASSED] * 4


def test_random_numbers_differ_between_cases(level):
    code = "import random; print(random.random())"
    found = sandbox.run_cases(code, [StdinCase("", "")] * 3, level=level)
    assert len({result.result.text for result in found}) == 3


def test_the_list_ends_with_the_first_failure(cases):
    given = [StdinCase("", "1"), StdinCase("", "2"), StdinCase("", "1")]
    wrong = ("failed", "wrong output")
    assert cases("print(1)", given, stop_at_failure=True) == [PASSED, wrong]
    assert cases("print(1)", []) == []


def test_a_comparison_of_the_caller(cases):
    near = StdinCase("", "0.3", compare=lambda one, two: abs(float(one) - float(two)) < 1e-6)
    assert cases("print(0.1 + 0.2)", [near, StdinCase("", "0.3")])[0] == PASSED
    assert cases("print('a')", [near]) == [("failed", "wrong output")]


def test_a_program_alone(level):
    result = sandbox.run_python("import sys; print(input()); sys.exit(4)", "in", level=level)
    assert (result.status, result.exit_code, result.text) == ("failed", 4, "in\n")
    assert result.isolation == level
    plain = sandbox.run_python("def f():\n  1 / 0\nf()", level=level).error_text
    assert plain.startswith('Traceback (most recent call last):\n  File "program.py", line 3')


def test_modules_loaded_before(cases):
    code = "import sys; print('decimal' in sys.modules, 'case_driver' in str(sys.modules))"
    assert cases(code, [StdinCase("", "True False")], preload=["decimal"]) == [PASSED]
    with pytest.raises(UserError, match="importing 'no_such' failed"):
        cases("0", [StdinCase("", "")], preload=["no_such"])


def test_a_pool_starts_programs(level):
    code = "import sys; print('decimal' in sys.modules)"
    with Pool(["decimal"], level=level) as pool:
        [result] = sandbox.run_cases(code, [StdinCase("", "True")], pool=pool)
        assert result.passed, result
        assert sandbox.run_python(code, pool=pool).text == "True\n"
        with pytest.raises(UserError, match="no effect beside a pool"):
            sandbox.run_python(code, pool=pool, level="rlimits")


def test_the_weakest_level_must_be_asked_for(monkeypatch):
    monkeypatch.setattr(choice, "why_not", lambda level: "" if level == "rlimits" else "forbidden")
    with pytest.raises(UserError, match="require='rlimits'"):
        sandbox.run_cases("0", [StdinCase("", "")])
    with pytest.raises(UserError, match="require='rlimits'"):
        sandbox.run_python("0")


def test_arguments_that_are_no_json():
    with pytest.raises(UserError, match="are not JSON"):
        FunctionCase("f", [{1}], 1)


def test_a_sandbox_that_does_not_start_tells_nothing(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    [result] = sandbox.run_cases("print(1)", [StdinCase("", "1")], level="rlimits")
    assert (result.outcome, result.reason) == ("unknown", "sandbox")


def test_a_unit_test_trusts_its_program(cases):
    code = """
    class Equal:
        def __eq__(self, other): return True
    def f(x): return Equal()
    """
    assert cases(code, [UnitTest("assert f(1) == 2")]) == [PASSED]
