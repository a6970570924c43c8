"""The committed notebooks show what they printed and drew, and nothing of the machine."""

import json
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LARGEST = 150_000  # bytes of a notebook
# An absolute path of two parts or more, or a home.
PATH = re.compile(r"(?<![\w./:*-])(?:~|/[\w.-]+)/[\w.-]+")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param, nbformat.read(request.param, as_version=4)


def outputs(notebook):
    return [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]


def texts(notebook):
    for output in outputs(notebook):
        yield output.get("text", "")
        yield from (str(v) for kind, v in output.get("data", {}).items() if "image" not in kind)


def test_a_notebook_was_run_from_top_to_bottom(notebook):
    path, content = notebook
    nbformat.validate(content)
    counts = [cell.execution_count for cell in content.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert len(outputs(content)) >= 2
    assert not [o for o in outputs(content) if o.output_type == "error"]
    assert path.stat().st_size < LARGEST


def test_figures_are_pictures(notebook):
    _, content = notebook
    assert not [text for text in texts(content) if re.search(r"<\S*(Figure|Axes)", text)]
    pictures = [o for o in outputs(content) if "image/png" in o.get("data", {})]
    drawing = [c for c in content.cells if re.search(r"[._]figures?\(|\.imshow\(", c.source)]
    assert len(pictures) == len([c for c in drawing if c.cell_type == "code"])


def test_outputs_name_no_machine(notebook):
    for text in texts(notebook[1]):
        assert not PATH.search(text), text
        assert "\x1b" not in text
    assert "execution" not in json.dumps([cell.metadata for cell in notebook[1].cells])
