"""Every notebook runs from top to bottom and is the one that build.py writes."""

import runpy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"

# What makes the cells of a notebook shorter: the same cells, fewer steps and smaller models.
SMALLER = {
    "pretrain": {
        "max_steps=120": "max_steps=12",
        "val_check_interval=20": "val_check_interval=2",  # six points, for the law
        "limit_val_batches=4": "limit_val_batches=1",
        "max_new_tokens=40": "max_new_tokens=4",
    },
    "ensemble": {
        "max_epochs=6": "max_epochs=2",
        "check_val_every_n_epoch=3": "check_val_every_n_epoch=2",
        "documents=64": "documents=6",
        "max_tokens=256": "max_tokens=64",
        "passes=2": "passes=1",
    },
    "ttt": {
        "max_steps=150": "max_steps=2",
        "batch_size=8": "batch_size=2",
        'eval_length=512"': 'eval_length=512", "--data.init_args.eval_sequences=4"',
    },
    "dpg": {
        "max_steps=80": "max_steps=2",
        "val_check_interval=80": "val_check_interval=2",
        "range(8)": "range(1)",
    },
    "self_play": {
        "size=40": "size=8",
        "held_out=16": "held_out=4",
        "warm=100": "warm=30",
        "max_steps=4": "max_steps=2",
        "val_check_interval=4": "val_check_interval=2",
        "max_new_tokens=48": "max_new_tokens=32",
    },
    "sbp": {
        "passes=40": "passes=1",
        "max_epochs=40": "max_epochs=1",
        "every_n_epoch=40": "every_n_epoch=1",
        "tokens=3000": "tokens=100",
    },
    "megadocs": {
        "max_documents=40": "max_documents=20",
        "max_train_tokens=20000": "max_train_tokens=2000",
        "val_check_interval=10": "val_check_interval=1",
    },
    "openthoughts": {
        "max_steps=30": "max_steps=2",
        "val_check_interval=30": "val_check_interval=2",
        "max_items=8": "max_items=2",
    },
    "longcode": {"limit=80": "limit=40", '"limit": 80': '"limit": 40'},
    "idea_study": {
        "studies=2_000": "studies=100",
        "resamples=9_999": "resamples=200",
    },
}


def smaller(notebook: nbformat.NotebookNode, changes: dict[str, str]) -> None:
    """Change the code of a notebook; each change is of something that stands there."""
    for before, after in changes.items():
        cells = [cell for cell in notebook.cells if before in cell.source]
        assert cells, before
        for cell in cells:
            cell.source = cell.source.replace(before, after)


@pytest.fixture(scope="module")
def client():
    """What runs notebooks, in one kernel that imports the package once."""
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=300)
    client.execute(cleanup_kc=False)
    yield client
    client._cleanup_kernel()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_notebook_runs(client, path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    smaller(notebook, SMALLER[path.stem])
    # No name of the one before is left.
    begin = f"%reset -f\nimport os; os.chdir({str(tmp_path)!r})"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(begin))
    client.nb = notebook
    client.execute(cleanup_kc=False)


def test_the_notebooks_are_those_that_build_writes():
    build = runpy.run_path(str(FOLDER / "build.py"))
    assert sorted(build["NOTEBOOKS"]) == sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name, cells in build["NOTEBOOKS"].items():
        found = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        wanted = build["build"](cells)
        assert [c.source for c in found.cells] == [c.source for c in wanted.cells], name
