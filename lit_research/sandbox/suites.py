"""Run a test suite against source trees that nobody trusts, and report what each test did.

The tree is plain files without git, and nothing else of the package is in sight. Code under test
shares the process with pytest and can in principle forge any report. These guards make it hard, and
forging visible (``tampered``); who knows them, pytest and the tests, and undoes what he did, can
still succeed:

``paths``
    Tests, settings, build files and what Python runs at its start are those of the suite.
``read-only``
    The tree cannot be written.
``plugins``
    No plugin is loaded by entry points, and settings are those of the suite.
``installed``
    A package whose installed copy could be imported is refused.
``sentinels``, ``twins``, ``names``
    See ``suite_sentinels``.
``signed``, ``integrity``, ``audit``
    See ``suite_child``.
"""

from __future__ import annotations

import functools
import json
import random
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lit_research.errors import UserError
from lit_research.sandbox import slots, views
from lit_research.sandbox.fork_server_client import FOLDER, start_code
from lit_research.sandbox.pool import Pool
from lit_research.sandbox.process import run
from lit_research.sandbox.records import Level, Limits, Result
from lit_research.sandbox.suite_judge import judge
from lit_research.sandbox.suite_paths import why_protected
from lit_research.sandbox.suite_records import GUARDS, Guard, Suite, SuiteRun
from lit_research.sandbox.suite_sentinels import Marked, mark

SUITE_LIMITS = Limits(wall_s=300, cpu_s=120, memory_mib=2048, processes=64, output_kib=16384)
"""What one run of a suite may use unless other limits are given."""


def run_suite(
    candidate: Mapping[str, str],
    suite: Suite,
    *,
    guards: frozenset[Guard] = GUARDS,
    limits: Limits = SUITE_LIMITS,
    python: str | Path | None = None,
    readable: Sequence[Path] = (),
    hash_seed: int | None = None,
    order: int | None = None,
    time_zone: str | None = None,
    seed: int | None = None,
    level: Level | None = None,
    require: Level | None = None,
    pool: Pool | None = None,
) -> SuiteRun:
    """Run a suite against a source tree in a sandbox; whatever the candidate does is returned.

    The guards are those of this module's docstring.

    Args:
        candidate: text by path.
        suite: the tests.
        guards: those that are on; tests of the guards switch some off.
        limits: what the run may use.
        python: the interpreter, which must have pytest and what the package imports; this one if
            None.
        readable: folders and files to read, in addition to the interpreter and its packages.
        hash_seed: of Python's hashes, 0 to 4,294,967,295; random if None.
        order: shuffles files and tests; as pytest finds them if None.
        time_zone: such as ``Asia/Tokyo``; the system's if None.
        seed: of the sentinels; random if None, as it must be for a candidate that nobody trusts.
        level: the level of isolation to use; the strongest one that works if None.
        require: the weakest level that is acceptable.
        pool: one that has imported pytest, with its own level and this Python.

    Raises:
        UserError: the suite cannot run whatever the candidate is: no tests, no pytest, a package
            that is installed too; or an argument is wrong.
    """
    if pool is not None and (hash_seed is not None or python is not None or level or require):
        raise UserError(
            "hash_seed, python, level and require have no effect beside a pool, in run_suite; "
            "leave them or the pool out"
        )
    names = random.Random(secrets.randbits(128) if seed is None else seed)
    files, marked = _files(candidate, suite, guards, names)
    with tempfile.TemporaryDirectory(prefix="suite-") as name:
        folder = Path(name).resolve()
        tree = folder / "tree"
        _write(tree, files)
        (folder / "pytest.ini").write_text(suite.ini)
        key = secrets.token_hex(32)
        spec = {**_spec(folder, suite), "key": key, "guards": sorted(guards), "order": order}
        env = {"TZ": time_zone} if time_zone else {}
        if hash_seed is not None:
            env["PYTHONHASHSEED"] = str(hash_seed)
        places = [folder, *readable]
        writes = [] if "read-only" in guards else [tree]
        with slots.slot():
            result = _run(
                json.dumps(spec), places, writes, env, limits, python, level, require, pool
            )
    return judge(result, key, marked, guards)


def _spec(folder: Path, suite: Suite) -> dict[str, object]:
    """Return what the child must know of a suite."""
    tree = folder / "tree"
    return {
        "tree": str(tree),
        "ini": str(folder / "pytest.ini"),
        "roots": [str(tree / root) for root in suite.roots],
        "files": list(suite.run),
        "tests": sorted(suite.files),
        "packages": list(suite.packages),
        "starts_processes": suite.starts_processes,
    }


def environment(python: str | Path | None = None) -> str:
    """Return what decides outcomes beside the code: Python's version, and those of its packages."""
    return _environment(str(python or sys.executable))


@functools.cache
def _environment(python: str) -> str:
    code = (
        "import sys, importlib.metadata as m; print(sys.version, sys.platform, "
        "*sorted(f'{d.name}=={d.version}' for d in m.distributions()))"
    )
    return _ask(python, code)


@functools.cache
def _prefixes(python: str) -> tuple[Path, ...]:
    """Return what ``readable`` must hold for another interpreter to run."""
    answer = _ask(python, "import sys; print(sys.prefix, sys.base_prefix, sep='\\n')")
    return tuple(Path(p) for p in sorted(set(answer.splitlines())) if not p.startswith("/usr"))


@functools.cache
def _ask(python: str, code: str, *arguments: str) -> str:
    try:
        asked = subprocess.run(
            [python, "-I", "-c", code, *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"python is {python!r}, of a suite, which does not run: {error}; must be an interpreter"
        ) from error
    return asked.stdout.strip()


def _files(
    candidate: Mapping[str, str], suite: Suite, guards: frozenset[Guard], names: random.Random
) -> tuple[dict[str, str], dict[str, Marked]]:
    """Return the files of the tree that is run, and the marks of its tests."""
    if "paths" in guards:
        files = {path: text for path, text in candidate.items() if not why_protected(path)}
        files.update(suite.files)
    else:
        files = {**suite.files, **candidate}
    marked = {}
    for path in suite.run:
        if path not in files or not path.endswith(".py"):
            continue
        twins = {test.partition("::")[2] for test in suite.twins if test.startswith(f"{path}::")}
        marked[path] = mark(files[path], names, twin=twins, guards=guards)
        files[path] = marked[path].text
    return files, marked


def _write(tree: Path, files: Mapping[str, str]) -> None:
    tree.mkdir()
    for path, text in files.items():
        target = tree / path
        if ".." in target.parts or not target.is_relative_to(tree):
            raise UserError(
                f"the path is {path!r}, in a candidate's tree; must be relative, without .."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, newline="", errors="surrogateescape")


def _run(
    spec: str,
    places: Sequence[Path],
    writes: Sequence[Path],
    env: Mapping[str, str],
    limits: Limits,
    python: str | Path | None,
    level: Level | None,
    require: Level | None,
    pool: Pool | None,
) -> Result:
    code = start_code("suite_child")
    if pool is not None:
        shown = [*places, FOLDER]
        return pool.run(
            ["-c", code], stdin=spec, limits=limits, readable=shown, writable=writes, env=env
        )
    chosen = str(python or sys.executable)
    installed = views.python_paths() if python is None else _prefixes(chosen)
    own = [] if any(FOLDER.is_relative_to(path) for path in installed) else [FOLDER]
    return run(
        [chosen, "-s", "-B", "-c", code],
        stdin=spec,
        limits=limits,
        readable=[*installed, *own, *places],
        writable=writes,
        env=env,
        level=level,
        require=require,
    )
