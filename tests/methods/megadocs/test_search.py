"""Settings of an arm by search: trials are scored on documents that no other split has."""

import json
from pathlib import Path

import pytest
import yaml

from lit_research.cli import main
from lit_research.errors import UserError
from tests.helpers import tiny
from tests.methods.megadocs.helpers import predict, write_source
from tests.methods.megadocs.test_training import RULE, corpus

TUNING = {"tuning_fraction": 0.2, "validate_on": "tuning"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    write_source(folder, 30)
    held_out = {"data.init_args.tuning_fraction": 0.2}
    predict(folder, {**RULE, **held_out})
    simple = {"model.init_args.building": {"form": "simple"}}
    predict(folder, {**RULE, **held_out, **simple, "data.init_args.folder": str(folder / "simple")})
    trial = tiny(folder, {"trainer.max_steps": ..., "trainer.val_check_interval": 1.0})
    mixed = {"synthetic": str(folder / "megadocs"), "passes": 1, "share": 0.5}
    trial["data"] = {"class_path": "MixedCorpus", "init_args": corpus(folder, **mixed, **TUNING)}
    trial["model"]["init_args"]["optimizer"] = {
        "class_path": "torch.optim.AdamW",
        "init_args": {"lr": 3e-3, "weight_decay": 0.1},
    }
    trial["trainer"] |= {"max_epochs": 1, "limit_train_batches": 3, "callbacks": []}
    trial["throughput"] = {"measure_peak": False}
    (folder / "trial.yaml").write_text(yaml.safe_dump(trial))
    return folder


def search(folder, arm, budget):
    """Search the settings of an arm; return its recipe and the configs of its trials."""
    config = tiny(folder / f"search_{arm}", {"trainer.max_steps": ...})
    config["model"] = {
        "class_path": "RecipeSearch",
        "init_args": {
            "trial": str(folder / "trial.yaml"),
            "options": {"data.init_args.synthetic": str(folder / arm)},
            "grid": {"lr": [1e-3], "weight_decay": [0.1], "passes": [1, 2], "share": [0.5, 0.75]},
            "start": {"lr": 1e-3, "weight_decay": 0.1, "passes": 1, "share": 0.5},
            "budget": budget,
            "folder": str(folder / "trials"),
        },
    }
    config["data"] = {"class_path": "SearchRounds"}
    del config["trainer"]["val_check_interval"]
    config["trainer"] |= {"max_epochs": 1, "callbacks": []}
    config["throughput"] = {"measure_peak": False}
    cli = main({"subcommand": "fit", "fit": config})
    runs = [
        yaml.safe_load(file.read_text())["data"]["init_args"]
        for file in (folder / "trials").glob("*/version_0/config.yaml")
    ]
    of_arm = [run for run in runs if run["synthetic"] == str(folder / arm)]
    return json.loads((Path(cli.trainer.log_dir) / "recipe.json").read_text()), of_arm


def test_every_arm_is_searched_with_as_many_trials_on_the_tuning_split(folder):
    found = {arm: search(folder, arm, budget=4) for arm in ("megadocs", "simple")}
    for recipe, runs in found.values():
        assert len(recipe["trials"]) == len(runs) == 4
        assert recipe["certificate"]
        assert {(run["passes"], run["share"]) for run in runs} == {
            (passes, share) for passes in (1, 2) for share in (0.5, 0.75)
        }
        assert {run["validate_on"] for run in runs} == {"tuning"}
    (best, _), (other, _) = found.values()
    assert best["loss"] != other["loss"]


def test_text_made_from_the_documents_of_the_search_is_refused(folder, tmp_path):
    write_source(tmp_path, 30)
    predict(tmp_path, RULE)  # of all training documents
    trial = yaml.safe_load((folder / "trial.yaml").read_text())
    trial["data"]["init_args"]["synthetic"] = str(tmp_path / "megadocs")
    with pytest.raises(UserError, match=r"documents of the tuning split .* in the synthetic text"):
        main({"subcommand": "fit", "fit": trial})
