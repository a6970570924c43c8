"""A Lean REPL and a ``lake`` for machines without either: the REPL's protocol, the real Lean.

``install`` writes both; the unmodified lean-interact client then starts ``lake env .../bin/repl``
as it does anywhere, and every verdict comes from the Lean kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lit_research.errors import UserError
from lit_research.lean.toolchain import Toolchain, embedded_toolchain

PROGRAM = Path(__file__).with_name("program.py")

# Hypotheses with these names make the REPL, not Lean, misbehave.
SLEEPS, DIES, GROWS, BABBLES = "repl_sleeps", "repl_dies", "repl_grows", "repl_babbles"

_LAKE = """#!/bin/sh
case "$1" in
  --version) echo "Lake version 5.0.0 (Lean version {version})" ;;
  build) exit 0 ;;
  exe) exit 1 ;;
  env) shift; {exports}; exec "$@" ;;
  *) exit 1 ;;
esac
"""
_REPL = """#!/bin/sh
exec {python} -I -S {program} {log} {lean}
"""


@dataclass(frozen=True)
class Installed:
    """Where things are.

    Attributes:
        repl: folder of the REPL, as a checkout of it would be.
        bin: folder of ``lake``, to be put on PATH.
        log: every process and every request, one JSON object a line.
    """

    repl: Path
    bin: Path
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """Return what the processes were asked, in the order of their answers' start."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def toolchain() -> Toolchain:
    """Return the embedded Lean, or skip the test that asks for it."""
    try:
        return embedded_toolchain()
    except UserError as error:
        pytest.skip(str(error))


def lean(found: Toolchain, source: str) -> list[dict[str, Any]]:
    """Return what Lean says about a file, as a REPL says it."""
    done = subprocess.run(
        [*found.command, "--stdin", "--json"],
        input=source,
        env=found.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    for message in messages:
        message["severity"] = {"information": "info"}.get(message["severity"], message["severity"])
    return messages


def install(folder: Path, toolchain: Toolchain) -> Installed:
    """Write a REPL and a lake that run ``toolchain``."""
    found = Installed(folder / "repl", folder / "bin", folder / "log.jsonl")
    exports = "; ".join(
        f"{name}={_quoted(value)}; export {name}" for name, value in toolchain.environment().items()
    )
    _script(found.bin / "lake", _LAKE.format(version=toolchain.version, exports=exports))
    text = _REPL.format(
        python=_quoted(sys.executable),
        program=_quoted(str(PROGRAM)),
        log=_quoted(str(found.log)),
        lean=" ".join(map(_quoted, toolchain.command)),
    )
    _script(found.repl / ".lake" / "build" / "bin" / "repl", text)
    (found.repl / "lean-toolchain").write_text(f"leanprover/lean4:v{toolchain.version}\n")
    found.log.touch()
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.chmod(path, 0o755)
