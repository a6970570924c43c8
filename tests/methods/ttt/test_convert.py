"""A converted checkpoint predicts what it did, and its fast weights can learn."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.methods.ttt.attention import rotate
from lit_research.methods.ttt.convert import command, convert_checkpoint, to_pairs
from lit_research.methods.ttt.inner_loop import InnerLoop, scan
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from lit_research.methods.ttt.module import TTTE2E
from lit_research.text import load_tokenizer
from tests.methods.ttt.test_inner_loop import PLAIN, build, central_difference, data, gradients

SIZES = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
}
YARN = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 64}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1e4,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,  # one frequency between fast and slow
}
SLIDING = {"use_sliding_window": True, "sliding_window": 12}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, tie_word_embeddings=True),
    "llama 3.1": LlamaConfig(**SIZES, rope_parameters=LLAMA3),
    "linear": LlamaConfig(
        **SIZES, rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}
    ),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES, head_dim=16),
    "mistral, window": MistralConfig(**SIZES, sliding_window=12),
    "qwen2, window": Qwen2Config(**SIZES, **SLIDING, max_window_layers=0),
    "qwen3, window": Qwen3Config(**SIZES, **SLIDING, max_window_layers=0, head_dim=16),
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
        _, losses = scan(converted, ids, labels, InnerLoop(lr=0.0))
    log_probs = expected.log_softmax(-1).gather(2, labels[..., None])[..., 0]
    torch.testing.assert_close(-losses, log_probs, **CLOSE)


CLOSE = {"atol": 2e-5, "rtol": 1e-4}


def test_its_fast_weights_learn_and_its_meta_gradient_is_finite(tmp_path):
    source(tmp_path, CONFIGS["llama"])
    lm, ids = convert_checkpoint(tmp_path, window=16, chunk=10), draw()
    loss, _ = scan(lm, ids, draw(61)[:, 1:], InnerLoop())
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


def halves_turned(x, turns):
    """Turn the pairs (i, i + d / 2) of each head, as transformers does."""
    angle = torch.arange(x.shape[-2])[:, None] * torch.tensor(turns, dtype=x.dtype)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], dim=-1)


@settings(deadline=None, max_examples=50)
@given(heads=st.integers(1, 4), half=st.integers(1, 6), length=st.integers(1, 9))
def test_scores_are_equal_under_both_layouts_of_pairs(heads, half, length):
    d, turns = 2 * half, tuple(0.5**i for i in range(half))
    torch.manual_seed(length)
    x, w_q, w_k = (torch.randn(n, 5, dtype=torch.float64) for n in (length, heads * d, heads * d))

    def scores(turn, layout):
        q, k = ((x @ layout(w).T).unflatten(1, (heads, d)).transpose(0, 1) for w in (w_q, w_k))
        return turn(q[None]) @ turn(k[None]).mT

    theirs = scores(lambda v: halves_turned(v, turns), lambda w: w)
    ours = scores(lambda v: rotate(v, 0, turns), lambda w: to_pairs(w, d))
    torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


def test_the_meta_gradient_is_exact_without_norms_and_with_biases_and_shared_keys():
    lm = build(
        num_hidden_layers=2,
        num_suffix_layers=1,
        num_key_value_heads=1,
        head_dim=6,
        attention_bias=True,
        qk_norm=False,
        post_norms=False,
        tie_word_embeddings=False,
    )
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in lm.parameters():
            if p.dim() == 1:
                p.add_(0.3 * torch.randn(p.shape, generator=draw, dtype=p.dtype))
        lm.suffix[0].prime_mlp.w2.zero_()
    ids, labels = data(chunks=4)
    _, found = gradients(lm, ids, labels, PLAIN)
    for name, parameter in lm.named_parameters():
        direction = torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
        ours = float((found[name] * direction).sum())
        exact = central_difference(lm, parameter, direction, ids, labels, PLAIN)
        assert ours == pytest.approx(exact, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}, "type 'gpt2'"),
        (LlamaConfig(**SIZES, attention_bias=True), "bias at its output"),
        (LlamaConfig(**SIZES, hidden_act="gelu"), "SwiGLU"),
        (LlamaConfig(**SIZES, rope_parameters={**YARN, "rope_theta": 1e4}), "of type 'yarn'"),
        (MistralConfig(**SIZES, sliding_window=12), "at most 12"),
        (Qwen2Config(**SIZES, **SLIDING, max_window_layers=2), "at most 12"),
    ],
)
def test_what_cannot_be_converted_is_refused(tmp_path, config, message):
    build_lm(config, vocab_size=40).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=message):
        convert_checkpoint(tmp_path, window=16, chunk=8)


def test_a_window_is_of_no_concern_where_no_block_has_one(tmp_path):
    source(tmp_path, Qwen2Config(**SIZES, **SLIDING, max_window_layers=4))
    assert convert_checkpoint(tmp_path, window=64, chunk=8).config.window == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_suffix_layers": 5}, "of a model of 4"),
        ({"num_suffix_layers": -1}, "of a model of 4"),
        ({"window": 0}, "window is 0"),
        ({"chunk": 0}, "chunk is 0"),
        ({"inner_lr": -1.0}, "inner_lr is -1"),
    ],
)
def test_values_that_no_model_can_have_are_refused(tmp_path, changes, message):
    source(tmp_path, CONFIGS["llama"])
    with pytest.raises(UserError, match=message):
        convert_checkpoint(tmp_path, **{"window": 16, "chunk": 8, **changes})


def test_the_command_writes_a_folder_that_extension_trains(tmp_path, capsys):
    torch.manual_seed(0)
    load_tokenizer("bytes").save_pretrained(tmp_path / "a")
    build_lm(LlamaConfig(**{**SIZES, "vocab_size": 257})).save_pretrained(tmp_path / "a")
    out = str(tmp_path / "b")
    sizes = ["--window", "16", "--chunk", "8", "--suffix", "2", "--inner-lr", "0.5"]
    command([str(tmp_path / "a"), out, *sizes])
    assert "prime MLPs in the last 2 of 4 blocks" in capsys.readouterr().out
    small = {
        "model.init_args.lm.folder": out,
        "data.init_args.tokenizer": out,
        "data.init_args.source": "embedded:topics",
        "data.init_args.test_fraction": 0.3,
        "data.init_args.sequence_length": 64,
        "data.init_args.contexts": [64, 128],
        "data.init_args.batch_size": 2,
        "trainer.accelerator": "cpu",
        "trainer.devices": 1,
        "trainer.strategy": "auto",
        "trainer.max_steps": 2,
        "trainer.accumulate_grad_batches": 1,
        "trainer.val_check_interval": 2,
        "trainer.limit_val_batches": 1,
        "trainer.enable_progress_bar": "false",
        "trainer.enable_model_summary": "false",
        "trainer.logger.init_args.save_dir": tmp_path,
    }
    options = [f"--{name}={value}" for name, value in small.items()]
    cli = main(["fit", "--config", str(config_dir() / "ttt/extension.yaml"), *options])
    assert cli.trainer.precision == "bf16-mixed"
    assert cli.trainer.callback_metrics["val/loss"].isfinite()
    lm, before = cli.model.lm, TTTE2EForCausalLM.from_pretrained(out)
    assert (lm.config.chunk, cli.model.inner.lr) == (8, 0.5)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in lm.parameters())
    assert not torch.equal(lm.suffix[0].prime_mlp.w2, before.suffix[0].prime_mlp.w2)


@pytest.mark.parametrize(
    ("out", "message"), [("new", "cannot load tokenizer"), ("a", "give a new folder")]
)
def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys, out, message):
    source(tmp_path / "a", CONFIGS["llama"])
    kept = (tmp_path / "a/model.safetensors").read_bytes()
    with pytest.raises(SystemExit) as stopped:
        command([str(tmp_path / "a"), str(tmp_path / out), "--window", "16", "--chunk", "8"])
    assert stopped.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert message in said[0]
    assert (tmp_path / "a/model.safetensors").read_bytes() == kept


def test_a_folder_that_is_absent_is_not_looked_up_on_the_hub():
    with pytest.raises(UserError, match=r"there is no folder 'runs/none'.*convert\.py"):
        TTTE2E(lm={"folder": "runs/none"}, vocab_size=4).configure_model()


@pytest.mark.parametrize("arm", ["e2e", "first_order", "naive"])
def test_an_inner_loop_without_fast_weights_is_refused(arm):
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3}  # a quarter is 0
    with pytest.raises(UserError, match=f"arm is {arm}, but no block has a prime MLP"):
        TTTE2E(lm=sizes, vocab_size=4, arm=arm).configure_model()
    TTTE2E(lm=sizes, vocab_size=4, arm="swa").configure_model()


def test_fast_weights_without_a_window_are_refused():
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_suffix_layers": 1}
    with pytest.raises(UserError, match="window is null, but 1 block"):
        TTTE2E(lm={**sizes, "window": None}, vocab_size=4).configure_model()
