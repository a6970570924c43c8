"""The sandbox of one program: puts its cases to the driver inside and tells how each ended."""

from __future__ import annotations

import base64
import json
import os
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lit_research.errors import UserError
from lit_research.sandbox import slots
from lit_research.sandbox.cases import Task
from lit_research.sandbox.records import Limits, Result, Status
from lit_research.sandbox.sandboxed import Sandboxed

_START_S, _GRACE_S = 60.0, 15.0  # for the driver to start, and to answer after a case's time is up
_STARVED, _BUSY = 0.1, 0.9  # of the wall clock: waiting for a core, and computing
_NO_ANSWER = "its sandbox gave no answer in time"


@dataclass(frozen=True)
class Ending:
    """How a case ended.

    Args:
        result: of its process.
        answer: what it wrote for the judge.
        is_starved: it ran out of time while it had to wait for a core.
        is_broken: its sandbox failed, and not by a limit.
    """

    result: Result
    answer: bytes = b""
    is_starved: bool = False
    is_broken: bool = False


class CaseSandbox:
    """Runs the cases of one program in a sandbox of its own, which is replaced where it must be.

    Args:
        code: the program.
        limits: of each case.
        preload: modules to import before the program.
        start: starts the driver under the limits given, see ``sandbox.start``.
        count: how many cases there will be, at most.
    """

    def __init__(
        self,
        code: str,
        limits: Limits,
        preload: Sequence[str],
        start: Callable[[Limits], Sandboxed],
        count: int,
    ) -> None:
        self._limits, self._start = limits, start
        output = limits.output_kib * 1024
        self._setup = {
            "code": _text(code.encode(errors="surrogatepass")),
            "preload": list(preload),
            "paths": sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}),
            "wall_s": limits.wall_s,
            "cpu_s": limits.cpu_s,
            "output_bytes": int(output),
        }
        # The driver's own are generous: they only bound a driver that a case has attacked.
        self._whole = replace(
            limits,
            wall_s=_START_S + count * (limits.wall_s + _GRACE_S),
            cpu_s=_START_S + count * (limits.cpu_s + 2),
            output_kib=int(count * (limits.output_kib * 1.5 + 8)) + 64,
            processes=limits.processes + 1,
        )
        self._process: Sandboxed | None = None
        self._error = ""

    def run(self, task: Task) -> Ending:
        """Run a case; where the sandbox breaks under it, once more in a new one.

        Raises:
            UserError: a module cannot be preloaded.
        """
        ending = self._run(task)
        return self._run(task) if ending.is_broken else ending

    def close(self) -> None:
        """End the sandbox."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _run(self, task: Task) -> Ending:
        began_s = time.monotonic()
        if self._process is None:
            self._process = self._start(self._whole)
            folders = [] if self._process.isolation == "rlimits" else ["/tmp", "/dev/shm"]
            greeting = self._ask({**self._setup, "folders": folders}, _START_S)
            if isinstance(greeting, Result):
                if greeting.status == "timeout":  # nothing of the program has run
                    greeting = replace(greeting, status="not started")
                return self._broken(greeting, began_s)
            self._error = greeting["error"]
        if self._error.startswith("preload: "):
            self.close()
            raise UserError(
                f"{self._error.removeprefix('preload: ')}, in the sandbox of a program; preload "
                "must name modules of this Python's installed packages"
            )
        if self._error:
            message = self._error.encode(errors="replace")
            isolation = self._process.isolation
            return Ending(Result("failed", 1, b"", message, 0.0, isolation, "exit code 1"))
        request = {"stdin": _text(task.stdin), "task": _text(task.task)}
        report = self._ask(request, self._limits.wall_s + _GRACE_S)
        if isinstance(report, Result):
            return self._broken(report, began_s)
        ending = self._ending(report)
        if not report["clean"]:
            self.close()
        return ending

    def _ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any] | Result:
        """Return the driver's answer, or how its sandbox ended."""
        process = self._process
        assert process is not None
        process.write(json.dumps(request) + "\n")
        try:
            line = process.readline(timeout_s)
            if line.endswith(b"\n"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        except TimeoutError:
            process.kill()
            return replace(process.wait(), status="timeout", reason=_NO_ANSWER)
        return process.wait()

    def _broken(self, result: Result, began_s: float) -> Ending:
        """Judge a sandbox that ended under a case."""
        self.close()
        by_limit = result.status in ("memory", "cpu", "output")
        result = replace(result, stdout=b"", seconds=time.monotonic() - began_s)
        return Ending(result, is_broken=not by_limit)

    def _ending(self, report: dict[str, Any]) -> Ending:
        assert self._process is not None
        code, limits = report["code"], self._limits
        status: Status = report["status"] or ("ok" if not code else "failed")
        if code < 0 and status == "failed":
            status = "killed"
        reason = {
            "ok": "",
            "failed": f"exit code {code}",
            "killed": f"ended by signal {-code}",
            "timeout": f"ran for more than {limits.wall_s} s",
            "cpu": f"used more than {limits.cpu_s} s of CPU time",
            "output": f"wrote more than {limits.output_kib} KiB",
        }[status]
        result = Result(
            status=status,
            exit_code=code,
            stdout=base64.b64decode(report["stdout"]),
            stderr=base64.b64decode(report["stderr"]),
            seconds=report["seconds"],
            isolation=self._process.isolation,
            reason=reason,
            peak_mib=self._process.peak_mib,
        )
        answer = base64.b64decode(report["answer"])
        return Ending(result, answer, status == "timeout" and self._is_starved(report))

    def _is_starved(self, report: dict[str, Any]) -> bool:
        """Tell whether a case that ran out of time had to wait for a core.

        One whose own processes use the cores is not starved.
        """
        wall_s = self._limits.wall_s
        if report["cpu_s"] > _BUSY * wall_s:
            return False
        if report["delay_s"] is None:
            return os.getloadavg()[0] > slots.count()
        return bool(report["delay_s"] > _STARVED * wall_s)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
