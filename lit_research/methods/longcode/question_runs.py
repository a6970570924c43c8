"""Runs many calls of pure functions in one sandbox; one that does not end stops no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.sandbox import Limits, run_python

_LIMITS = Limits(wall_s=300, cpu_s=240, memory_mib=1024, output_kib=16384)
_RUNNER = r"""
import json, os, resource, signal, sys

def is_plain(value):
    if type(value) in (tuple, list):
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(key) and is_plain(one) for key, one in value.items())
    return value is None or type(value) in (bool, int, float, str, bytes)

def work(job, write):
    names = {"__name__": "module"}
    exec(compile("from __future__ import annotations\n" + job["code"], "module", "exec"), names)
    for number in job["order"]:
        try:
            value = names[job["name"]](*eval("(" + job["calls"][number] + ",)"))
        except Exception:
            continue
        if is_plain(value) and len(text := repr(value)) < 1000:
            write([job["number"], number, type(value).__name__, text])

def work_all(jobs, pipe):
    # A function that takes too long ends this process; the next one goes on behind it.
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
    write = lambda row: os.write(pipe, json.dumps(row).encode() + b"\n")
    for job in jobs:
        write(job["number"])
        signal.setitimer(signal.ITIMER_PROF, 1)
        signal.alarm(20)
        try:
            work(job, write)
        except BaseException:
            pass

jobs = json.load(sys.stdin)
begin = 0
while begin < len(jobs):
    sys.stdout.flush()
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            work_all(jobs[begin : begin + 64], write)
        finally:
            os._exit(0)
    os.close(write)
    begin += 1  # whatever becomes of the child
    with os.fdopen(read) as lines:
        for line in lines:
            if line.startswith("["):
                sys.stdout.write(line)
            elif line.endswith("\n"):
                begin = max(begin, int(line) + 1)
    os.waitpid(child, 0)
"""


@dataclass(frozen=True)
class Job:
    """Calls of one function.

    Attributes:
        code: defines the function.
        name: of the function.
        calls: arguments of each call, each as Python writes it.
    """

    code: str
    name: str
    calls: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """What a call returned.

    Attributes:
        type: name of its type.
        text: as ``repr`` writes it.
    """

    type: str
    text: str


def run_jobs(jobs: Sequence[Job], *, backwards: bool = False) -> list[list[Outcome | None]]:
    """Return what each call returned; None where it raised, took too long, or gave no plain value.

    Plain are numbers, texts, bytes, None, and lists, tuples and dicts of them; a function has one
    second of CPU time for all its calls. The hash seed is another one in every run.

    Args:
        jobs: the calls, by function.
        backwards: run the calls of each function in the reverse order.

    Raises:
        UserError: the sandbox does not work here.
    """
    if not jobs:
        return []
    asked = []
    for number, job in enumerate(jobs):
        order = list(range(len(job.calls)))
        asked.append(
            {
                "number": number,
                "code": job.code,
                "name": job.name,
                "calls": [", ".join(arguments) for arguments in job.calls],
                "order": order[::-1] if backwards else order,
            }
        )
    result = run_python(_RUNNER, json.dumps(asked), limits=_LIMITS)
    if result.status != "ok":
        raise UserError(
            f"the calls could not be run: {result.status}, {result.reason}, "
            f"{result.error_text[-300:]}, in the sandbox of the question builder; must be able to "
            "run Python"
        )
    found: list[list[Outcome | None]] = [[None] * len(job.calls) for job in jobs]
    for line in result.text.splitlines():
        if not line.endswith("]"):
            continue  # its function was ended while it wrote
        job_number, call, type_, text = json.loads(line)
        found[job_number][call] = Outcome(type_, text)
    return found
