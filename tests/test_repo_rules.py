"""Rules of the repository that a machine can check."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = {"lm", "text", "generation", "sft", "laws", "metagrad", "lean", "sandbox"}
CODE = sorted([*ROOT.glob("lit_research/**/*.py"), *ROOT.glob("callbacks/*.py")])
CODE = [p for p in CODE if "lit_research/callbacks" not in p.as_posix()]


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_no_function_is_longer_than_80_lines():
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno <= 80, (path, node.name)


def test_every_figure_has_the_one_style():
    """``lit_research.figures.panels`` makes them legible."""
    for path in CODE:
        if path.name != "figures.py":
            assert not re.search(r"\bFigure\(|\bsubplots\(|matplotlib.pyplot", path.read_text()), (
                path
            )


def test_the_core_of_a_method_does_not_import_lightning():
    for path in ROOT.glob("lit_research/methods/*/core.py"):
        assert not any(name.startswith("lightning") for name in imports(path)), path


def test_every_method_has_the_same_files():
    for room in (ROOT / "lit_research/methods").iterdir():
        if room.is_dir() and room.name != "__pycache__":
            files = {p.name for p in room.iterdir()}
            wanted = {"__init__.py", "README.md", "core.py", "module.py", "data.py", "replica.py"}
            assert wanted <= files, room.name


@pytest.mark.parametrize(
    ("pattern", "home"),
    [
        (r"os\.(replace|fsync)\(", "files.py"),
        (r"^\w+ = -100$", "labels.py"),
    ],
)
def test_what_the_package_has_once_has_one_home(pattern, home):
    found = [path.name for path in CODE if re.search(pattern, path.read_text(), re.MULTILINE)]
    assert found == [home]


def test_progress_bars_are_those_of_rich():
    for path in CODE:
        assert not any(name.split(".")[0] == "tqdm" for name in imports(path)), path


def test_nothing_is_unpickled():
    for path in CODE:
        text = path.read_text()
        assert not re.search(r"\bimport pickle\b|pickle\.load|weights_only=False", text), path


def test_both_symlinks_are_committed_and_point_into_the_repository():
    for name in ("callbacks", "configs"):
        link = ROOT / "lit_research" / name
        assert link.is_symlink()
        assert link.resolve() == ROOT / name


def test_the_changelog_has_an_unreleased_section():
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("word", ["TODO", "FIXME"])
def test_no_work_is_left_as_a_note(word):
    command = ["git", "grep", "-lw", word, "--", "lit_research", "callbacks", "benchmarks"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not found.stdout
