"""Test cases of a question as answer keys: the layout of TACO and APPS, and our own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lit_research.errors import UserError
from lit_research.sandbox import Case, FunctionCase, StdinCase, UnitTest

_FIELDS = {
    "stdin": ({"stdin", "stdout"}, set[str]()),
    "call": ({"call", "args", "returns"}, {"kwargs", "tolerance"}),
    "test": ({"test"}, set[str]()),
}
_METHOD = re.compile(r"^class\s+Solution\b", re.MULTILINE)


def read_cases(key: Any, code: str = "", limit: int | None = None) -> list[list[Case]]:
    """Return the cases of an answer key; rarely in two readings, of which one must pass.

    The layout of TACO and APPS is ``{"inputs": [...], "outputs": [...], "fn_name": ...}``. Without
    ``fn_name``, an input is what the program reads and an output what it must write, as a text or a
    list of lines. With it, an input is the list of arguments, and an output what the function must
    return. APPS has what is returned in a list of one: where all outputs are, there is a second
    reading, in which the list itself is to be returned. The function is a method of ``Solution`` if
    the program has that class and no such function.

    Ours is ``{"cases": [...]}``, of which each is one of

    - ``{"stdin": "2 3", "stdout": "5"}``,
    - ``{"call": "add", "args": [2, 3], "returns": 5}``, perhaps with ``kwargs`` and ``tolerance``,
    - ``{"test": "assert add(2, 3) == 5"}``.

    Args:
        key: a mapping, or its JSON.
        code: the program, which says where the function is.
        limit: cases to read at most, the first ones; None: all.

    Raises:
        UserError: the key has neither layout.
    """
    content = _parsed(key)
    if "cases" in content:
        given = _list(content["cases"], "cases")
        return [[_own(case, f"case {number}") for number, case in enumerate(given[:limit], 1)]]
    if not {"inputs", "outputs"} <= content.keys():
        raise UserError(
            f"the test cases have the keys {sorted(map(str, content))[:8]}, in an answer key; must "
            "be inputs and outputs (TACO, APPS), or cases"
        )
    inputs, outputs = (_list(content[name], name) for name in ("inputs", "outputs"))
    if len(inputs) != len(outputs):
        raise UserError(
            f"there are {len(inputs)} inputs and {len(outputs)} outputs, in an answer key; must be "
            "as many"
        )
    inputs, outputs = inputs[:limit], outputs[:limit]
    pairs = list(zip(inputs, outputs, strict=True))
    if not content.get("fn_name"):
        return [[StdinCase(_lines(one), _lines(output)) for one, output in pairs]]
    name = _function(str(content["fn_name"]), code)
    calls = [_list(one, "an input of a function") for one in inputs]
    readings = [outputs]
    if outputs and all(isinstance(one, list) and len(one) == 1 for one in outputs):
        readings = [[one[0] for one in outputs], outputs]
    return [
        [FunctionCase(name, args, output) for args, output in zip(calls, reading, strict=True)]
        for reading in readings
    ]


def _parsed(key: Any) -> Mapping[str, Any]:
    if isinstance(key, str):
        try:
            key = json.loads(key)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"the test cases {key[:60]!r} are no JSON ({error}), in an answer key; must be "
                "those of TACO and APPS, or cases"
            ) from None
    if not isinstance(key, Mapping):
        raise UserError(
            f"the test cases are {key!r:.60}, in an answer key; must be an object in JSON"
        )
    return key


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise UserError(f"{name} is {value!r:.60}, in an answer key; must be a list")
    return value


def _lines(value: Any) -> str:
    """Return what is read or written: a text, or lines."""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _function(name: str, code: str) -> str:
    is_function = re.search(rf"^(?:async )?def\s+{re.escape(name)}\b", code, re.MULTILINE)
    return f"Solution.{name}" if _METHOD.search(code) and not is_function else name


def _own(case: Any, where: str) -> Case:
    keys = set(case) if isinstance(case, Mapping) else set[str]()
    kind = next((kind for kind in _FIELDS if kind in keys), None)
    needed, allowed = _FIELDS[kind] if kind else (set[str](), set[str]())
    if kind is None or not needed <= keys <= needed | allowed:
        raise UserError(
            f"{case!r:.80} is no case, in {where} of an answer key; must be stdin and stdout; "
            "call, args and returns, perhaps with kwargs and tolerance; or test"
        )
    if kind == "stdin":
        return StdinCase(str(case["stdin"]), str(case["stdout"]))
    if kind == "test":
        return UnitTest(str(case["test"]))
    arguments = _list(case["args"], f"args, in {where}")
    kwargs, tolerance = case.get("kwargs") or {}, case.get("tolerance") or 0.0
    if not isinstance(kwargs, Mapping) or not isinstance(tolerance, (int, float)):
        raise UserError(
            f"kwargs is {kwargs!r:.60} and tolerance {tolerance!r:.20}, in {where} of an answer "
            "key; must be an object and a number"
        )
    return FunctionCase(str(case["call"]), arguments, case["returns"], kwargs, float(tolerance))
