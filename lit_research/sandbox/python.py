"""Run a Python program, as a model wrote it, on its cases: one sandbox, one fork a case."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lit_research.errors import UserError
from lit_research.sandbox import slots, views
from lit_research.sandbox.case_sandbox import CaseSandbox, Ending
from lit_research.sandbox.cases import Case, CaseResult, Task
from lit_research.sandbox.choice import choose
from lit_research.sandbox.fork_server_client import FOLDER, start_code
from lit_research.sandbox.pool import Pool
from lit_research.sandbox.process import start
from lit_research.sandbox.records import Level, Limits, Result
from lit_research.sandbox.sandboxed import Sandboxed

CASE_LIMITS = Limits(
    wall_s=10, cpu_s=10, memory_mib=512, processes=32, file_kib=65536, inodes=10_000
)
"""What a case may use unless other limits are given."""
_LOAD = "; it had to wait for a core, alone too"


def run_python(
    code: str,
    stdin: bytes | str = b"",
    *,
    limits: Limits = CASE_LIMITS,
    preload: Sequence[str] = (),
    readable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    level: Level | None = None,
    require: Level | None = None,
    pool: Pool | None = None,
) -> Result:
    """Run a Python program in a sandbox of its own; whatever it does is returned, not raised.

    It waits for one of the slots that all processes of this user share, one for each core. If the
    program runs out of time while it has to wait for a core, it runs once more, alone.

    Args:
        code: the program.
        stdin: what it reads; text is sent as UTF-8.
        limits: what it may use.
        preload: modules to import before the program starts, in its sandbox, as ``numpy``.
        readable: folders and files that it may read, in addition to the installed packages.
        env: environment variables, see ``run``.
        level: the level of isolation to use; the strongest one that works if None.
        require: the weakest level that is acceptable.
        pool: starts the sandbox from a process that has imported its modules; it has its own
            level, and its variables.

    Raises:
        UserError: an argument is wrong, or the level does not work here.
    """
    task = Task(None, stdin.encode() if isinstance(stdin, str) else stdin)
    driver = partial(_start_driver, readable, env, _chosen(level, require, pool), pool)
    program = CaseSandbox(code, limits, preload, driver, 2)
    [ending] = _run_all(program, [task], stop_at_failure=False)
    result = ending.result
    return replace(result, reason=result.reason + _LOAD) if ending.is_starved else result


def run_cases(
    code: str,
    cases: Sequence[Case],
    *,
    limits: Limits = CASE_LIMITS,
    preload: Sequence[str] = (),
    readable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    level: Level | None = None,
    require: Level | None = None,
    pool: Pool | None = None,
    stop_at_failure: bool = False,
) -> list[CaseResult]:
    """Run a Python program on each case, in one sandbox, and judge what came back.

    Each case is a fork of one warm interpreter and starts with empty folders and nothing of the
    other cases. What is expected never enters the sandbox, but for the source of a ``UnitTest``.
    Slots, and the repeat of a case that had to wait for a core, are as in ``run_python``.

    Args:
        code: the program.
        cases: what to run it on.
        limits: what each case may use; the memory includes some 10 MiB of the driver.
        preload: modules to import before the program starts, in its sandbox, as ``numpy``.
        readable: folders and files that it may read, in addition to the installed packages.
        env: environment variables, see ``run``.
        level: the level of isolation to use; the strongest one that works if None.
        require: the weakest level that is acceptable.
        pool: starts the sandbox from a process that has imported its modules; it has its own
            level, and its variables.
        stop_at_failure: end the list with the first case that failed.

    Raises:
        UserError: an argument is wrong, or the level does not work here.
    """
    tasks = [Task(case) for case in cases]
    driver = partial(_start_driver, readable, env, _chosen(level, require, pool), pool)
    program = CaseSandbox(code, limits, preload, driver, 2 * len(cases))
    endings = _run_all(program, tasks, stop_at_failure)
    results = [_judge(task, ending) for task, ending in zip(tasks, endings, strict=False)]
    failed = [n for n, result in enumerate(results, 1) if result.outcome == "failed"]
    return results[: failed[0]] if stop_at_failure and failed else results


def _chosen(level: Level | None, require: Level | None, pool: Pool | None) -> Level:
    if pool is None:
        return choose(level, require)
    if level or require:
        raise UserError(
            f"level={level!r} and require={require!r} have no effect beside a pool, in a call of "
            "the sandbox; give them to the Pool"
        )
    return pool.isolation


def _start_driver(
    readable: Sequence[Path],
    env: Mapping[str, str] | None,
    level: Level,
    pool: Pool | None,
    limits: Limits,
) -> Sandboxed:
    installed = views.python_paths()
    own = [] if any(FOLDER.is_relative_to(path) for path in installed) else [FOLDER]
    code = start_code("case_driver")
    if pool is not None:
        return pool.start(["-c", code], limits=limits, readable=[*own, *readable], env=env)
    command = [sys.executable, "-I", "-S", "-c", code]
    places = [*installed, *own, *readable]
    return start(command, limits=limits, readable=places, env=env, level=level)


def _run_all(program: CaseSandbox, tasks: Sequence[Task], stop_at_failure: bool) -> list[Ending]:
    """Return how the cases ended, up to the first failure if that is asked for."""
    endings: list[Ending] = []
    try:
        with slots.slot():
            for task in tasks:
                endings.append(program.run(task))
                if stop_at_failure and _judge(task, endings[-1]).outcome == "failed":
                    break
            program.close()
        for number, ending in enumerate(endings):
            if ending.is_starved:
                with slots.alone():
                    endings[number] = program.run(tasks[number])
                    program.close()
    finally:
        program.close()
    return endings


def _judge(task: Task, ending: Ending) -> CaseResult:
    result = ending.result
    if ending.is_starved:
        return CaseResult("unknown", "load", result.reason + _LOAD, result)
    # A case can end its sandbox by a signal, or keep it from answering; it did so twice.
    if ending.is_broken and result.status not in ("killed", "timeout"):
        return CaseResult("unknown", "sandbox", result.reason or result.error_text, result)
    return task.judge(result, ending.answer)
