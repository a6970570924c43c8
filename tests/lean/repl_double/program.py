"""The REPL: reads a JSON object and an empty line, answers likewise. Commands and no tactics.

Real ones keep environments in memory; this one keeps their sources and elaborates them again.
Usage: program.py LOG LEAN [WORD OF LEAN'S COMMAND ...]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

LOG, *LEAN = sys.argv[1:]
SEVERITY = {"information": "info"}
grown: list[bytes] = []


def lean(source: str) -> list[dict]:
    """Return what Lean says about a file; a process for nothing but comments is spared."""
    if not re.sub(r"--.*", "", source).strip():
        return []
    done = subprocess.run(
        [*LEAN, "--stdin", "--json"], input=source, capture_output=True, text=True, check=False
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def misbehave(text: str) -> None:
    """Do what a hypothesis in the text asks for; see the names in ``__init__``."""
    if re.search(r"\brepl_sleeps\b", text):
        time.sleep(600)
    if re.search(r"\brepl_dies\b", text):
        os.kill(os.getpid(), 9)
    if re.search(r"\brepl_grows\b", text):
        grown.append(b"x" * (200 << 20))
        time.sleep(600)
    if re.search(r"\brepl_babbles\b", text):
        print("{this is not JSON", flush=True)


def answer(request: dict, environments: list[str]) -> dict:
    """Run a command."""
    if "cmd" not in request:
        return {"message": "Could not parse as a valid JSON command"}
    number = request.get("env")
    if number is not None and not 0 <= number < len(environments):
        return {"message": "Unknown environment."}
    before = "" if number is None else environments[number]
    text = request["cmd"].rstrip() + "\n"
    misbehave(text)
    offset = before.count("\n")
    messages, holes = [], []
    for found in lean(before + text):
        places = {}
        for name in ("pos", "endPos"):
            if found[name]:
                places[name] = {**found[name], "line": found[name]["line"] - offset}
        if places["pos"]["line"] < 1:
            continue  # said when that environment was made
        severity = SEVERITY.get(found["severity"], found["severity"])
        messages.append({"severity": severity, **places, "data": found["data"]})
        if "declaration uses `sorry`" in found["data"]:
            holes.append({**places, "goal": "", "proofState": len(holes)})
    environments.append(before + text)
    said = {"env": len(environments) - 1}
    if messages:
        said["messages"] = messages
    if holes:
        said["sorries"] = holes
    return said


def main() -> None:
    """Serve until the input ends."""
    environments: list[str] = []
    buffer = ""
    for line in sys.stdin:
        if line.strip():
            buffer += line
        elif buffer:
            request = json.loads(buffer)
            buffer = ""
            with open(LOG, "a", encoding="utf-8") as log:
                log.write(json.dumps({"pid": os.getpid(), **request}) + "\n")
            print(json.dumps(answer(request, environments)) + "\n", flush=True)


main()
