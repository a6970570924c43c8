import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lit_research.lm import build_lm
from lit_research.methods.pretrain.core import decay_mask, learning_rate_factor, param_groups

TINY = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
}


def names(*, tied: bool) -> dict[str, bool]:
    return decay_mask(build_lm({**TINY, "tie_word_embeddings": tied}, vocab_size=50))


def test_decay_applies_to_matrices_and_the_untied_head_but_not_to_norms_and_embeddings():
    mask = names(tied=False)
    assert mask["lm_head.weight"]
    assert not mask["model.embed_tokens.weight"]
    for name, decayed in mask.items():
        assert decayed == ("proj" in name or name == "lm_head.weight"), name


def test_a_tied_head_is_an_embedding_and_does_not_decay():
    mask = names(tied=True)
    assert "lm_head.weight" not in mask
    assert not mask["model.embed_tokens.weight"]


def test_biases_and_frozen_parameters_are_left_out():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].requires_grad_(False)
    assert decay_mask(model) == {"0.weight": True, "0.bias": False}


def test_param_groups_hold_every_trainable_parameter_once_and_survive_wrapping():
    model = build_lm(TINY, vocab_size=50)
    mask = decay_mask(model)
    wrapped = nn.ModuleDict({"_orig_mod": model})
    groups = param_groups(wrapped, mask)
    assert groups[1]["weight_decay"] == 0.0
    counts = [sum(p.numel() for p in g["params"]) for g in groups]
    assert sum(counts) == sum(p.numel() for p in model.parameters())
    assert len(param_groups(nn.LayerNorm(3), decay_mask(nn.LayerNorm(3)))) == 1


def test_the_mask_decides_which_weights_shrink():
    model = nn.Sequential(nn.Embedding(4, 4), nn.Linear(4, 4))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(param_groups(model, decay_mask(model)), lr=0.1, weight_decay=1.0)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        factor = 0.9 if name == "1.weight" else 1.0
        torch.testing.assert_close(parameter.detach(), factor * before[name])


@given(st.integers(1, 5000), st.floats(0, 0.99), st.sampled_from(["cosine", "linear"]))
def test_the_schedule_rises_to_the_peak_then_falls_to_zero(total, share, schedule):
    warmup = round(total * share)
    factors = [learning_rate_factor(s, total, warmup, schedule) for s in range(total)]
    assert all(0.0 < f <= 1.0 for f in factors)
    assert all(a < b for a, b in pairwise(factors[:warmup]))
    assert all(a >= b for a, b in pairwise(factors[warmup:]))
    assert learning_rate_factor(total, total, warmup, schedule) == pytest.approx(0.0, abs=1e-12)


def test_the_cosine_is_half_way_down_in_the_middle():
    assert learning_rate_factor(60, 110, 10) == pytest.approx(0.5)
    assert learning_rate_factor(35, 110, 10) == pytest.approx(0.5 + 0.5 * math.cos(math.pi / 4))


@given(st.integers(1, 5000), st.floats(0, 0.99), st.sampled_from([0.0, 0.025, 1.0]))
def test_the_schedule_is_that_of_optax(total, share, end):
    """``optax.warmup_cosine_decay_schedule(0, 1, warmup, decay_steps=total, end_value=end)``."""
    warmup = int(total * share)
    for step in {0, warmup - 1, warmup, (warmup + total) // 2, total - 1, total, total + 7} - {-1}:
        if step < warmup:
            expected = step / warmup
        else:
            count = min(step - warmup, total - warmup) / (total - warmup)
            expected = (1 - end) * 0.5 * (1 + math.cos(math.pi * count)) + end
        found = learning_rate_factor(step, total, warmup, end=end, warmup_from_zero=True)
        assert found == pytest.approx(expected, abs=1e-12)


def test_a_line_ends_at_its_end_too():
    assert learning_rate_factor(99, 100, 0, "linear", end=0.2) == pytest.approx(0.208)
    assert learning_rate_factor(100, 100, 0, "linear", end=0.2) == 0.2
