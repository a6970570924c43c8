"""The influence of documents predicts what training again shows, and no training is repeated."""

import json

import pyarrow.parquet as pq
import pytest
import yaml

from lit_research.cli import config_dir, main
from lit_research.errors import UserError

INIT, DATA = "model.init_args", "data.init_args"


def attribute(folder, **changes):
    config = yaml.safe_load((config_dir() / "dpg/attribute.yaml").read_text())
    model, data = config["model"]["init_args"], config["data"]["init_args"]
    model["target"] |= {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 32}
    model["inner"] |= {"length": 32, "batch_size": 8, "passes": 2, "eps_root": 1e-4}
    model |= {"target_dtype": "float64", "reweighting_size": 0.02, "subsets": 4, "left_out": 5}
    model["metric"]["init_args"]["max_tokens"] = 32
    model |= {"output": str(folder / "out"), **changes}
    data |= {"max_documents": 24, "max_characters": 100, "tokenizer": "bytes", "batch_size": 10}
    config["trainer"] = {
        "accelerator": "cpu",
        "devices": 1,
        "enable_progress_bar": False,
        "logger": {
            "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
            "init_args": {"save_dir": str(folder / "runs"), "default_hp_metric": False},
        },
    }
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    main(["predict", "--config", str(folder / "a.yaml")])
    return json.loads((folder / "out/attribution.json").read_text())


def test_influence_predicts_what_reweighting_and_leaving_out_do(tmp_path):
    numbers = attribute(tmp_path)
    assert numbers["reweighting_correlation"] >= 0.99
    # A document left out is a change of 1, in which training is no longer linear.
    assert numbers["left_out_correlation"] >= 0.9
    assert numbers["lds"] > 0
    table = pq.read_table(tmp_path / "out/influence.parquet").to_pydict()
    assert table["document"] == list(range(24))
    assert all(len(text) <= 100 for text in table["text"])
    assert len(set(table["influence"])) == 24


def test_what_was_trained_is_not_trained_again(tmp_path):
    first = attribute(tmp_path, reweightings=3)
    path = tmp_path / "out/trained.jsonl"
    lines = path.read_text().splitlines()
    assert len(lines) == 3 + 4 + 5
    path.write_text("\n".join(lines[:5]) + "\n")
    assert attribute(tmp_path, reweightings=3) == first
    assert path.read_text().splitlines() == lines
    assert attribute(tmp_path, reweightings=4)["lds"] == first["lds"]
    assert len(path.read_text().splitlines()) == 13
    with pytest.raises(UserError, match="another inner"):
        attribute(tmp_path, inner={"lr": 1e-4, "length": 32, "batch_size": 8})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reweightings": -1}, "reweightings is -1"),
        ({"subset_share": 1.0}, "subset_share is 1"),
        ({"reweighting_size": 0.0}, "reweighting_size is 0"),
        ({"target": {"folder": "a", "n_embd": 3}}, "next to folder"),
    ],
)
def test_mistakes_are_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        attribute(tmp_path, **changes)
