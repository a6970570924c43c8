"""Released checkpoints predict what a model in plain numpy does with the same arrays."""

import sys

import numpy as np
import pytest
import torch

from lit_research.errors import UserError
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from lit_research.methods.ttt.module import TTTE2E
from lit_research.methods.ttt.released import NAMES, ROOT, command, from_released

SIZES = {"V": 23, "D": 16, "F": 24, "L": 3, "S": 1, "d": 8}
WINDOW, THETA = 6, 50.0
FIELDS = {"window": WINDOW, "chunk": 4, "rope_theta": THETA, "ignored_label_ids": []}


def released(seed=0, prime=True, **sizes):
    """Return random weights under the released names."""
    rng, sizes = np.random.default_rng(seed), {**SIZES, **sizes}
    weights = {}
    for name, (_, symbols) in NAMES.items():
        if prime or "prime" not in name:
            value = 0.4 * rng.standard_normal([sizes[s] for s in symbols.split()])
            weights[ROOT + name] = (value + ("norm" in name or "ln_f" in name)).astype(np.float32)
    return weights


def nested(weights):
    """Return the weights as Orbax keeps them; None is where the official code has no weight."""
    tree = {"step_index": None, "language_model": {"lm_head": None}}
    for name, value in weights.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return tree


# The official forward pass in float64, one text at a time; linear layers are x @ w.
def norm(x, weight):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * weight


def silu(x):
    return x / (1 + np.exp(-x))


def turned(x):
    """Turn the pairs (0, 1), (2, 3), ... of ``[T, H, d]``, as complex numbers."""
    T, _, d = x.shape
    angle = np.arange(T)[:, None] * THETA ** (-np.arange(0, d, 2) / d)
    pairs = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angle)[:, None]
    return np.stack([pairs.real, pairs.imag], axis=-1).reshape(x.shape)


def attention(x, w, window):
    heads = (len(x), -1, w("q_norm.weight").size)
    q, k, v = ((x @ w(f"w{name}.weight")).reshape(heads) for name in "qkv")
    q, k = turned(norm(q, w("q_norm.weight"))), turned(norm(k, w("k_norm.weight")))
    scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(heads[2])
    distance = np.subtract.outer(np.arange(len(x)), np.arange(len(x)))
    scores = np.where((distance >= 0) & (distance < window), scores, -np.inf)
    share = np.exp(scores - scores.max(-1, keepdims=True))
    out = np.einsum("hqk,khd->qhd", share / share.sum(-1, keepdims=True), v)
    return out.reshape(x.shape) @ w("wo.weight")


def mlp(x, w):
    return (silu(x @ w("w1.weight")) * (x @ w("w3.weight"))) @ w("w2.weight")


def reference(weights, ids, window):
    """Return the logits ``[T, V]`` with the weights as they are."""
    whole = {name.removeprefix(ROOT): value.astype(float) for name, value in weights.items()}
    layers = len(whole["h.blocks.seq_norm.weight"])
    suffix = len(whole.get("h.prime_storage.ffn_prime_norm.weight", ()))

    def part(root, index):
        return lambda name: whole[root + name][index]

    h = whole["wte.weight"][ids]
    for layer in range(layers):
        w, own = part("h.blocks.", layer), part("h.blocks.seq_modeling_block.", layer)
        out = attention(norm(h, w("seq_norm.weight")), own, window)
        h = h + norm(out, w("seq_post_norm.weight"))
        if layer >= layers - suffix:
            index = layer - layers + suffix
            w_prime = part("h.prime_storage.", index)
            out = mlp(
                norm(h, w_prime("ffn_prime_norm.weight")),
                part("h.prime_storage.feed_forward_prime.", index),
            )
            h = h + norm(out, w_prime("ffn_prime_post_norm.weight"))
        out = mlp(norm(h, w("ffn_norm.weight")), part("h.blocks.feed_forward.", layer))
        h = h + norm(out, w("ffn_post_norm.weight"))
    return norm(h, whole["ln_f.weight"]) @ whole["wte.weight"].T


IDS = np.random.default_rng(9).integers(SIZES["V"], size=(2, 15))


