"""Reading a release as a source tree: an installed package, a folder, or a source archive.

Nothing of a release is run: no build backend, no ``setup.py``, no import. An archive is read in
memory. Kept are the text files: those with one of ``SUFFIXES`` (or one of ``NAMES``) that are
UTF-8, hold no NUL and are no larger than ``LARGEST_FILE``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

from lit_research.errors import UserError
from lit_research.methods.longcode.items import Origin
from lit_research.methods.longcode.trees import SourceTree

LARGEST_FILE = 2 * 2**20
"""Bytes of the largest file that is read; larger ones are data."""
LARGEST_RELEASE = 256 * 2**20
"""Bytes of all that is unpacked of a release; an archive that holds more is refused."""
MOST_FILES = 50_000
"""Members of an archive; one with more is refused."""
_SUFFIXES = (
    ".py .pyi .pyx .pxd .toml .cfg .ini .md .rst .txt .json .yaml .yml .html .css .js .c .h .sh "
    ".in .sql .xml .csv .typed"
)
SUFFIXES = frozenset(_SUFFIXES.split())
"""Of the files that are read."""
_NAMES = "LICENSE LICENCE COPYING NOTICE AUTHORS README CHANGES CHANGELOG Makefile"
NAMES = frozenset(_NAMES.split())
"""Of files that are read whatever their suffix."""
_ARCHIVES = (".tar.gz", ".tgz", ".zip")
_FOLDERS = "__pycache__ .git .hg .tox .venv node_modules .mypy_cache .pytest_cache"
_SKIPPED = frozenset(_FOLDERS.split())
_GENERATED = re.compile(
    r"@generated|(auto(matically)?[- ]?)?generated (by|from|file|automatically)|do not edit", re.I
)


def read_release(source: str | Path) -> SourceTree:
    """Read the text files of a release.

    Of an installed package these are the files that its RECORD lists, without generated ones (the
    first five lines say so), metadata and tests' caches. Of a folder and an archive they are all,
    below the one top folder if there is one: a suite of tests may need them.

    Args:
        source: name of an installed package; or a folder; or an archive, ``.tar.gz``, ``.tgz`` or
            ``.zip``. What exists as a path is taken as one.

    Returns:
        The tree ``NAME-VERSION``. The hash of its origin is that of the archive's bytes, else that
        of the files.

    Raises:
        UserError: there is no such release, it has no text files, or the archive is unsafe: links,
            absolute paths, ``..``, or too large.
    """
    path = Path(source)
    if path.is_dir():
        files = _texts(_walk(path))
        return _tree(path.name, files, _metadata_of(files))
    if path.is_file():
        return _archive(path)
    if isinstance(source, Path) or "/" in str(source) or str(source).endswith(_ARCHIVES):
        raise UserError(
            f"{str(source)!r} does not exist, in read_release; must be a folder, an archive, or "
            "the name of an installed package"
        )
    return _installed(str(source))


def _installed(name: str) -> SourceTree:
    try:
        found = importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        raise UserError(
            f"no package {name!r} is installed, in read_release; must be the name of an installed "
            "package, a folder or an archive"
        ) from error
    contents = _texts(
        (file.as_posix(), _bytes(Path(str(found.locate_file(file)))))
        for file in found.files or ()
        if ".." not in file.parts and not file.parts[0].endswith((".dist-info", ".data"))
    )
    files = {path: text for path, text in contents.items() if not is_generated(text)}
    return _tree(name, files, _fields(_message(found.read_text("METADATA") or "")))


def _archive(path: Path) -> SourceTree:
    content = path.read_bytes()
    if not path.name.endswith(_ARCHIVES):
        raise UserError(
            f"{str(path)!r} is no source archive, in read_release; must end with "
            f"{', '.join(_ARCHIVES)}"
        )
    members = _unzipped(path) if path.name.endswith(".zip") else _untarred(path)
    try:
        files = _texts(members)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise UserError(
            f"{str(path)!r} cannot be unpacked ({error}), in read_release; must be a complete "
            "archive"
        ) from error
    stem = next(path.name.removesuffix(end) for end in _ARCHIVES if path.name.endswith(end))
    tops = {path.split("/")[0] for path in files}
    if len(tops) == 1 and all("/" in path for path in files):
        files = {path.split("/", 1)[1]: text for path, text in files.items()}
    return _tree(stem, files, _metadata_of(files), hashlib.sha256(content).hexdigest())


def _untarred(path: Path) -> Iterator[tuple[str, bytes]]:
    size = 0
    with tarfile.open(path, "r:*") as archive:
        for number, member in enumerate(archive):
            if not (member.isfile() or member.isdir()):
                raise _unsafe(path, member.name, "a link or a device")
            size = _checked(path, member.name, member.size, number, size)
            if member.isfile() and member.size <= LARGEST_FILE and _is_wanted(member.name):
                file = archive.extractfile(member)
                assert file is not None
                yield member.name, file.read()


def _unzipped(path: Path) -> Iterator[tuple[str, bytes]]:
    size = 0
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(archive.infolist()):
            if (member.external_attr >> 16) & 0o170000 == 0o120000:
                raise _unsafe(path, member.filename, "a link")
            size = _checked(path, member.filename, member.file_size, number, size)
            if member.is_dir() or not _is_wanted(member.filename):
                continue
            if member.file_size <= LARGEST_FILE:
                with archive.open(member) as file:  # the header's size may be a lie
                    content = file.read(LARGEST_FILE + 1)
                if len(content) <= LARGEST_FILE:
                    yield member.filename, content


def _checked(archive: Path, name: str, bytes_: int, number: int, size: int) -> int:
    """Return the size so far with this member; refuse one that is unsafe or too much."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or re.match(r"[A-Za-z]:", name):
        raise _unsafe(archive, name, "a path outside the archive")
    if number >= MOST_FILES or size + bytes_ > LARGEST_RELEASE:
        raise UserError(
            f"{str(archive)!r} holds more than {MOST_FILES} files or {LARGEST_RELEASE >> 20} MiB, "
            "in read_release; must be a source release"
        )
    return size + bytes_


