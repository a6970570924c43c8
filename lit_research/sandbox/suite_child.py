"""Run pytest on a candidate inside its sandbox, and report every outcome to the parent.

The candidate shares this process with pytest, so that nothing here is out of its reach in
principle. Three things make forging hard: each record is signed and numbered; pytest's functions,
its plugins and the collected tests are compared with what they were before the candidate was
imported; and an audit hook, which Python cannot remove, reports walks of the memory and reads of
the tests' source. ``suites`` adds tests with known outcomes, which need no trust in this process.

Of the package only the standard library is imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import threading

from . import suite_integrity

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import Any, NoReturn

_MESSAGE = 600  # characters of a failure that are reported
_OPTIONS = """
-q --tb=short --no-header --no-summary --capture=sys --continue-on-collection-errors
-p no:cacheprovider -p no:randomly -p no:xdist -p no:stepwise -p no:faulthandler
-p no:unraisableexception -p no:threadexception
"""
# Audit events that no suite needs: walks of the memory, and functions called at every line.
_FORBIDDEN = """
gc.get_objects gc.get_referrers gc.get_referents ctypes.PyObj_FromPtr ctypes.string_at
ctypes.wstring_at ctypes.cdata sys.settrace sys.setprofile sys.monitoring.register_callback
"""
_PROCESSES = """
subprocess.Popen os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn
"""


def main(_: list[str]) -> None:
    """Run the suite that stdin describes, as JSON; records go to what stdout was."""
    spec = json.loads(sys.stdin.buffer.read())
    send = _sender(os.dup(1), spec.pop("key"), is_signed="signed" in spec["guards"])
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    sys.dont_write_bytecode = True
    sys.path[:] = [path for path in sys.path if path]
    os.chdir(spec["tree"])
    try:
        import pytest
    except ImportError as error:
        _refuse(send, "pytest", f"cannot be imported: {error}")
    for package in spec["packages"] if "installed" in spec["guards"] else ():
        if (found := importlib.util.find_spec(package)) is not None:
            _refuse(send, "installed", f"{package!r}: {found.origin}")
    if "audit" in spec["guards"]:
        tests = frozenset(spec["tests"])
        may = bool(spec["starts_processes"])
        sys.addaudithook(_auditor(send, spec["tree"], tests, starts_processes=may))
    sys.path[:0] = spec["roots"]
    send({"start": pytest.__version__})
    code = pytest.main(_arguments(spec), plugins=[_reporter(send, spec)])
    _check_origin(send, spec)
    send({"end": int(code)})
    os._exit(0)  # what the candidate registered to run at exit is no part of the suite


def _refuse(send: Callable[[dict[str, Any]], None], kind: str, what: str) -> NoReturn:
    send({"refused": kind, "what": what})
    os._exit(0)


def _arguments(spec: dict[str, Any]) -> list[str]:
    places = [f"--rootdir={spec['tree']}"]
    if "plugins" in spec["guards"]:
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        places += ["-c", spec["ini"], f"--confcutdir={spec['tree']}"]
    return [*_OPTIONS.split(), *places, "--", *spec["files"]]


def _sender(channel: int, key: str, *, is_signed: bool) -> Callable[[dict[str, Any]], None]:
    """Return the function that signs, numbers and writes a record; the key is in its cell only."""
    secret, count, lock = bytes.fromhex(key), 0, threading.Lock()

    def send(record: dict[str, Any]) -> None:
        nonlocal count
        with lock:
            line = json.dumps({**record, "n": count})
            count += 1
            mac = hashlib.blake2b(line.encode(), key=secret, digest_size=16).hexdigest()
            data = f"{mac if is_signed else '-'} {line}\n".encode()
            while data:
                data = data[os.write(channel, data) :]

    return send


def _auditor(
    send: Callable[[dict[str, Any]], None],
    tree: str,
    tests: frozenset[str],
    *,
    starts_processes: bool,
) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that reports what only forging needs.

    That is a walk of the memory, a function called at every line, a process started by the
    candidate (unless the suite says that it may), and the candidate reading a file of tests.
    """
    inside = tree + os.sep
    paths = {os.path.join(tree, test): test for test in tests if test.endswith(".py")}
    forbidden, processes = frozenset(_FORBIDDEN.split()), frozenset(_PROCESSES.split())
    getframe, realpath, reported = sys._getframe, os.path.realpath, set()

    def is_of_candidate() -> bool:
        frame: types.FrameType | None = getframe(2)
        is_of_pytest = False
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(inside) and name not in paths:
                return True
            is_of_pytest = is_of_pytest or f"{os.sep}_pytest{os.sep}" in name
            frame = frame.f_back
        return not is_of_pytest  # a thread of its own

    def report(what: str) -> None:
        if what not in reported:
            reported.add(what)
            send({"tampered": f"the candidate {what}"})

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in forbidden:
            if is_of_candidate():  # doctest calls such functions itself
                report(f"called {event}")
        elif event in processes:
            if not starts_processes and is_of_candidate():
                report("started a process")
        elif event == "open" and isinstance(arguments[0], str):
            path = realpath(arguments[0])
            if path in paths and is_of_candidate():
                report("opened a file of tests")
            elif path.startswith("/proc/") and path.endswith("/mem"):
                report("opened the memory")

    return audit


