"""What is in a package's ``__all__`` is public: it exists, is documented and can be imported."""

import importlib
import inspect
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
ROOMS = runpy.run_path(str(DOCS / "rooms.py"))
documentation, packages, rooms = (ROOMS[name] for name in ("documentation", "packages", "rooms"))

# A program of its own, which the package starts and never imports.
PROGRAMS = {"lit_research.lean.driver"}


def place(name):
    """Return where a name stands: constants, then classes, then functions, each sorted."""
    return not name.isupper(), not name[0].isupper(), name


def test_every_package_lists_its_public_names():
    assert set(packages()) - PROGRAMS <= set(rooms())


@pytest.mark.parametrize("room", rooms())
def test_the_public_names_of_a_room_are_sorted_importable_and_documented(room):
    module = importlib.import_module(room)
    names = module.__all__
    assert names == sorted(set(names), key=place), room
    assert not [name for name in names if name.startswith("_")], room
    assert not [name for name in names if not hasattr(module, name)], room
    assert not [name for name in names if inspect.ismodule(getattr(module, name))], room
    assert not [name for name in names if not documentation(room, name)], room
    assert inspect.getdoc(module), room