def _unsafe(archive: Path, name: str, what: str) -> UserError:
    return UserError(
        f"the member {name!r} of {str(archive)!r} is {what}, in read_release; must be a plain file "
        "with a relative path"
    )


def _walk(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_symlink() and path.is_file() and _is_wanted(name):
            yield name, _bytes(path)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_FILE else b"\0"
    except OSError:
        return b"\0"  # listed, and not there: as what is no text


def _is_wanted(name: str) -> bool:
    pure = PurePosixPath(name)
    hidden = _SKIPPED & set(pure.parts) or any(part.endswith(".egg-info") for part in pure.parts)
    is_text = pure.suffix.lower() in SUFFIXES or pure.stem.upper() in map(str.upper, NAMES)
    return (is_text and not hidden) or pure.name == "PKG-INFO"


def _texts(files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, content in files:
        if not _is_wanted(name) or b"\0" in content:
            continue
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        texts[name] = text.replace("\r\n", "\n").replace("\r", "\n")
    return texts


def is_generated(text: str) -> bool:
    """Return whether a file says in its first five lines that a program wrote it."""
    return bool(_GENERATED.search("\n".join(text.splitlines()[:5])))


def _message(text: str) -> Message:
    return Parser().parsestr(text, headersonly=True)


def _metadata_of(files: Mapping[str, str]) -> dict[str, str]:
    """Return name, version and licence by the shallowest PKG-INFO of a source release."""
    found = sorted((p for p in files if PurePosixPath(p).name == "PKG-INFO"), key=len)
    return _fields(_message(files[found[0]])) if found else {}


def _fields(message: Message) -> dict[str, str]:
    classifiers = [c for c in message.get_all("Classifier", []) if c.startswith("License ::")]
    named = (message.get("License") or "").strip()
    licence = message.get("License-Expression") or (named if len(named) < 100 else "")
    licence = licence or "; ".join(c.split(" :: ")[-1] for c in classifiers)
    return {
        "name": message.get("Name") or "",
        "version": message.get("Version") or "",
        "licence": " ".join(licence.split()),
    }


def _tree(
    name: str, files: dict[str, str], metadata: Mapping[str, str], sha256: str = ""
) -> SourceTree:
    files = {path: text for path, text in files.items() if PurePosixPath(path).name != "PKG-INFO"}
    if not files:
        raise UserError(
            f"{name!r} has no text files, in read_release; must be a release with its sources"
        )
    package, version = metadata.get("name") or name, metadata.get("version", "")
    licence, label = metadata.get("licence", ""), f"{package}-{version}" if version else package
    digest = sha256 or SourceTree(label, files, Origin(package)).sha256()
    return SourceTree(label, files, Origin(package, version, digest, licence))