def _reporter(send: Callable[[dict[str, Any]], None], spec: dict[str, Any]) -> Any:
    """Return the plugin that reports each test once, at its end."""
    import pytest

    watch = suite_integrity.Watch(spec["tree"], frozenset(spec["tests"]))
    is_watching = "integrity" in spec["guards"]
    parts: dict[str, list[tuple[str, str, bool, str]]] = {}

    def complain(found: str) -> None:
        if found and is_watching:
            send({"tampered": found})

    class Reporter:
        @pytest.hookimpl(tryfirst=True)
        def pytest_load_initial_conftests(self, early_config: Any) -> None:
            watch.remember(early_config.pluginmanager)

        @pytest.hookimpl(tryfirst=True)
        def pytest_collectreport(self, report: Any) -> None:
            if report.failed:
                send({"uncollected": report.nodeid, "message": str(report.longrepr)[-_MESSAGE:]})

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            if spec["order"] is not None:
                _shuffle(items, spec["order"])

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_finish(self, session: Any) -> None:
            watch.remember_tests(session.items)

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
            if call.when != "setup":
                complain(watch.changed_test(item))
            if call.when == "teardown":  # whatever a fixture changed is as it was
                complain(watch.changed_module())

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logreport(self, report: Any) -> None:
            known = parts.setdefault(report.nodeid, [])
            crash = getattr(report.longrepr, "reprcrash", None)
            message = str(getattr(crash, "message", report.longrepr or ""))[:_MESSAGE]
            known.append((report.when, report.outcome, hasattr(report, "wasxfail"), message))
            if report.when == "teardown":
                complain(watch.changed_hook())
                send({"test": report.nodeid, **_outcome(parts.pop(report.nodeid))})

        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionfinish(self) -> None:
            complain(watch.changed_code() or watch.changed_hook() or watch.changed_module())

    return Reporter()


def _outcome(parts: list[tuple[str, str, bool, str]]) -> dict[str, str]:
    """Return ``passed`` only for a test whose call passed; skipped and xfailed ones are neither."""
    failed = [message for _, outcome, _, message in parts if outcome == "failed"]
    if failed:
        return {"outcome": "failed", "message": failed[0]}
    calls = [(outcome, xfail) for when, outcome, xfail, _ in parts if when == "call"]
    if calls and all(call == ("passed", False) for call in calls):
        return {"outcome": "passed", "message": ""}
    return {"outcome": "skipped", "message": ""}


def _shuffle(items: list[Any], seed: int) -> None:
    """Shuffle the files, and the tests within each: fixtures of a file are made once.

    Each test's place depends on its name alone, so that sentinels do not move the others.
    """

    def place(name: str) -> bytes:
        return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()

    files: dict[str, list[Any]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    items[:] = [
        item
        for file in sorted(files, key=place)
        for item in sorted(files[file], key=lambda item: place(item.nodeid))
    ]


def _check_origin(send: Callable[[dict[str, Any]], None], spec: dict[str, Any]) -> None:
    """Report a package that was imported from elsewhere than the candidate's tree."""
    if "installed" not in spec["guards"]:
        return
    inside = os.path.realpath(spec["tree"]) + os.sep
    for package in spec["packages"]:
        file = getattr(sys.modules.get(package), "__file__", None)
        if file is not None and not os.path.realpath(file).startswith(inside):
            send({"tampered": f"{package} was imported from {file}"})
