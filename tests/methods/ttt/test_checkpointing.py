"""Activation checkpointing of the prefix keeps less and changes not one bit."""

import pytest
import torch

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.lm import enable_activation_checkpointing
from lit_research.methods.ttt.inner_loop import InnerLoop, scan
from tests.methods.ttt.test_inner_loop import build, data


def kept_and_gradients(lm, inner):
    """Return the bytes that one forward pass keeps for backward, its loss and its gradients."""
    kept = {}

    def pack(tensor):
        kept[tensor.data_ptr()] = tensor  # alive, so that no other takes its place
        return tensor

    lm.zero_grad()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss, _ = scan(lm, *data(), inner)
    loss.backward()
    size = sum(x.numel() * x.element_size() for x in kept.values())
    return size, [loss.detach(), *(p.grad for p in lm.parameters())]


def disable(lm):
    # transformers renamed it, and warns where the old name is used after that.
    named = getattr(lm, "activation_checkpointing_disable", None)
    (named or lm.gradient_checkpointing_disable)()


@pytest.mark.parametrize(
    ("arm", "inner"),
    [
        ({"num_suffix_layers": 1}, InnerLoop(recompute="none")),
        ({"num_suffix_layers": 1}, InnerLoop(recompute="chunk")),
        ({"num_suffix_layers": 0}, InnerLoop(lr=0.0)),
        ({"window": None, "num_suffix_layers": 0}, InnerLoop(lr=0.0)),
    ],
)
def test_loss_and_gradient_are_the_same_to_the_last_bit(arm, inner):
    lm = build(num_hidden_layers=6, **arm)
    plain_bytes, plain = kept_and_gradients(lm, inner)
    enable_activation_checkpointing(lm)
    fewer_bytes, again = kept_and_gradients(lm, inner)
    if inner.recompute == "chunk":  # else the suffix is most of it
        assert fewer_bytes < 0.6 * plain_bytes
    assert fewer_bytes < plain_bytes
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))
    disable(lm)
    assert kept_and_gradients(lm, inner)[0] == plain_bytes


def train(folder, *options):
    small = [
        f"--trainer.logger.init_args.save_dir={folder}",
        "--trainer.max_steps=2",
        "--trainer.limit_val_batches=0",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--data.init_args.sequence_length=64",
        "--model.init_args.lm.hidden_size=16",
    ]
    return main(["fit", "--config", str(config_dir() / "ttt/tiny.yaml"), *small, *options])


def test_the_option_changes_no_weight(tmp_path):
    option = "--model.init_args.activation_checkpointing=true"
    plain, saved = train(tmp_path), train(tmp_path, option)
    assert all(block.gradient_checkpointing for block in saved.model.lm.prefix)
    weights = zip(plain.model.lm.parameters(), saved.model.lm.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    with pytest.raises(UserError, match="all 4 blocks have fast weights"):
        train(tmp_path, option, "--model.init_args.lm.num_suffix_layers=4")
