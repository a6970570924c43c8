"""Which files of a source tree decide how its tests run, so that no candidate may change them."""

from __future__ import annotations

from pathlib import PurePosixPath

_FOLDERS = {"tests", "test", "testing", ".git", ".github", ".tox", "__pycache__"}
_SETTINGS = {
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "noxfile.py"),
    *(".coveragerc", "runtests.py", "run_tests.py"),
}
_BUILD = {
    *("setup.py", "setup.cfg", "pyproject.toml", "manifest.in", "makefile", "meson.build"),
    *("cmakelists.txt", "build.py", "hatch_build.py", "poetry.lock", "pdm.lock", "pipfile"),
}
_STARTUP = {"sitecustomize", "usercustomize"}
_COMPILED = {".pyc", ".pyo", ".so", ".pyd"}


def why_protected(path: str) -> str:
    """Return why a candidate may not change, add or remove a file; empty if it may.

    Args:
        path: relative, with ``/``.
    """
    pure = PurePosixPath(path)
    name = pure.name.lower()
    stem = name.partition(".")[0]
    if stem in _STARTUP or _STARTUP & {part.lower() for part in pure.parts}:
        return "Python runs it at every start"
    if name.endswith(".pth"):
        return "Python reads it at every start"
    if name == "conftest.py":
        return "pytest runs it before the tests"
    if name in _SETTINGS:
        return "it has settings of the tests"
    if name in _BUILD or (name.startswith("requirements") and name.endswith(".txt")):
        return "it is of the build"
    if pure.suffix.lower() in _COMPILED:
        return "it is compiled code"
    if _FOLDERS & {part.lower() for part in pure.parts[:-1]} or is_test_file(name):
        return "it is of the tests"
    return ""


def is_test_file(path: str) -> bool:
    """Tell whether a file holds tests, by its name: ``test_*.py``, ``*_test.py``, ``tests.py``."""
    name = PurePosixPath(path).name.lower()
    return name.endswith(".py") and (
        name.startswith("test_") or name.endswith("_test.py") or name in ("test.py", "tests.py")
    )
