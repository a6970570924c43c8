"""The command: a run of every option, fresh targets, data sets, kills and resumes."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from datasets import load_from_disk

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.methods.dpg import Attributor
from tests.callbacks.board import check_decisive_curves
from tests.helpers import last_checkpoint, run_apart, run_as_ranks

INIT, DATA = "model.init_args", "data.init_args"
QUIET = {
    "trainer.max_steps": 4,
    "trainer.val_check_interval": 2,
    "trainer.log_every_n_steps": 1,
    "trainer.accelerator": "cpu",
    "trainer.enable_progress_bar": False,
    "trainer.enable_model_summary": False,
    "throughput.measure_peak": False,
    f"{DATA}.prompts": ["a", "b", "c", "d"],
    f"{DATA}.batch_size": 4,
    f"{INIT}.rollouts": 4,
    f"{INIT}.inner.batch_size": 8,
    f"{INIT}.max_new_tokens": 8,
    f"{INIT}.inner.length": 8,
}


def write(folder, changes=None, name="dpg.yaml"):
    config = yaml.safe_load((config_dir() / "dpg/tiny.yaml").read_text())
    config["trainer"]["logger"] = {
        "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
        "init_args": {"save_dir": str(folder / "runs"), "name": "run", "default_hp_metric": False},
    }
    for key, value in {**QUIET, **(changes or {})}.items():
        *path, last = key.split(".")
        section = config
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    path = folder / name
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def fit(folder, changes=None, verb="fit", *options):
    return main([verb, "--config", str(write(folder, changes)), *options])


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """The generator as it begins."""
    still = {"trainer.max_steps": 1, f"{INIT}.optimizer.init_args.lr": 0.0}
    return fit(tmp_path_factory.mktemp("untrained"), still).model.state_dict()


@pytest.mark.parametrize(
    "changes",
    [
        {f"{INIT}.reward": "dataset"},
        {f"{INIT}.reward": "shuffled"},
        {f"{INIT}.cross_group_batching": False},
        {f"{INIT}.advantage_scale": "official"},
        {f"{INIT}.mini_batch": 4, f"{INIT}.epochs": 2},
        {f"{INIT}.temperature": 0.7},
        {f"{INIT}.inner.optimizer": "sgd", f"{INIT}.inner.lr": 0.1},
        {f"{INIT}.inner.save": "sqrt", f"{INIT}.inner.micro_batch": 3},
        {f"{INIT}.max_grad_norm": None},
        {f"{INIT}.metric": {"class_path": "HeadNorm"}},
        {
            f"{INIT}.metric": {
                "class_path": "TextLoss",
                "init_args": {"texts": ["hello"], "max_tokens": 8},
            }
        },
        {"trainer.precision": "bf16-mixed", f"{INIT}.optimizer.init_args.fused": True},
        {f"{INIT}.schedule": "cosine", f"{INIT}.warmup": 0.25, "trainer.max_steps": 4},
    ],
    ids=str,
)
def test_an_option_trains(untrained, tmp_path, changes):
    cli = fit(tmp_path, {"trainer.max_steps": 2, "trainer.val_check_interval": 1, **changes})
    assert cli.trainer.global_step == changes.get("trainer.max_steps", 2)
    after = cli.model.state_dict()
    assert after.keys() == untrained.keys()
    assert any(not torch.equal(after[name], before) for name, before in untrained.items())
    assert cli.trainer.callback_metrics["val/phi"].isfinite()
    check_decisive_curves(Path(cli.trainer.log_dir), cli.model)


def test_micro_batches_of_an_update_change_nothing(tmp_path):
    base = {"trainer.max_steps": 1, "trainer.limit_val_batches": 0, f"{INIT}.mini_batch": 8}
    whole, parts = (
        fit(tmp_path, {**base, f"{INIT}.micro_batch": micro}).model.generator.state_dict()
        for micro in (None, 3)
    )
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, atol=1e-5, rtol=0)


def test_a_generator_learns_to_write_a_bitmap_and_a_fresh_target_shows_it(tmp_path):
    changes = {
        "trainer.max_steps": 60,
        "trainer.val_check_interval": 60,
        "trainer.log_every_n_steps": 20,
        f"{DATA}.prompts": list("abcdefghijklmnop"),
        f"{DATA}.batch_size": 16,
        f"{INIT}.rollouts": 8,
        f"{INIT}.max_new_tokens": 16,
        f"{INIT}.inner.length": 16,
        f"{INIT}.inner.batch_size": 32,
    }
    cli = fit(tmp_path, changes)
    assert float(cli.trainer.callback_metrics["val/pixel_accuracy"]) >= 0.9
    tested = fit(tmp_path, changes, "test", "--ckpt_path", "last")
    assert float(tested.trainer.callback_metrics["test/pixel_accuracy"]) >= 0.9
    control = fit(tmp_path, {**changes, f"{INIT}.reward": "shuffled"})
    assert float(control.trainer.callback_metrics["val/pixel_accuracy"]) <= 0.8


def test_predict_writes_a_data_set_that_an_interruption_does_not_change(tmp_path):
    fit(tmp_path, {f"{DATA}.batch_size": 2})
    out = {f"{INIT}.output": str(tmp_path / "texts"), f"{DATA}.batch_size": 2}
    fit(tmp_path, out, "predict", "--ckpt_path", "last")
    first = load_from_disk(str(tmp_path / "texts"))
    assert len(first) == 16
    assert first["source_id"][:4] == ["prompt 0"] * 4
    card = json.loads((tmp_path / "texts/card.json").read_text())
    assert (card["rollouts"], card["prompts"]) == (4, 4)
    # A shard is lost; the others are not written again.
    kept = tmp_path / "texts.shards/000000.arrow"
    before = kept.stat().st_mtime_ns
    (tmp_path / "texts.shards/000001.arrow").unlink()
    (tmp_path / "texts/card.json").unlink()
    for file in (tmp_path / "texts").iterdir():
        file.unlink()
    fit(tmp_path, out, "predict", "--ckpt_path", "last")
    assert kept.stat().st_mtime_ns == before
    assert load_from_disk(str(tmp_path / "texts"))["text"] == first["text"]
    with pytest.raises(UserError, match="another temperature"):
        fit(tmp_path, {**out, f"{INIT}.temperature": 0.5}, "predict", "--ckpt_path", "none")


def rewards(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = {}
    for events in sorted(folder.rglob("events*")):
        log = EventAccumulator(str(events))
        log.Reload()
        if "train/reward_std" in log.Tags()["scalars"]:
            found.update({e.step: e.value for e in log.Scalars("train/reward_std")})
    return found


def test_a_killed_run_goes_on_with_the_same_rewards_and_weights(tmp_path):
    base = {"trainer.max_steps": 9, "trainer.val_check_interval": 4, f"{INIT}.mini_batch": 8}
    base["checkpoint"] = {"every_n_train_steps": 2}
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    options = ["--ckpt_path", "last"]
    main(["fit", "--config", str(write(tmp_path / "whole", base)), *options])
    stop = [{"class_path": "tests.helpers.StopAt", "init_args": {"step": 5}}]
    killed = write(tmp_path / "broken", {**base, "trainer.callbacks": stop}, "a.yaml")
    assert run_apart(["fit", "--config", str(killed), *options]) == -9
    main(["fit", "--config", str(write(tmp_path / "broken", base, "b.yaml")), *options])
    one, other = (last_checkpoint(tmp_path / name) for name in ("whole", "broken"))
    assert one["global_step"] == other["global_step"] == 9
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, other["state_dict"][name]), name
    assert not any("target" in name for name in one["state_dict"])
    expected, found = rewards(tmp_path / "whole"), rewards(tmp_path / "broken")
    assert len(expected) == 9
    assert found == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{INIT}.rollouts": 1}, "rollouts is 1"),
        ({f"{INIT}.temperature": 0.0}, "temperature is 0"),
        ({f"{INIT}.epochs": 0}, "epochs is 0"),
        ({f"{INIT}.target.tie_word_embeddings": True}, "tie_word_embeddings false"),
        ({f"{INIT}.target.hidden_size": 4}, "5 x 5 pixels"),
        ({f"{INIT}.target_dtype": "bfloat16"}, "is torch.bfloat16"),
        ({f"{INIT}.generator.max_position_embeddings": 1}, "longer context"),
        ({f"{INIT}.inner.length": 17}, "target's context 16"),
        ({f"{INIT}.inner.save": "tape"}, "save is 'tape'"),
        ({f"{INIT}.metric.init_args.rows": ["#", ".."]}, "rows of one length"),
        ({f"{DATA}.prompts": ["z"]}, "none of 1 prompts"),
        ({f"{DATA}.template": "x"}, "template is 'x'"),
        ({f"{DATA}.tokenizer": "bytes"}, "tokenizer and alphabet: both are given"),
        ({f"{DATA}.source": "embedded:topics"}, "prompts and source: both are given"),
        ({f"{DATA}.test_fraction": 1.0}, "test_fraction is 1"),
        ({f"{INIT}.target": {"folder": "none", "hidden_size": 3}}, "next to folder"),
        ({f"{INIT}.inner.lr": float("nan")}, "lr is nan"),
    ],
    ids=str,
)
def test_mistakes_are_refused_before_the_first_update(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        fit(tmp_path, changes)


def test_prompts_come_from_documents_and_are_held_out(tmp_path):
    changes = {
        f"{DATA}.prompts": None,
        f"{DATA}.source": "embedded:topics",
        f"{DATA}.alphabet": None,
        f"{DATA}.tokenizer": "bytes",
        f"{DATA}.template": "Say it again: {text}\n",
        f"{DATA}.max_documents": 40,
        f"{DATA}.max_characters": 20,
        f"{DATA}.test_fraction": 0.25,
        f"{DATA}.eval_prompts": 2,
        f"{INIT}.generator.max_position_embeddings": 64,
        "trainer.max_steps": 2,
    }
    cli = fit(tmp_path, changes)
    prompts = cli.datamodule.prompts
    assert len(prompts["train"]) + len(prompts["test"]) == 40
    text = cli.datamodule.tokenizer.decode(prompts["train"][0])
    assert text.startswith("Say it again: ")
    assert len(text) <= 35
    assert not set(map(tuple, prompts["train"])) & set(map(tuple, prompts["test"]))


def test_each_pass_has_every_prompt_once_in_another_order(tmp_path):
    from lit_research.methods.dpg import Prompts

    data = Prompts(prompts=list("abcdefgh"), alphabet="abcdefgh", batch_size=4, passes=3, seed=0)
    ids = [i for batch in data.train_dataloader() for i in batch["ids"]]
    passes = [ids[k : k + 8] for k in (0, 8, 16)]
    assert all(sorted(p) == list(range(8)) for p in passes)
    assert passes[0] != passes[1]
    assert data.batches_per_epoch == 6
    assert [b["ids"] for b in data.val_dataloader()] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def fit_as_rank(config):
    """Train in this process; return how many texts each target was trained on, and the weights."""
    counts, attribute = [], Attributor.attribute

    def counted(self, texts):
        counts.append(len(texts))
        return attribute(self, texts)

    Attributor.attribute = counted
    options = ["--trainer.strategy", "ddp", "--trainer.devices", "2"]
    cli = main(["fit", "--config", str(config), *options])
    total = sum(float(p.double().sum()) for p in cli.model.parameters())
    return cli.trainer.global_rank, counts, total


def test_two_processes_write_for_one_target(tmp_path):
    """Each writes for half of the prompts; the target is trained on all of it in both."""
    config = write(tmp_path, {f"{DATA}.batch_size": 2, "trainer.max_steps": 3})
    ranks, counts, totals = zip(*run_as_ranks(fit_as_rank, config), strict=True)
    assert ranks == (0, 1)
    assert counts == ([16, 16, 16], [16, 16, 16])
    assert totals[0] == totals[1]  # the same weights after the same updates


def test_a_tied_head_is_untied_on_loading(tmp_path):
    from lit_research.lm import build_lm
    from lit_research.methods.dpg.target import make_target

    torch.manual_seed(0)
    sizes = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 8}
    tied = build_lm({"model_type": "gpt2", **sizes}, vocab_size=16, attention="math")
    tied.save_pretrained(tmp_path / "gpt2")
    spec = {"folder": str(tmp_path / "gpt2"), "untie": True}
    target = make_target(spec, 16, 0, "float32", torch.device("cpu"))
    names = dict(target.named_parameters())
    assert "lm_head.weight" in names
    assert torch.equal(target.lm_head.weight, target.transformer.wte.weight)
    ids = torch.arange(8)[None]
    assert torch.equal(target(ids).logits, tied.eval()(ids).logits)