def check(lm, weights, window):
    with torch.no_grad():
        logits = lm.double().eval()(torch.from_numpy(IDS), inner_loop=False).logits
    expected = np.stack([reference(weights, ids, window) for ids in IDS])
    np.testing.assert_allclose(logits.numpy(), expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("suffix", [1, 3])
def test_a_released_model_predicts_what_the_official_one_does(suffix):
    weights = released(S=suffix)
    lm = from_released(weights, **FIELDS)
    assert all(p.dtype == torch.float32 for p in lm.parameters())
    assert (len(lm.prefix), len(lm.suffix)) == (3 - suffix, suffix)
    check(lm, weights, WINDOW)


def test_full_attention_has_no_prime_mlps():
    weights = released(prime=False)
    lm = from_released(nested(weights), **{**FIELDS, "window": None})
    check(lm, weights, len(IDS[0]))


def test_the_names_are_twenty_and_those_of_every_parameter():
    weights = released()
    weights[ROOT + "wte.weight"] = np.zeros((128_256, 16), dtype=np.float32)
    lm, published = from_released(weights), TTTE2EConfig()
    assert len(weights) == 20
    assert sum(p.numel() for p in lm.parameters()) == sum(w.size for w in weights.values())
    for name in ("window", "chunk", "inner_lr", "inner_clip", "rope_theta"):
        assert getattr(lm.config, name) == getattr(published, name)
    assert lm.config.ignored_label_ids == [128_000]


def test_weights_that_do_not_fit_are_all_named_in_one_line():
    weights = released()
    del weights[ROOT + "ln_f.weight"], weights[ROOT + "h.prime_storage.ffn_prime_norm.weight"]
    weights["step"] = np.zeros(1)
    with pytest.raises(UserError) as raised:
        from_released(weights)
    message = str(raised.value)
    assert "\n" not in message
    missing = f"{ROOT}ln_f.weight, {ROOT}h.prime_storage.ffn_prime_norm.weight"
    assert f"names do not fit (missing: {missing}; unknown: step), in the given weights;" in message
    weights = released()
    weights[ROOT + "ln_f.weight"] = np.zeros(15, dtype=np.float32)
    weights[ROOT + "h.blocks.feed_forward.w2.weight"] = np.zeros((3, 16), dtype=np.float32)
    with pytest.raises(UserError) as raised:
        from_released(weights)
    message = str(raised.value)
    assert "\n" not in message
    assert f"{ROOT}ln_f.weight has [15], not [16]; " in message
    assert "w2.weight has [3, 16], not [3, 24, 16])" in message


@pytest.mark.parametrize(
    ("sizes", "fields", "message"),
    [
        ({"d": 6}, {}, "heads of 6 channels do not divide the width of 16"),
        ({"S": 4}, {}, "num_suffix_layers is 4, of a model of 3"),
        ({}, {"window": None}, "window is null"),
        ({}, {"ignored_label_ids": [128_000]}, "ignored_label_ids has 128000"),
        ({}, {"hidden_size": 16}, "unknown field 'hidden_size'"),
    ],
)
def test_what_no_model_can_have_is_refused(sizes, fields, message):
    with pytest.raises(UserError, match=message):
        from_released(released(**sizes), **{**FIELDS, **fields})


def orbax_folder(path, weights):
    """Write two steps as the official code does."""
    checkpoint = pytest.importorskip("orbax.checkpoint")
    with checkpoint.CheckpointManager(path.absolute()) as manager:
        for step in (2, 10):
            tree = nested({name: np.float32(step / 10) * w for name, w in weights.items()})
            item = checkpoint.args.StandardSave(tree)
            manager.save(step, args=checkpoint.args.Composite(model_weights=item))
    return path


def test_an_orbax_folder_is_read_at_its_last_step(tmp_path):
    weights = released()
    folder = orbax_folder(tmp_path / "released", weights)
    check(from_released(folder, **FIELDS), weights, WINDOW)
    check(from_released(folder / "10/model_weights", **FIELDS), weights, WINDOW)
    with pytest.raises(UserError, match="cannot be read as an Orbax checkpoint"):
        from_released(tmp_path, **FIELDS)


def test_without_orbax_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax", None)
    with pytest.raises(UserError, match=r"orbax-checkpoint is not installed.*pip install orbax"):
        from_released(tmp_path)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "weights.npz").write_text("no")
    with pytest.raises(UserError, match=r"weights\.npz' cannot be read"):
        from_released(tmp_path / "weights.npz")
    with pytest.raises(UserError, match="there is no 'runs/none'"):
        from_released("runs/none")


def test_the_command_writes_a_folder_that_is_trained_further(tmp_path, capsys):
    weights = released(V=257)
    np.savez(tmp_path / "weights.npz", **weights)
    given = [str(tmp_path / "weights.npz"), str(tmp_path / "out"), "--tokenizer", "bytes"]
    command([*given, "--window", "6", "--chunk", "4", "--ignore", "256"])
    assert "prime MLPs in the last 1 of 3 blocks" in capsys.readouterr().out
    lm = {"folder": str(tmp_path / "out"), "rope_theta": THETA}
    module = TTTE2E(lm=lm, vocab_size=257)
    module.configure_model()
    assert isinstance(module.lm, TTTE2EForCausalLM)
    assert module.lm.config.ignored_label_ids == [256]
    check(module.lm, weights, WINDOW)
    with pytest.raises(SystemExit):
        command(given)
    assert "give a new folder" in capsys.readouterr().err
