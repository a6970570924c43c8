"""A converted checkpoint predicts what it did, and its fast weights can learn."""

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.methods.ttt.convert import convert_checkpoint, to_pairs
from lit_research.methods.ttt.inner_loop import Inner, scan
from lit_research.methods.ttt.model import TTTE2EForCausalLM

SIZES = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, tie_word_embeddings=True),
    "llama 3.1": LlamaConfig(**SIZES, rope_parameters=LLAMA3),
    "linear": LlamaConfig(
        **SIZES, rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}
    ),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES, head_dim=16),
    "mistral, window": MistralConfig(**SIZES, sliding_window=12),
}


def source(folder, config):
    torch.manual_seed(0)
    lm = build_lm(config).eval()
    with torch.no_grad():  # biases and norms that are not what they begin with
        for p in lm.parameters():
            if p.dim() == 1:
                p.add_(0.3 * torch.randn_like(p))
    lm.save_pretrained(folder)
    return lm


def draw(length=60):
    return torch.randint(40, (2, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_converted_model_predicts_what_the_checkpoint_did(tmp_path, name):
    lm = source(tmp_path, CONFIGS[name])
    window = 12 if "window" in name else 64
    converted = convert_checkpoint(tmp_path, window=window, chunk=10, num_suffix_layers=2).eval()
    ids = draw()
    with torch.no_grad():
        expected = lm(ids).logits
        torch.testing.assert_close(converted(ids, inner_loop=False).logits, expected, **CLOSE)
        labels = torch.cat([ids[:, 1:], ids[:, :1]], dim=1)
        _, losses = scan(converted, ids, labels, Inner(lr=0.0))
    log_probs = expected.log_softmax(-1).gather(2, labels[..., None])[..., 0]
    torch.testing.assert_close(-losses, log_probs, **CLOSE)


CLOSE = {"atol": 2e-5, "rtol": 1e-4}


def test_its_fast_weights_learn_and_its_meta_gradient_is_finite(tmp_path):
    source(tmp_path, CONFIGS["llama"])
    lm, ids = convert_checkpoint(tmp_path, window=16, chunk=10), draw()
    loss, _ = scan(lm, ids, draw(61)[:, 1:], Inner())
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in lm.parameters())
    assert float(lm.suffix[0].prime_mlp.w2.grad.abs().max()) > 0
    with torch.no_grad():
        on, off = lm(ids).logits, lm(ids, inner_loop=False).logits
    torch.testing.assert_close(on[:, :10], off[:, :10], **CLOSE)  # score before update
    assert float((on[:, 10:] - off[:, 10:]).abs().max()) > 1e-3
    assert on.isfinite().all()


def test_it_is_saved_and_loaded_whole(tmp_path):
    source(tmp_path / "a", CONFIGS["qwen3"])
    lm = convert_checkpoint(tmp_path / "a", window=16, chunk=10, inner_lr=0.1).eval()
    lm.save_pretrained(tmp_path / "b")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "b").eval()
    assert isinstance(loaded, TTTE2EForCausalLM)
    assert loaded.config.inner_lr == 0.1
    assert torch.equal(lm(draw()).logits, loaded(draw()).logits)


def test_pairs_lie_side_by_side_in_each_head():
    rows = torch.arange(12)
    assert to_pairs(rows, 6).tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}, "type 'gpt2'"),
        (LlamaConfig(**SIZES, attention_bias=True), "bias at its output"),
        (LlamaConfig(**SIZES, hidden_act="gelu"), "SwiGLU"),
    ],
)
def test_what_cannot_be_converted_is_refused(tmp_path, config, message):
    build_lm(config, vocab_size=40).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=message):
        convert_checkpoint(tmp_path, window=16, chunk=8)


def test_too_many_blocks_with_prime_mlps_are_refused(tmp_path):
    source(tmp_path, CONFIGS["llama"])
    with pytest.raises(UserError, match="of a model of 4"):
        convert_checkpoint(tmp_path, window=16, chunk=8, num_suffix_layers=5)
