"""The embedded corpus: real text that comes with every Python installation.

Three parts: ``topics`` (the help topics of the language reference, prose), ``docstrings`` (of the
standard library's modules, read from source without importing anything) and ``stdlib`` (the
source of these modules; single files of 100-250 KB serve as long documents). The text differs
between Python versions: record ``embedded_card`` with results.
"""

from __future__ import annotations

import ast
import os
import platform
import sysconfig
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from lit_research.errors import UserError
from lit_research.storage import content_hash

PARTS = ("topics", "docstrings", "stdlib")
_FORMAT = "1"

Row: TypeAlias = dict[str, str]

# Not part of the standard library's text, or specific to a machine.
_LEFT_OUT = {"__pycache__", "idlelib", "site-packages", "dist-packages", "test", "tests"}
_MACHINE_MADE = ("_sysconfigdata", "sitecustomize", "usercustomize")


def embedded_rows(parts: Sequence[str] = PARTS) -> list[Row]:
    """Return the documents of the given parts as rows ``{text, id, source_id, kind}``.

    The order follows ``parts`` and, within a part, the names. An id is the part and the
    document's name: ``topics/assignment``, ``docstrings/json.decoder``, ``stdlib/ast.py``.

    Raises:
        UserError: a part has an unknown name, or none is given.
    """
    check_parts(parts)
    readers = {"topics": _topics, "docstrings": _docstrings, "stdlib": _sources}
    return [
        {"text": text, "id": f"{part}/{name}", "source_id": name, "kind": part}
        for part in dict.fromkeys(parts)
        for name, text in readers[part]()
    ]


def check_parts(parts: Sequence[str]) -> None:
    """Raise a ``UserError`` unless ``parts`` names at least one part, and only existing ones."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        raise UserError(
            f"unknown part {unknown[0] if unknown else ''!r} of the embedded corpus, in "
            f"'embedded:{','.join(parts)}'; the parts are {', '.join(PARTS)}"
        )


def embedded_card(parts: Sequence[str] = PARTS) -> dict[str, str | int]:
    """Return a description of this machine's embedded text: Python version, counts, hash."""
    rows = embedded_rows(parts)
    return {
        "parts": ",".join(dict.fromkeys(parts)),
        "python": platform.python_version(),
        "documents": len(rows),
        "characters": sum(len(row["text"]) for row in rows),
        "content_hash": content_hash(*(row[key] for row in rows for key in ("id", "text"))),
    }


def embedded_key() -> str:
    """Return a cache key for ``embedded_rows``: Python version, its files, format version."""
    stamps = [f"{name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for name, path in _files()]
    return content_hash(_FORMAT, platform.python_version(), *stamps)


def _topics() -> Iterator[tuple[str, str]]:
    from pydoc_data.topics import topics

    yield from sorted(topics.items())


def _files() -> list[tuple[str, Path]]:
    """Return (path under the standard library's folder, path) of every module, sorted."""
    root = Path(sysconfig.get_path("stdlib"))
    paths = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [
            name for name in subfolders if name not in _LEFT_OUT and not name.startswith("config-")
        ]
        paths += [
            Path(folder, name)
            for name in names
            if name.endswith(".py") and not name.startswith(_MACHINE_MADE)
        ]
    return sorted((path.relative_to(root).as_posix(), path) for path in paths)


def _sources() -> Iterator[tuple[str, str]]:
    """Yield (path under the standard library's folder, source) of every file that is not empty."""
    for name, path in _files():
        with tokenize.open(path) as file:  # with the encoding that the file declares
            source = file.read()
        if source.strip():
            yield name, source


def _docstrings() -> Iterator[tuple[str, str]]:
    """Yield (module, its docstrings in order of definition, each under its signature)."""
    for path, source in _sources():
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        with warnings.catch_warnings():  # old escapes in string literals
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = ast.parse(source)
        sections = list(_documented(tree, module))
        if sections:
            yield module, "\n\n\n".join(sections) + "\n"


def _documented(node: ast.AST, name: str) -> Iterator[str]:
    """Yield ``signature, blank line, docstring`` of a definition and of those inside it."""
    assert isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    docstring = ast.get_docstring(node)
    if docstring:
        heading = f"{name}({ast.unparse(node.args)})" if hasattr(node, "args") else name
        yield f"{heading}\n\n{docstring}"
    if isinstance(node, (ast.Module, ast.ClassDef)):
        for child in node.body:
            if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from _documented(child, f"{name}.{child.name}")
