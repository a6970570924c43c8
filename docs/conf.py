"""Sphinx: pages in Markdown, and an API reference made from the docstrings of the public names."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from rooms import documentation, is_constant, rooms  # noqa: E402

import lit_research  # noqa: E402

project = "lit_research"
version = release = lit_research.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "lit_research"
smartquotes = False

autosummary_generate = False  # the pages are written below
autodoc_inherit_docstrings = False  # those of Lightning refer to its own documentation
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88  # characters; a longer signature has one argument a line
toc_object_entries = False  # the table at the top of a page serves; hundreds of entries do not
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes as a list: autodoc has an entry for each property already

LONGEST_VALUE = 100  # characters of a constant that its entry shows


def title(text: str, line: str) -> list[str]:
    """Return a heading in reStructuredText."""
    return [text, line * len(text), ""]


def indented(text: str) -> list[str]:
    """Return the lines of a directive's content."""
    return [f"   {line}" if line else "" for line in text.splitlines()] + [""]


def constant(room: str, name: str) -> list[str]:
    """Return the entry of a constant: autodoc reads such docstrings in the room's file alone."""
    value = repr(getattr(importlib.import_module(room), name)).replace("typing.", "")
    shown = [f"   :value: {value}"] if len(value) <= LONGEST_VALUE else []
    return [f".. py:data:: {name}", *shown, "", *indented(documentation(room, name))]


def entry(room: str, directive: str, name: str, *options: str) -> list[str]:
    """Return the entry of a class or function; links lead to that of the room that defines it."""
    value = getattr(importlib.import_module(room), name)
    public = (r for r in rooms() if getattr(importlib.import_module(r), name, None) is value)
    home = max(public, key=lambda r: (f"{value.__module__}.".startswith(f"{r}."), len(r)))
    lines = options if home == room else [*options, ":no-index:"]
    return [f".. {directive}:: {name}", *(f"   {line}" for line in lines), ""]


def page(room: str) -> str:
    """Return the page of a room in reStructuredText: its docstring, a table, then every name."""
    module = importlib.import_module(room)
    public = {name: getattr(module, name) for name in module.__all__}
    constants = [name for name, value in public.items() if is_constant(value)]
    classes = [name for name, value in public.items() if inspect.isclass(value)]
    functions = [name for name in public if name not in (*constants, *classes)]
    lines = [*title(room, "="), f".. automodule:: {room}", ""]
    table = indented("\n".join(classes + functions))
    lines += [".. autosummary::", "   :nosignatures:", "", *table]
    if constants:
        lines += title("Constants and types", "-")
    for name in constants:
        lines += constant(room, name)
    if classes:
        lines += title("Classes", "-")
    for name in classes:
        lines += entry(room, "autoclass", name, ":members:")
    if functions:
        lines += title("Functions", "-")
    for name in functions:
        lines += entry(room, "autofunction", name)
    return "\n".join(lines)


def write_reference() -> None:
    """Write ``api/ROOM.rst`` for every room, and ``api/index.rst``."""
    folder = HERE / "api"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.rst"):
        old.unlink()
    for room in rooms():
        (folder / f"{room}.rst").write_text(page(room))
    contents = [".. toctree::", "", *indented("\n".join(rooms()))]
    (folder / "index.rst").write_text("\n".join([*title("API reference", "="), *contents]))


write_reference()
