"""Makes calls in the modules of a source tree, imported in the sandbox, for the checker."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lit_research.errors import UserError
from lit_research.methods.longcode.items import Span
from lit_research.sandbox import Limits, run_python

_LIMITS = Limits(wall_s=300, cpu_s=240, memory_mib=2048, output_kib=16384)
_PROGRAM = r"""
import contextlib, importlib, io, json, sys

folder, calls = json.load(sys.stdin)
sys.path.insert(0, folder)
modules = {}

def names_of(call):
    # The module itself, from this tree and no other; where it cannot be imported, the lines.
    module = call["module"]
    if module not in modules:
        try:
            found = importlib.import_module(module)
            modules[module] = vars(found) if found.__file__.startswith(folder) else None
        except BaseException:
            modules[module] = None
    if modules[module] is not None:
        return modules[module]
    names = {"__name__": "module"}
    exec(compile("from __future__ import annotations\n" + call["lines"], "lines", "exec"), names)
    return names

results = []
for call in calls:
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            results.append(repr(eval(call["text"], dict(names_of(call)))))
        except Exception:
            results.append("")
print(json.dumps(results))
"""


@dataclass(frozen=True)
class Call:
    """A call to be made.

    Attributes:
        text: the expression.
        evidence: the lines that it takes, of one file.
    """

    text: str
    evidence: tuple[Span, ...]


def run_calls(calls: Sequence[Call], files: Mapping[str, str]) -> list[str]:
    """Return what each call returns, as ``repr`` writes it; empty where it raises.

    Args:
        calls: all of one tree.
        files: of the tree, by path.

    Raises:
        UserError: the sandbox does not work here, or the calls do not end.
    """
    if not calls:
        return []
    with tempfile.TemporaryDirectory(prefix="longcode-") as name:
        folder = Path(name).resolve()
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        folder.chmod(0o755)
        asked = [folder.as_posix(), [_asked(call, files) for call in calls]]
        result = run_python(_PROGRAM, json.dumps(asked), limits=_LIMITS, readable=[folder])
    if result.status != "ok":
        raise UserError(
            f"the calls could not be made again: {result.status}, {result.reason}, "
            f"{result.error_text[-300:]}, in check_questions; must be calls that return"
        )
    found: list[str] = json.loads(result.text.splitlines()[-1])
    return found


def _asked(call: Call, files: Mapping[str, str]) -> dict[str, str]:
    path = call.evidence[0].file
    lines = files[path].split("\n")
    parts = ["\n".join(lines[span.first - 1 : span.last]) for span in call.evidence]
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return {"text": call.text, "module": module, "lines": "\n".join(parts)}
