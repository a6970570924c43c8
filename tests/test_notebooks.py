"""Every notebook runs from top to bottom and is the one that build.py writes."""

import runpy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()


def test_the_notebooks_are_those_that_build_writes():
    build = runpy.run_path(str(FOLDER / "build.py"))
    assert sorted(build["NOTEBOOKS"]) == sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name, cells in build["NOTEBOOKS"].items():
        found = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        wanted = build["build"](cells)
        assert [c.source for c in found.cells] == [c.source for c in wanted.cells], name
