"""What the README of the sandbox says is so."""

import re
from pathlib import Path

import pytest

from lit_research import sandbox
from lit_research.sandbox.choice import why_not

README = (Path(sandbox.__path__[0]) / "README.md").read_text()


def test_every_test_that_it_names_is_there():
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        found |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", README))
    assert named
    assert named <= found


def test_every_row_of_its_tables_names_a_test():
    rows = [row for row in README.splitlines() if re.match(r"\|.*\| (held|not)", row)]
    assert len(rows) > 10
    assert [row for row in rows if "`test_" not in row] == []


def test_its_programs_run(tmp_path, monkeypatch):
    if why_not("bubblewrap") and why_not("namespaces"):
        pytest.skip("no level works here that is used unasked")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import sys; print(sys.argv)")
    (tmp_path / "data").mkdir()
    tmp_path.chmod(0o755)
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
