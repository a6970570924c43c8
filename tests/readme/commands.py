"""The commands of a README: read from its ``bash`` blocks, and run in this process.

A comment that begins with one of ``MARKS`` says why a command is not run by tests; it is checked
instead, without running. All others are run as printed.
"""

from __future__ import annotations

import importlib.util
import re
import runpy
import shlex
import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

import pytest

from lit_research.cli import main
from lit_research.experiments import load_replica
from tests.test_configs import Parsed

# ``# long: ...`` takes an hour, ``# cluster: ...`` a machine that is not at hand and
# ``# network: ...`` the internet.
MARKS = ("long", "cluster", "network")


@dataclass(frozen=True)
class Command:
    """A command: its words, the line where it stands, and its mark, if it has one."""

    words: list[str]
    line: int
    mark: str | None

    def __str__(self) -> str:
        return f"line {self.line}: {shlex.join(self.words)}"


def read_commands(readme: Path) -> list[Command]:
    """Return the commands in order, without those that ``.ci/run`` takes by their name."""
    found: list[Command] = []
    kind, text, start = None, "", 0
    lines = readme.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            named = lines[number - 2].startswith("<!-- command:")
            kind = None if kind is not None else (line[3:].strip() if not named else "named")
        elif kind == "bash":
            start = start if text else number
            code, _, comment = f" {line}".partition(" #")
            text += f" {code.removesuffix(chr(92))}"
            if not line.endswith("\\"):
                mark = comment.strip().partition(":")[0]
                words = shlex.split(text)
                if words:
                    found.append(Command(words, start, mark if mark in MARKS else None))
                text = ""
    return found


def run(command: Command) -> None:
    """Run a command as a shell would in the current folder, or check it where it has a mark."""
    words = command.words
    try:
        if words[0] == "lit-research":
            (main if command.mark is None else Parsed)(words[1:])
        elif words[:2] == ["python", "-m"]:
            _run_module(words[2], words[3:], command.mark)
        elif words[0] == "sqlite3":
            _query(*words[1:])
        elif words[:2] == ["pip", "install"] and command.mark == "network":
            _check_extra(words[2])
        elif words[0] == "systemd-run":
            assert command.mark == "cluster", command
        else:
            pytest.fail(f"no test knows how to run {command}")
    except SystemExit as ending:
        if ending.code:
            pytest.fail(f"{command} ends with {ending.code}")


def _run_module(module: str, arguments: list[str], mark: str | None) -> None:
    if mark is not None:
        if module == "lit_research.replicate":
            assert load_replica(*arguments).ARMS
        else:
            assert importlib.util.find_spec(module), module
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module, *arguments])
        for twice in (module, f"{module}.__main__"):  # of which runpy warns
            patch.delitem(sys.modules, twice, raising=False)
        runpy.run_module(module, run_name="__main__")


def _query(file: str, query: str) -> None:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        connection.execute(query).fetchall()
    finally:
        connection.close()


def _check_extra(requirement: str) -> None:
    name, extra = re.fullmatch(r"(\w+)\[(\w+)\]", requirement).groups()
    # Metadata write an underscore as a hyphen.
    assert extra.replace("_", "-") in metadata(name).get_all("Provides-Extra"), requirement
