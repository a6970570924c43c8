"""The arms run by the command; what is learned in a sequence shows; mistakes are refused."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.lm import build_lm, count_parameters
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.core import inner_lr_factor, permutation_batch
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from lit_research.methods.ttt.streaming import Stream
from tests.callbacks.board import check_decisive_curves

SMALL = [
    "--trainer.max_steps=3",
    "--trainer.val_check_interval=3",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--data.init_args.batch_size=2",
    "--data.init_args.eval_sequences=2",
    "--data.init_args.sequence_length=64",
    "--model.init_args.lm.hidden_size=16",
]


def run(folder, *options, verb="fit"):
    config = str(config_dir() / "ttt/tiny.yaml")
    where = f"--trainer.logger.init_args.save_dir={folder}"
    return main([verb, "--config", config, where, *SMALL, *options])


@pytest.mark.parametrize("arm", ["e2e", "first_order", "naive", "swa", "full"])
def test_every_arm_trains_and_is_tested_with_the_inner_loop_on_and_off(tmp_path, arm):
    cli = run(tmp_path, f"--model.init_args.arm={arm}", "--trainer.log_every_n_steps=1")
    assert cli.trainer.global_step == 3
    if arm == "e2e":
        check_decisive_curves(Path(cli.trainer.log_dir), cli.model)
    tested = run(tmp_path, f"--model.init_args.arm={arm}", "--ckpt_path=last", verb="test")
    found = tested.trainer.callback_metrics
    same = float(found["test/loss"]) == pytest.approx(float(found["test/loss_frozen"]), abs=1e-6)
    assert same == (arm in ("swa", "full"))


def test_eval_can_be_longer_than_training(tmp_path):
    cli = run(tmp_path, "--data.init_args.eval_length=128")
    assert cli.datamodule.sequence_length == 128


def test_the_inner_rate_rises_from_a_tenth_as_in_the_official_code():
    assert inner_lr_factor(0, 10) == pytest.approx(0.1 + 0.9 / 10)
    assert inner_lr_factor(9, 10) == inner_lr_factor(500, 10) == 1.0
    assert inner_lr_factor(0, 0) == 1.0


def test_sequences_follow_a_permutation_of_their_own():
    import numpy as np

    ids, labels = permutation_batch(
        np.random.default_rng(0), batch=3, length=400, vocabulary=8, noise=0.0
    )
    assert torch.equal(ids[:, 1:], labels[:, :-1])
    maps = []
    for row in range(3):
        leads = {}
        for a, b in zip(ids[row].tolist(), labels[row].tolist(), strict=True):
            assert leads.setdefault(a, b) == b
        maps.append(tuple(sorted(leads.items())))
    assert len(set(maps)) == 3


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--model.init_args.lm.widht=3", "unknown field 'widht'"),
        ("--data.init_args.sequence_length=60", "whole chunks"),
        ("--model.init_args.lm.num_attention_heads=3", "even head width"),
        ("--model.init_args.lm.window=0", "window is 0"),
        ("--model.init_args.lm.num_suffix_layers=5", "of a model of 4 blocks"),
        ("--model.init_args.inner_warmup=2", "must be from 0 to 1"),
        ("--data.init_args.noise=2", "noise is 2"),
    ],
)
def test_mistakes_are_refused_before_training(tmp_path, option, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, option)


def test_a_saved_model_is_loaded_by_transformers(tmp_path):
    from transformers import AutoModelForCausalLM

    config = TTTE2EConfig(
        vocab_size=11,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        window=8,
        chunk=4,
    )
    lm = TTTE2EForCausalLM(config).eval()
    lm.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    ids = torch.arange(10)[None]
    assert torch.equal(lm(ids).logits, loaded(ids).logits)
    assert loaded.lm_head.weight is loaded.embed.weight


@pytest.mark.parametrize(
    ("layers", "width", "hidden", "baseline", "suffix", "heads"),
    [(12, 768, 1664, 2048, 3, 12), (24, 1536, 3328, 4096, 6, 16), (32, 2560, 5632, 6912, 8, 32)],
)
def test_prime_mlps_are_paid_for_by_narrower_ones(layers, width, hidden, baseline, suffix, heads):
    sizes = {
        "vocab_size": 128_256,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }
    with torch.device("meta"):
        e2e = TTTE2EForCausalLM(
            TTTE2EConfig(**sizes, intermediate_size=hidden, num_suffix_layers=suffix)
        )
        plain = TTTE2EForCausalLM(
            TTTE2EConfig(**sizes, intermediate_size=baseline, num_suffix_layers=0)
        )
    assert count_parameters(e2e) == pytest.approx(count_parameters(plain), rel=0.02)


TEXT = [
    *SMALL[:4],
    "--data.init_args.source=embedded:topics",
    "--data.init_args.contexts=[64,128]",
    "--data.init_args.sequence_length=64",
    "--model.init_args.lm.chunk=32",
]


def run_text(folder, *options, verb="fit"):
    config = str(config_dir() / "ttt/tiny_text.yaml")
    where = f"--trainer.logger.init_args.save_dir={folder}"
    return main([verb, "--config", config, where, *TEXT, *options])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    cli = run_text(folder)
    texts = cli.model.sample(["def ", "a"], max_new_tokens=40, temperature=0.8, seed=0)
    assert len(texts) == 2
    assert texts == cli.model.sample(["def ", "a"], max_new_tokens=40, temperature=0.8, seed=0)
    cli.model.export_hf(str(folder / "hf"))
    return folder / "hf", cli.model.lm


def from_folder(folder, tmp_path, *options, **fields):
    lm = json.dumps({"folder": str(folder), **fields})
    config = yaml.safe_load((config_dir() / "ttt/tiny_text.yaml").read_text())
    config["model"]["init_args"]["lm"] = json.loads(lm)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    where = f"--trainer.logger.init_args.save_dir={tmp_path}"
    text = [option for option in TEXT if "model" not in option]
    return main(["fit", "--config", str(path), where, *text, *options])


def test_an_exported_model_is_trained_further_with_another_window(exported, tmp_path):
    folder, lm = exported
    cli = from_folder(folder, tmp_path, "--trainer.max_steps=0", window=16, inner_lr=0.5)
    assert cli.model.lm.config.window == 16
    assert cli.model.inner.lr == 0.5
    assert torch.equal(cli.model.lm.embed.weight, lm.embed.weight)
    assert from_folder(folder, tmp_path, window=16, chunk=16).trainer.global_step == 3


@pytest.mark.parametrize(
    ("options", "fields", "message"),
    [
        ([], {"hidden_size": 32}, "unknown field 'hidden_size'.*folder, window"),
        (["--model.init_args.arm=full"], {}, "the last 1 blocks .* have prime MLPs"),
        ([], {"rope_theta": 0}, "rope_theta is 0"),
        ([], {"window": None}, "window is null"),
        (["--data.init_args.tokenizer=bpe:400"], {}, "has 257 tokens and the data 400"),
    ],
)
def test_what_does_not_fit_an_exported_model_is_refused(
    exported, tmp_path, options, fields, message
):
    with pytest.raises(UserError, match=message):
        from_folder(exported[0], tmp_path, *options, **fields)


def test_full_attention_is_exported_and_trained_further_at_another_rotary_base(tmp_path):
    cli = run_text(tmp_path, "--model.init_args.arm=full", "--trainer.max_steps=1")
    cli.model.export_hf(str(tmp_path / "hf"))
    lm, full, ids = cli.model.lm, "--model.init_args.arm=full", torch.arange(60)[None]
    same = from_folder(tmp_path / "hf", tmp_path, full, "--trainer.max_steps=0").model.lm
    with torch.no_grad():
        assert torch.equal(same(ids).logits, lm(ids).logits)
    cli = from_folder(tmp_path / "hf", tmp_path, full, "--trainer.max_steps=0", rope_theta=2e6)
    with torch.no_grad():
        found = cli.model.lm(ids).logits
        expected = TTTE2EForCausalLM.from_pretrained(tmp_path / "hf", rope_theta=2e6)(ids).logits
        assert torch.equal(found, expected)
        assert not torch.allclose(found, lm(ids).logits)
        assert torch.allclose(Stream(cli.model.lm).read(ids), found, atol=1e-5)
    with pytest.raises(UserError, match="arm is swa, but window is null"):
        from_folder(tmp_path / "hf", tmp_path, "--model.init_args.arm=swa")


def test_a_folder_of_another_kind_of_model_is_refused(tmp_path):
    tiny = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}
    build_lm(tiny, vocab_size=257).save_pretrained(tmp_path / "gpt2")
    with pytest.raises(UserError, match="of type gpt2"):
        from_folder(tmp_path / "gpt2", tmp_path)
