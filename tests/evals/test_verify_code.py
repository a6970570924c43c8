"""Programs in responses, run on real cases in the real sandbox."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.evals import CodeVerifier, parse_program, read_cases, verify_code
from lit_research.methods.verifier_quality import measure_verifier
from lit_research.sandbox import CaseResult, FunctionCase, Result, StdinCase, UnitTest, choice
from tests.evals.attempts import attempt
from tests.evals.labelled_programs import PROGRAMS, SQUARE, labelled, response

KEY = json.dumps(SQUARE)


@pytest.fixture(scope="module")
def verifier():
    return CodeVerifier(wall_s=20.0)


def verdict(verifier, program, key=KEY, final=None):
    [found] = verifier.verify([attempt(text=program, key=key, final=final)])
    return found


def test_the_labelled_programs(verifier):
    attempts = [attempt(text=text, key=key) for key, text, _ in labelled()]
    found = measure_verifier(verifier, attempts, [label for *_, label in labelled()])
    assert [PROGRAMS[index] for index in found.mistakes] == []
    right = sum(label for *_, label in PROGRAMS)
    assert (found.false_reject.of, found.false_accept.of) == (right, len(PROGRAMS) - right)
    assert found.cannot_tell_right.count == found.cannot_tell_wrong.count == 0
    assert found.false_accept.interval[1] < 0.15


def test_why_a_program_is_wrong(verifier):
    for program, reason in {
        "print(4)": "wrong output: case 2 of 3, wrote something else",
        "1 / 0": "exception: case 1 of 3, ZeroDivisionError: division by zero",
        "def f(": "exception: case 1 of 3, SyntaxError: '(' was never closed (program.py, line 1)",
        "import os; os._exit(3)": "exit: case 1 of 3, exit code 3",
    }.items():
        found = verdict(verifier, response(program))
        assert (found.outcome, found.reason) == ("wrong", reason)


def test_a_program_without_end_is_wrong_unless_the_machine_is_busy():
    found = verdict(CodeVerifier(wall_s=1.0), response("while True: pass"))
    kind = found.reason.partition(":")[0]
    assert (found.outcome, kind) in {
        ("wrong", "timeout"),
        ("wrong", "cpu"),
        ("cannot tell", "load"),
    }


def test_what_cannot_be_told(verifier):
    program = response("print(int(input()) ** 2)")
    for text, key, reason in [
        ("I do not know.", KEY, "no program: none"),
        ("It is 42", KEY, "no program: none"),
        ("```cpp\nint main() {}\n```", KEY, "no program: none"),
        ("```python\nprint(1", KEY, "no program: malformed: the last block of code is not closed"),
        (program, '{"inputs": [], "outputs": []}', "no cases"),
        (program, '{"cases": []}', "no cases"),
        (response("import not_here"), KEY, "missing module: ModuleNotFoundError"),
        ("x" * 2_000_001, KEY, "too long: 2000001 characters"),
    ]:  # fmt: skip
        found = verdict(verifier, text, key)
        assert found.outcome == "cannot tell"
        assert found.reason.startswith(reason)


def test_a_sandbox_that_fails_says_nothing_of_the_program(verifier, monkeypatch):
    ended = Result("killed", -9, b"", b"", 0.1, "namespaces", "ended by signal 9")

    def fails(code, cases, **options):
        return [
            CaseResult("passed", "", "", ended),
            CaseResult("unknown", "sandbox", "gone", ended),
        ]

    monkeypatch.setattr(verify_code, "run_cases", fails)
    found = verdict(verifier, response("print(int(input()) ** 2)"))
    assert (found.outcome, found.reason) == ("cannot tell", "sandbox: gone")


def test_attempts_keep_their_order_and_equal_programs_run_once(verifier):
    texts = [response(f"print({k} and int(input()) ** 2)") for k in (1, 0, 1)]
    attempts = [attempt(text=text, key=KEY) for text in [*texts, "none"]]
    found = [one.outcome for one in verifier.verify(attempts)]
    assert found == ["right", "wrong", "right", "cannot tell"]


def test_max_cases_prelude_and_preload():
    program = response("print(4 if sqrt(4) else 0)")
    assert verdict(CodeVerifier(max_cases=1), program).is_wrong
    with_prelude = CodeVerifier(max_cases=1, prelude="from math import sqrt", preload=["math"])
    assert verdict(with_prelude, program).is_right
    assert verdict(CodeVerifier(prelude="from math import sqrt"), program).is_wrong


def test_programs_of_a_model_run_at_level_rlimits_only_by_name(monkeypatch):
    def only_rlimits(level):
        return "" if level == "rlimits" else "forbidden"

    monkeypatch.setattr(choice, "why_not", only_rlimits)
    monkeypatch.delenv(choice.REQUIRE, raising=False)
    program = response("print(int(input()) ** 2)")
    with pytest.raises(UserError, match="no isolation as strong as 'namespaces' works here"):
        verdict(CodeVerifier(), program)
    by_name = CodeVerifier(level="rlimits")
    assert by_name.card()["level"] == "rlimits"
    assert verdict(by_name, program).is_right


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\na = 1\n```", "a = 1"),
        ("```py\na = 1\n```\nthen\n~~~python3\nb = 2\n~~~", "b = 2"),
        ("```python\na = 1\n```\nIt prints\n```\n1\n```", "a = 1"),
        ("```\na = 1\n```", "a = 1"),
        ("````python\ns = '''\n```\n'''\n````", "s = '''\n```\n'''"),
        ("1. First\n   ```python\n   if a:\n       b()\n   ```", "if a:\n    b()"),
        ("<think>```python\nold()\n```</think>\n```python\nnew()\n```", "new()"),
        ("<think>\n```python\nkept()\n```\n</think>\nAs above.", "kept()"),
        ("<think>\nhm\n</think>import sys\nprint(1)", "import sys\nprint(1)"),
        ("```{.python}\na()\n```", "a()"),
        ("42", None),
        ("```python\na()\n```\nor\n```python\nb(", None),
    ],
)
def test_the_program_of_a_response(text, code):
    assert parse_program(text).code == code


def test_the_final_answer_goes_before_the_reasoning():
    reasoning = "```python\ndraft()\n```"
    assert parse_program(reasoning, "print(1)").code == "print(1)"
    assert parse_program(reasoning, "```python\nprint(1)\n```").code == "print(1)"
    assert parse_program(reasoning, "See above.").code == "draft()"


@given(st.lists(st.sampled_from(["```", "~~~", "python", "\n", " ", "a=1", "`", "</think>", "("])))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_program_or_a_reason(parts):
    found = parse_program("".join(parts))
    assert (found.code is None) == bool(found.reason)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_fenced_program_comes_back_as_it_was(line):
    code = f"x = {line!r}\ny = 1"
    assert parse_program(response(code)).code == code


def test_keys_in_both_layouts():
    [cases] = read_cases({"inputs": ["1", ["2", "3"]], "outputs": ["a", ["b", "c"]]})
    assert cases == [StdinCase("1", "a"), StdinCase("2\n3", "b\nc")]
    wrapped = {"fn_name": "f", "inputs": [[1, 2]], "outputs": [[[3]]]}
    assert read_cases(wrapped) == [
        [FunctionCase("f", [1, 2], [3])],
        [FunctionCase("f", [1, 2], [[3]])],
    ]
    method = "class Solution:\n    def f(self): pass"
    assert read_cases(wrapped, method)[0][0].name == "Solution.f"
    own = {"cases": [{"stdin": "1", "stdout": "2"}, {"test": "assert f"}]}
    own["cases"] += [{"call": "f", "args": [1], "returns": 2, "kwargs": {"k": 1}, "tolerance": 0.1}]
    assert read_cases(json.dumps(own)) == [
        [StdinCase("1", "2"), UnitTest("assert f"), FunctionCase("f", [1], 2, {"k": 1}, 0.1)]
    ]
    assert read_cases(own, limit=1) == [[StdinCase("1", "2")]]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "the test cases are None"),
        ("42", "the test cases are 42"),
        ("{", "are no JSON"),
        ({"input": []}, r"have the keys \['input'\]"),
        ({"inputs": ["1"], "outputs": []}, "there are 1 inputs and 0 outputs"),
        ({"inputs": "1", "outputs": ["1"]}, "inputs is '1'"),
        ({"inputs": [1], "outputs": [1], "fn_name": "f"}, "an input of a function is 1"),
        ({"cases": [{"stdin": "1"}]}, "is no case, in case 1"),
        ({"cases": [{"test": "a", "stdout": "b"}]}, "is no case, in case 1"),
        ({"cases": [{"call": "f", "args": 1, "returns": 2}]}, "args, in case 1 is 1"),
        ({"cases": [{"call": "f", "args": [], "returns": 2, "kwargs": 3}]}, "kwargs is 3"),
    ],
)
def test_keys_that_are_no_cases_are_refused(verifier, key, message):
    with pytest.raises(UserError, match=message + ".*of 'q', in the file"):
        verifier.check_keys([attempt(text="x", key=KEY), attempt(key=key)], "in the file")
    verifier.check_keys([attempt(key=KEY), attempt(key=SQUARE)])


def test_numbers_out_of_range():
    for options in ({"wall_s": 0}, {"memory_mib": 0}, {"max_cases": 0}, {"workers": 0}):
        [name] = options
        with pytest.raises(UserError, match=f"{name} is 0"):
            CodeVerifier(**options)
