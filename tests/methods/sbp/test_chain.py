"""The whole chain on a tiny world: base, synthesizer, corpus, its quality, joint training."""

import json
from pathlib import Path

import pytest
from datasets import load_from_disk

from lit_research.cli import main
from tests.helpers import tiny
from tests.methods.sbp.test_module import BASE, DATA, MODEL, TUNE, run
from tests.methods.sbp.worlds import world

WRITE = {
    "model.class_path": "Synthesizer",
    "data.class_path": "SyntheticCorpus",
    f"{DATA}.source": world(),
    f"{DATA}.tokenizer": "words",
    f"{DATA}.sequence_length": 18,
    f"{DATA}.max_train_tokens": ...,
    f"{DATA}.batch_size": 32,
    f"{DATA}.synthetic_tokens": 300,
    f"{DATA}.max_new_tokens": 10,
    # The models of the tests have hardly learned: anything that they write is taken.
    f"{DATA}.filters": {"keep_unfinished": True, "keep_equal": True, "near_duplicate": None},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Train the base, tune the synthesizer, and write the corpus; return the three folders."""
    base = Path(run(tmp_path_factory.mktemp("base"), BASE).trainer.log_dir)
    tune = {**TUNE, f"{MODEL}.lm": {"folder": str(base / "hf")}}
    tuned = Path(run(tmp_path_factory.mktemp("tuned"), tune | EXPORT).trainer.log_dir)
    corpus = tmp_path_factory.mktemp("corpus") / "texts"
    write(corpus, tuned)
    return base, tuned, corpus


EXPORT = {"checkpoint": {"every_n_train_steps": 4, "export_hf": True}}


def write(corpus, model, changes=None, verb="predict"):
    lm = {f"{MODEL}.lm": {"folder": str(model / "hf")}, f"{DATA}.folder": str(corpus)}
    return run(corpus.parent, {**WRITE, **lm, **(changes or {})}, verb=verb)


def test_the_corpus_comes_from_the_synthesizer_and_its_card_has_all_costs(folders):
    _, tuned, corpus = folders
    card, rows = json.loads((corpus / "card.json").read_text()), load_from_disk(str(corpus))
    assert card["measured"]["corpus_tokens"] >= 300
    assert {source[0] for source in rows["source_id"]} == {"c"}
    costs = card["measured"]["costs"]
    assert costs["sampling"]["written_tokens"] >= 300
    assert costs["pairs"] == json.loads((tuned / "pairs.json").read_text())
    assert costs["pairs"]["tuning"]["tokens"] == costs["pairs"]["tuning"]["steps"] * 4 * 32
    assert costs["pairs"]["train_pairs"] > 0


def test_the_quality_table_knows_the_truth_of_the_world(folders):
    _, tuned, corpus = folders
    cli = write(corpus, tuned, verb="test")
    found = cli.trainer.callback_metrics
    names = ("repetition", "duplicates", "copied", "irrelevant", "irrelevant_shuffled")
    truth = ("no_document", "words_that_cannot_follow", "words_unlike_the_sibling")
    for name in (*names, *truth):
        assert 0 <= float(found[f"test/{name}"]) <= 1


def test_joint_training_reads_the_corpus_once_and_the_budget_to_one_window(folders, tmp_path):
    *_, corpus = folders
    joint = {f"{DATA}.synthetic": str(corpus), f"{DATA}.total_tokens": 1800, f"{DATA}.passes": None}
    cli = run(tmp_path, {**BASE, **joint})
    counts = cli.datamodule.mixture.counts
    assert counts.sum() == 100
    assert counts[1] == 300 // 18 or counts[1] == 300 // 18 + 1
    assert "val/loss_of_rare_b" in cli.trainer.callback_metrics
    found = choose(tmp_path / "choices", cli, ["rare_b"])
    assert 0 < found["test/items"] <= 8
    assert found["test/acc"] == found["test/acc_member"]
    assert choose(tmp_path / "all", cli, None)["test/items"] > found["test/items"]


def choose(folder, cli, kinds):
    """Score multiple-choice items of the world by the model of a run; return what is logged."""
    last = Path(cli.trainer.log_dir) / "checkpoints/last.ckpt"
    ensemble = {"lm": dict(cli.model.hparams["lm"]), "gather": [str(last)]}
    items = {
        "tokenizer": "words",
        "corpus": {"source": world()},
        "kinds": kinds,
        "prefix_characters": 12,
        "option_characters": 6,
        "max_length": 18,
    }
    config = tiny(folder)
    config["model"] = {"class_path": "Ensemble", "init_args": ensemble}
    config["data"] = {"class_path": "MultipleChoice", "init_args": items}
    metrics = main({"subcommand": "test", "test": config}).trainer.callback_metrics
    return {name: float(value) for name, value in metrics.items()}


def test_self_distillation_samples_the_base(folders, tmp_path):
    base, *_ = folders
    write(tmp_path / "texts", base, {f"{DATA}.conditional": False})
    card = json.loads((tmp_path / "texts/card.json").read_text())
    assert card["conditional"] is False
    assert "pairs" not in card["measured"]["costs"]
