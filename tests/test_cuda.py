"""On a GPU: the same numbers as on the CPU, and a resumed run that equals an unbroken one.

Skipped where there is none.
"""

import copy
import dataclasses
from pathlib import Path

import pytest
import torch

from lit_research.catalogue import config_dir
from lit_research.cli import main
from lit_research.lm import document_positions, lm_loss, lm_token_losses, run_lm
from lit_research.lm.engines import TransformersEngine
from lit_research.metagrad import AdamW, metagradient, train
from lit_research.methods.ttt.streaming import Stream
from tests.helpers import config_arguments, last_checkpoint, write_tiny
from tests.lm.models import CONFIGS, bytes_tokenizer, tiny_lm
from tests.metagrad.problem import metric, training
from tests.methods.ttt.test_inner_loop import PLAIN, build, data, gradients

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
GPU = torch.device("cuda")


def on_gpu(batch):
    return {name: value.to(GPU) for name, value in batch.items()}


@pytest.mark.parametrize("attention", ["sdpa", "math"])
@pytest.mark.parametrize("name", CONFIGS)
def test_logits_and_gradients_of_packed_documents_are_those_of_the_cpu(name, attention):
    lm = tiny_lm(name, vocab_size=50, attention=attention).eval().double()
    ids = torch.zeros(3, 20, dtype=torch.int64)
    ids[0, 7:] += 1
    ids[2, 3:] += 1
    tokens = torch.randint(0, 50, (3, 20), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": tokens, "labels": tokens.roll(-1, 1)}
    batch["position_ids"] = document_positions(ids)
    found = []
    for device in ("cpu", "cuda"):
        copied = copy.deepcopy(lm).to(device)
        inputs = {key: value.to(device) for key, value in batch.items()}
        loss = lm_loss(copied, inputs, fused=True)
        grads = torch.autograd.grad(loss, list(copied.parameters()))
        found.append([run_lm(copied, inputs).cpu(), loss.cpu(), *(g.cpu() for g in grads)])
    for here, there in zip(*found, strict=True):
        # Eager attention takes its softmax in fp32, rotary positions their sines and cosines.
        exact = attention == "sdpa" and name == "gpt2"
        torch.testing.assert_close(there, here, atol=1e-10 if exact else 1e-5, rtol=1e-6)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_fused_losses_of_bf16_are_those_of_fp32_to_its_precision(name):
    lm = tiny_lm(name, vocab_size=50, attention="sdpa").to(GPU).eval()
    tokens = torch.randint(0, 50, (3, 20), generator=torch.Generator().manual_seed(0))
    batch = on_gpu({"input_ids": tokens, "labels": tokens.roll(-1, 1)})
    with torch.no_grad():
        exact = lm_token_losses(lm, batch, fused=True)
        with torch.autocast("cuda", torch.bfloat16):
            low = lm_token_losses(lm, batch, fused=True)
    assert float((exact - low).abs().mean()) < 0.05


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_tokens_are_those_of_the_cpu(name):
    prompts = ["a", "the quick brown fox", "def f(x):", "zz"]
    found = []
    for device in ("cpu", "cuda"):
        lm = tiny_lm(name, attention="sdpa").double().to(device)
        engine = TransformersEngine(lm, bytes_tokenizer(), batch_size=3)
        written = engine.generate(prompts, max_new_tokens=12, temperature=0.0)
        found.append([c.token_ids for [c] in written])
    assert found[0] == found[1]


@pytest.mark.parametrize("store", ["ram", "pinned", "disk"])
@pytest.mark.parametrize("save", ["all", "sqrt", "tree"])
def test_the_metagradient_is_that_of_the_cpu(tmp_path, save, store):
    options = {"save": save, "store": f"disk:{tmp_path}" if store == "disk" else store}
    here = training(AdamW(1e-2, weight_decay=0.1), steps=6)
    there = training(AdamW(1e-2, weight_decay=0.1), steps=6, **options)
    there = dataclasses.replace(
        there, model=there.model.to(GPU), batches=[on_gpu(batch) for batch in there.batches]
    )
    one = metagradient(train(here), metric, with_theta0=True)
    other = metagradient(train(there), metric, with_theta0=True)
    assert other.value == pytest.approx(one.value, abs=1e-8)
    for a, b in zip(one.weights, other.weights, strict=True):
        torch.testing.assert_close(b.cpu(), a, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("recompute", ["none", "chunk", "sqrt", "log"])
def test_the_meta_gradient_through_the_inner_loop_is_that_of_the_cpu(recompute):
    inner = dataclasses.replace(PLAIN, recompute=recompute)
    lm, (ids, labels) = build(), data()
    loss, expected = gradients(lm, ids, labels, inner)
    other, found = gradients(build().to(GPU), ids.to(GPU), labels.to(GPU), inner)
    assert float(other) == pytest.approx(float(loss), abs=1e-10)
    for name, value in expected.items():
        torch.testing.assert_close(found[name].cpu(), value, atol=1e-9, rtol=1e-7, msg=name)


def test_a_stream_reads_as_on_the_cpu():
    lm, (ids, _) = build().eval(), data()
    here = Stream(lm, len(ids)).score(ids)
    there = Stream(build().eval().to(GPU), len(ids)).score(ids.to(GPU))
    torch.testing.assert_close(there.cpu(), here, atol=1e-9, rtol=1e-8)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path, precision):
    def run(name: str, steps: int) -> Path:
        changes = {
            "trainer.accelerator": "gpu",
            "trainer.devices": 1,
            "trainer.precision": precision,
            "trainer.deterministic": True,
            "trainer.max_steps": steps,
            "trainer.val_check_interval": 3,
            "model.init_args.schedule": "constant",
            "model.init_args.warmup": 0.0,
        }
        config = write_tiny(tmp_path, changes, f"{name}-{steps}.yaml")
        options = [f"--trainer.logger.init_args.name={name}", "--ckpt_path", "last"]
        return Path(main(["fit", "--config", str(config), *options]).trainer.log_dir)

    whole = last_checkpoint(run("whole", 8))
    run("broken", 5)
    broken = last_checkpoint(run("broken", 8))
    for name, weight in whole["state_dict"].items():
        assert torch.equal(weight, broken["state_dict"][name]), name


TINY = [
    "pretrain/tiny.yaml",
    "ensemble/tiny.yaml",
    "ttt/tiny.yaml",
    "ttt/tiny_text.yaml",
    "dpg/tiny.yaml",
    "dpg/tiny_67.yaml",
]


@pytest.mark.parametrize("config", TINY)
def test_every_method_trains_in_bf16(tmp_path, config):
    options = {
        "trainer.accelerator": "gpu",
        "trainer.devices": 1,
        "trainer.precision": "bf16-mixed",
        "trainer.max_steps": 3,
        "trainer.limit_val_batches": 1,
        "trainer.val_check_interval": 3,
        "trainer.logger.init_args.save_dir": str(tmp_path),
        "trainer.enable_progress_bar": False,
        "trainer.enable_model_summary": False,
    }
    flags = [f"--{key}={value}" for key, value in options.items()]
    cli = main(["fit", *config_arguments(config_dir() / config), *flags])
    losses = [v for k, v in cli.trainer.callback_metrics.items() if k.startswith("train/")]
    assert losses
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses)
    assert cli.trainer.strategy.root_device.type == "cuda"  # the model is back on the CPU
