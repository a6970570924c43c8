"""Runs on megadocs: attention masked at borders, ensembles of their models, multiple choice."""

import math

import pytest

from lit_research.cli import main
from tests.helpers import tiny
from tests.methods.megadocs.helpers import ROOM, predict, write_source

RULE = {
    "model.init_args.generator": {"class_path": f"{ROOM}.SentenceOrder"},
    "model.init_args.engine": ...,
    "model.init_args.reader": {"max_copied": None},
    "data.init_args.test_fraction": 0.2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("megadocs")
    write_source(folder, 30)
    predict(folder, RULE)
    return folder


def corpus(folder, **more):
    real = {
        "source": str(folder / "source.jsonl"),
        "tokenizer": "bytes",
        "sequence_length": 32,
        "batch_size": 4,
        "validation_fraction": 0.2,
        "test_fraction": 0.2,
        "cache_dir": str(folder / "cache"),
    }
    return {**real, **more}


def fit(folder, seed, mask):
    config = tiny(folder / f"run{seed}{mask}")
    mixed = {"synthetic": str(folder / "megadocs"), "passes": 1, "share": 0.75}
    config["data"] = {
        "class_path": "MixedCorpus",
        "init_args": corpus(folder, **mixed, mask_across_documents=mask),
    }
    config["seed_everything"] = seed
    config["trainer"]["max_epochs"] = 1
    return main({"subcommand": "fit", "fit": config})


@pytest.mark.parametrize("mask", [False, True])
def test_an_ensemble_gathers_models_of_megadocs(folder, mask):
    runs = [fit(folder, seed, mask) for seed in (1, 2)]
    [batch, *_] = runs[0].datamodule.train_dataloader()
    assert ("position_ids" in batch) == mask
    assert {int(c) for run in runs for c in run.datamodule.mixture.counts > 0} == {1}
    paths = [str(run.trainer.checkpoint_callback.last_model_path) for run in runs]
    config = tiny(folder / f"ensemble{mask}")
    lm = config["model"]["init_args"]["lm"]
    config["model"] = {"class_path": "Ensemble", "init_args": {"lm": lm, "gather": paths}}
    config["data"] = {
        "class_path": "Corpus",
        "init_args": corpus(folder, mask_across_documents=mask),
    }
    logged = main({"subcommand": "validate", "validate": config}).trainer.callback_metrics
    assert math.isfinite(logged["val/loss"])
    assert logged["val/loss"] <= logged["val/loss_member"] + 1e-6
    if mask:  # items are no windows, with borders or without
        return
    of_corpus = {
        k: v for k, v in corpus(folder).items() if "sequence" not in k and "batch" not in k
    }
    items = {"corpus": of_corpus, "prefix_characters": 12, "option_characters": 8, "max_length": 32}
    config["data"] = {"class_path": "MultipleChoice", "init_args": {"tokenizer": "bytes", **items}}
    logged = main({"subcommand": "test", "test": config}).trainer.callback_metrics
    assert logged["test/items"] >= 4
    assert {"test/acc_k2", "test/acc_norm", "test/acc_member"} <= {*logged}
