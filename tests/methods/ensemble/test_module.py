"""Members are the same however they are trained; their losses are those of a plain computation."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from torch.nn.functional import cross_entropy

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.methods.ensemble.members import as_member
from tests.callbacks.board import check_decisive_curves
from tests.helpers import last_checkpoint, stop_run, tiny, write_tiny
from tests.methods.ensemble.helpers import MEMBERS, checkpoint, run

MODEL, DATA = "model.init_args", "data.init_args"


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    return run(folder), folder


def test_the_curves_that_decide_are_logged(together):
    check_decisive_curves(Path(together[0].trainer.log_dir), together[0].model)


@pytest.mark.parametrize(
    "way",
    [
        {f"{MODEL}.training": "vectorised", f"{MODEL}.attention": "math"},
        {f"{MODEL}.training": "in_turn", f"{MODEL}.attention": "math"},
        {f"{MODEL}.training": "in_turn"},
        {"trainer.accumulate_grad_batches": 1, f"{DATA}.num_workers": 1},
    ],
)
def test_every_way_to_train_together_gives_the_same_members(together, tmp_path, way):
    reference = together[0].model.state_dict()
    for name, weight in run(tmp_path, way).model.state_dict().items():
        torch.testing.assert_close(weight, reference[name], atol=1e-6, rtol=0)


def test_members_of_jobs_of_their_own_are_the_same_and_can_be_gathered(together, tmp_path):
    cli, folder = together
    files = []
    for place, seed in enumerate(MEMBERS[f"{MODEL}.seeds"]):
        alone = run(tmp_path / str(seed), {f"{MODEL}.seeds": [seed]})
        for name, weight in alone.model.state_dict().items():
            expected = cli.model.state_dict()[name][place]
            torch.testing.assert_close(weight[0], expected, atol=1e-6, rtol=0)
        files.append(checkpoint(tmp_path / str(seed)))
    losses = []
    for gather in ([checkpoint(folder)], files, [str(tmp_path / "4/**/last.ckpt"), *files[1:]]):
        tested = run(tmp_path / "test", {f"{MODEL}.gather": gather}, "test")
        losses.append({k: float(v) for k, v in tested.trainer.callback_metrics.items()})
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert losses[1] == losses[2]


def test_pretrain_checkpoints_are_gathered_too(tmp_path):
    files = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        main({"subcommand": "fit", "fit": tiny(folder, {"seed_everything": seed})})
        files.append(checkpoint(folder))
    cli = run(tmp_path / "both", {f"{MODEL}.gather": files}, "test")
    for place, file in enumerate(files):
        state = torch.load(file, weights_only=True)["state_dict"]
        for name, weight in cli.model.member(place).items():
            torch.testing.assert_close(weight.float(), state[f"lm.{name}"])


def test_losses_are_those_of_a_plain_computation(together, tmp_path):
    _, folder = together
    every = {"trainer.limit_val_batches": 1.0}
    cli = run(tmp_path, {**every, f"{MODEL}.gather": [checkpoint(folder)]}, "validate")
    module = cli.model.eval()
    member, logit_mean, mixture, count = torch.zeros(3), 0.0, 0.0, 0
    with torch.no_grad():
        for batch in cli.datamodule.val_dataloader():
            labels = batch["labels"].flatten()
            logits = []
            for place in range(3):
                with as_member(module.lm, place) as lm:
                    logits.append(lm(batch["input_ids"]).logits.flatten(0, 1).double())
                member[place] += cross_entropy(logits[-1], labels, reduction="sum")
            stacked = torch.stack(logits)
            logit_mean += cross_entropy(stacked.mean(0), labels, reduction="sum")
            mean = stacked.softmax(-1).mean(0)
            mixture -= mean.gather(1, labels[:, None]).log().sum()
            count += len(labels)
    found = cli.trainer.callback_metrics
    assert float(found["val/loss"]) == pytest.approx(float(logit_mean) / count, abs=1e-5)
    assert float(found["val/loss_k3"]) == float(found["val/loss"])
    assert float(found["val/loss_probabilities"]) == pytest.approx(float(mixture) / count, abs=1e-5)
    assert float(found["val/loss_k1"]) == pytest.approx(float(member[0]) / count, abs=1e-5)
    assert float(found["val/loss_member"]) == pytest.approx(float(member.mean()) / count, abs=1e-5)


def test_one_member_is_the_model(tmp_path):
    cli = run(tmp_path, {f"{MODEL}.seeds": [4]})
    found = {name: float(value) for name, value in cli.trainer.callback_metrics.items()}
    assert found["val/loss"] == found["val/loss_member"]
    assert "val/loss_k1" not in found
    torch.manual_seed(4)
    lm = build_lm(cli.model.hparams["lm"], vocab_size=cli.datamodule.vocab_size)
    assert sorted(cli.model.member(0)) == sorted(dict(lm.named_parameters()))


def test_test_prints_the_law_and_studies_grow_point_by_point(together, tmp_path, caplog):
    _, folder = together
    study = tmp_path / "points.jsonl"
    changes = {f"{MODEL}.recipe": "mine", f"{MODEL}.points_file": str(study)}
    for _ in range(2):  # the same test again is the same point
        cli = run(tmp_path, {**changes, f"{MODEL}.gather": [checkpoint(folder)]}, "test")
    [point] = map(json.loads, study.read_text().splitlines())
    assert point["recipe"] == "mine"
    assert point["D"] == cli.datamodule.unique_tokens
    assert point["N"] == sum(p[0].numel() for p in cli.model.lm.parameters())
    assert point["epochs"] == pytest.approx(20 / 15)
    assert len(point["losses"]) == 3


def test_predict_writes_the_ensembles_log_probabilities(together, tmp_path):
    _, folder = together
    cli = run(tmp_path, {f"{MODEL}.gather": [checkpoint(folder)]}, "predict")
    [file] = tmp_path.rglob("log_probs.0.parquet")
    rows = pq.read_table(file).to_pydict()
    assert len(rows["log_probs"]) == len(cli.datamodule.windows("test"))
    assert max(max(row) for row in rows["log_probs"]) < 0


def test_members_are_exported_and_sample(together, tmp_path):
    from lit_research.lm import load_lm

    cli, _ = together
    cli.model.export_hf(str(tmp_path / "hf"))
    loaded = load_lm(tmp_path / "hf/member_1", dtype="float64")
    for name, weight in loaded.named_parameters():
        assert torch.equal(weight, cli.model.member(1)[name])
    texts = cli.model.sample(["ab", "c"], max_new_tokens=3, temperature=1.0, seed=0)
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{MODEL}.seeds": [1, 1]}, "distinct numbers"),
        ({f"{MODEL}.seeds": 0}, "number of members"),
        ({f"{MODEL}.training": "vectorised"}, "give attention math"),
        ({f"{MODEL}.recipe": "mine"}, "give both or neither"),
        ({f"{MODEL}.lm": {"folder": "x"}}, "members are randomly initialised"),
        ({f"{MODEL}.gather": ["x.ckpt"]}, "give seeds, and gather for validate"),
        ({"data.class_path": "Corpus"}, "give data.class_path MemberCorpus"),
        (
            {f"{MODEL}.optimizer": {"class_path": "torch.optim.Adafactor", "init_args": {}}},
            "give one of SGD",
        ),
        (
            {
                f"{MODEL}.training": "vectorised",
                f"{MODEL}.attention": "math",
                f"{DATA}.mask_across_documents": True,
            },
            "give training in_turn",
        ),
    ],
)
def test_mistakes_are_refused_before_training(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, changes)


def test_bad_checkpoints_are_refused(together, tmp_path):
    _, folder = together
    good = checkpoint(folder)
    (tmp_path / "broken.ckpt").write_bytes(b"no checkpoint")
    cases = [
        ([str(tmp_path / "none*.ckpt")], "no checkpoint matches"),
        ([str(tmp_path / "broken.ckpt")], "cannot read a checkpoint"),
    ]
    for gather, message in cases:
        with pytest.raises(UserError, match=message):
            run(tmp_path, {f"{MODEL}.gather": gather}, "test")
    copy = tmp_path / "copy.ckpt"
    shutil.copyfile(good, copy)
    with pytest.raises(UserError, match="duplicate member"):
        run(tmp_path, {f"{MODEL}.gather": [good, str(copy)]}, "test")
    with pytest.raises(UserError, match="own lm config"):
        run(tmp_path, {f"{MODEL}.gather": [good], f"{MODEL}.lm.hidden_size": 32}, "test")


# Without dropout all members train in one pass, with it in turn.
@pytest.mark.parametrize(("dropout", "how"), [(0.0, "exception"), (0.1, "kill")])
def test_stopped_in_the_middle_the_members_end_the_same(tmp_path, dropout, how):
    gpt2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 32}
    rates = dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), dropout)
    changes = {
        **MEMBERS,
        f"{MODEL}.lm": {**gpt2, **rates},
        "trainer.precision": "32-true",
        "checkpoint.every_n_train_steps": 4,
    }
    ends = []
    for stop in (None, 13):
        folder = tmp_path / str(stop)
        folder.mkdir()
        name = "--trainer.logger.init_args.name=run"
        if stop:
            args = {"step": stop, "how": how}
            callbacks = [{"class_path": "tests.helpers.StopAt", "init_args": args}]
            config = write_tiny(folder, {**changes, "trainer.callbacks": callbacks})
            stop_run(["fit", "--config", str(config), name], how)
        config = write_tiny(folder, changes)
        main(["fit", "--config", str(config), name, "--ckpt_path", "last"])
        ends.append(last_checkpoint(folder))
    for name, weight in ends[0]["state_dict"].items():
        assert torch.equal(weight, ends[1]["state_dict"][name]), name
