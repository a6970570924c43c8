"""The synthesizer: what it starts from, what it scores, and when it stops."""

import json
from pathlib import Path

import pytest
import torch

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lm import IGNORE, lm_token_losses
from lit_research.methods.sbp import Synthesizer
from tests.callbacks.board import check_decisive_curves
from tests.helpers import tiny
from tests.methods.sbp.worlds import FINDER, world

MODEL, DATA = "model.init_args", "data.init_args"
BASE = {
    "data.class_path": "TwoFormatsCorpus",
    f"{DATA}.source": world(),
    f"{DATA}.tokenizer": "words",
    f"{DATA}.sequence_length": 18,
    f"{DATA}.max_train_tokens": ...,
    f"{DATA}.passes": 3,
    f"{DATA}.batch_size": 8,
    "trainer.max_steps": ...,
    "trainer.max_epochs": 1,
    "trainer.val_check_interval": 1.0,
    "trainer.limit_val_batches": 1.0,
    "checkpoint": {"every_n_train_steps": 4, "export_hf": True},
}
TUNE = {
    **BASE,
    "model.class_path": "Synthesizer",
    "data.class_path": "TwoFormatsPairs",
    f"{DATA}.sequence_length": 32,
    f"{DATA}.finder": FINDER,
    f"{DATA}.fresh_pairs": 3,
    f"{DATA}.pair_validation_fraction": 0.2,
    f"{DATA}.batch_size": 4,
    "trainer.max_epochs": 3,
}
del TUNE[f"{DATA}.passes"]


def run(folder, changes, verb="fit", **more):
    folder.mkdir(exist_ok=True)
    return main({"subcommand": verb, verb: {**tiny(folder, changes), **more}})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    cli = run(tmp_path_factory.mktemp("base"), BASE)
    return str(Path(cli.trainer.log_dir) / "hf")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("tuned")
    return run(folder, {**TUNE, f"{MODEL}.lm": {"folder": base}})


def test_a_synthesizer_starts_from_its_base_and_learns(tuned, base):
    metrics = tuned.trainer.callback_metrics
    assert tuned.trainer.global_step > 3
    assert isinstance(tuned.model, Synthesizer)
    fresh = Synthesizer(lm={"folder": base}, vocab_size=79)
    fresh.configure_model()
    batch = tuned.datamodule.dataset("validation").__getitems__(range(4))
    with torch.no_grad():
        before = lm_token_losses(fresh.eval().lm, batch, fused=False).sum()
        after = lm_token_losses(tuned.model.eval().lm, batch, fused=False).sum()
    assert after < before
    assert metrics["train/loss"] > 0


def test_its_losses_are_those_of_d2_with_its_own_d1_and_with_another(tuned):
    data = tuned.datamodule.dataset("validation")
    batch = data.__getitems__(range(len(data)))
    with torch.no_grad():
        losses = lm_token_losses(tuned.model.eval().lm, batch, fused=False)
    labels, metrics = batch["labels"] != IGNORE, tuned.trainer.callback_metrics
    means = {}
    for is_shuffled, suffix in ((False, ""), (True, "_shuffled")):
        counted = labels & (batch["is_shuffled"] == is_shuffled)[:, None]
        means[suffix] = losses[counted].mean()
        logged = metrics[f"val/loss{suffix}"]
        torch.testing.assert_close(logged.float(), means[suffix], rtol=1e-4, atol=0)
        for group, name in enumerate(tuned.datamodule.loss_groups):
            words = counted & (batch["loss_groups"] == group)
            if words.any():
                logged = metrics[f"val/loss_of_{name}{suffix}"].float()
                torch.testing.assert_close(logged, losses[words].mean(), rtol=1e-4, atol=0)
    gain = means["_shuffled"] - means[""]
    torch.testing.assert_close(metrics["val/gain_of_d1"].float(), gain, rtol=1e-3, atol=1e-5)


def test_the_test_scores_siblings_of_new_records(tuned):
    cli = main(["test", "--run", tuned.trainer.log_dir])
    metrics = cli.trainer.callback_metrics
    for name in ("a", "common_b", "rare_b"):
        own, other = metrics[f"test/loss_of_{name}"], metrics[f"test/loss_of_{name}_shuffled"]
        assert metrics[f"test/gain_of_d1_of_{name}"] == pytest.approx(float(other - own), abs=1e-5)
    data = cli.datamodule
    batch = data.dataset("test").__getitems__(range(0, 48, 2))
    world = data.dataset("test")
    assert len(world) == 2 * 24  # four topics, three records, two directions, two d1
    known = {*data.documents["train"]["text"]}
    for labels in batch["labels"]:
        text = data.tokenizer.decode(labels[labels != IGNORE][:-1])
        assert text not in known
    scored = [(batch["loss_groups"] == group).sum() for group in range(3)]
    assert scored == [4 * 12, 4 * 6, 4 * 6]  # four words a document


def test_the_card_of_the_pairs_is_in_the_run(tuned):
    card = json.loads((Path(tuned.trainer.log_dir) / "pairs.json").read_text())
    assert card["kind"] == "related"
    assert card["train_pairs"] == len(tuned.datamodule.columns("train")[0])


def test_its_decisive_curves_are_logged(tuned):
    check_decisive_curves(Path(tuned.trainer.log_dir), tuned.model)


def test_it_stops_early_on_held_out_pairs(tmp_path, base):
    stop = {
        "class_path": "lightning.pytorch.callbacks.EarlyStopping",
        "init_args": {"monitor": "val/loss", "patience": 1, "min_delta": 100.0},
    }
    changes = {**TUNE, f"{MODEL}.lm": {"folder": base}, "trainer.callbacks": [stop]}
    assert run(tmp_path, {**changes, "trainer.max_epochs": 9}).trainer.current_epoch == 2


def test_self_distillation_has_nothing_to_shuffle(tmp_path, base):
    changes = {f"{MODEL}.lm": {"folder": base}, f"{DATA}.pairs": "self", f"{DATA}.finder": None}
    cli = run(tmp_path, {**TUNE, **changes, "trainer.max_epochs": 1})
    assert "val/loss" in cli.trainer.callback_metrics
    assert "val/gain_of_d1" not in cli.trainer.callback_metrics


def test_a_base_with_another_tokenizer_is_refused(tmp_path, base):
    other = {
        f"{DATA}.source": world(topics=5, records=9, common=9),
        f"{MODEL}.lm": {"folder": base},
    }
    with pytest.raises(UserError, match="trained with another tokenizer than that of TwoFormats"):
        run(tmp_path, {**TUNE, **other})


def test_random_weights_are_refused():
    with pytest.raises(UserError, match="lm has no folder"):
        Synthesizer(lm={"model_type": "llama"}, vocab_size=9)


def test_pairs_longer_than_the_base_are_refused(tmp_path, base):
    changes = {f"{MODEL}.lm": {"folder": base}, f"{DATA}.sequence_length": 64}
    with pytest.raises(UserError, match="beyond the model's 32 positions"):
        run(tmp_path, {**TUNE, **changes})
