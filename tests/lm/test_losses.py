"""The losses of a model equal those of its logits; what is fused is found by trying."""

import pytest
import torch
from torch import nn

from lit_research.lm import build_lm, ends_in_linear_head, lm_loss, lm_token_losses, meta_lm

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
}
LLAMA = {"model_type": "llama", **SIZES}
TIED = {**LLAMA, "tie_word_embeddings": True}
GPT2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}
# Cohere and Granite scale their logits, Gemma 2 caps them.
COHERE = {"model_type": "cohere", **SIZES}
GRANITE = {"model_type": "granite", **SIZES, "logits_scaling": 3.0}
GEMMA2 = {"model_type": "gemma2", **SIZES, "num_key_value_heads": 2, "head_dim": 8}


def some_batch(**more):
    draw = torch.Generator().manual_seed(0)
    batch = {name: torch.randint(19, (2, 12), generator=draw) for name in ("input_ids", "labels")}
    batch["labels"][0, :5] = -100
    return {**batch, **more}


@pytest.mark.parametrize("config", [LLAMA, TIED, GPT2], ids=["llama", "tied", "gpt2"])
@pytest.mark.parametrize("z_loss", [0.0, 0.1])
def test_the_fused_loss_and_its_gradients_are_the_plain_ones(config, z_loss):
    lm = build_lm(config, vocab_size=19).eval()
    assert ends_in_linear_head(lm)
    positions = torch.arange(12).remainder(7).expand(2, -1)
    for batch in (some_batch(), some_batch(position_ids=positions)):
        if "position_ids" in batch and config is GPT2:
            continue
        found = []
        for fused in (False, True):
            lm.zero_grad()
            loss = lm_loss(lm, batch, z_loss=z_loss, fused=fused)
            loss.backward()
            found.append([loss.detach(), *(p.grad for p in lm.parameters())])
        for plain, fused in zip(*found, strict=True):
            torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-6)
        with torch.no_grad():
            plain, fused = (lm_token_losses(lm, batch, fused=fused) for fused in (False, True))
        torch.testing.assert_close(fused, plain)


@pytest.mark.parametrize("config", [COHERE, GRANITE, GEMMA2], ids=lambda c: c["model_type"])
def test_a_model_that_changes_its_logits_keeps_the_plain_loss(config):
    assert not ends_in_linear_head(build_lm(config, vocab_size=19, attention="math"))


def test_an_adapted_watched_or_compiled_head_keeps_the_plain_loss():
    class Adapted(nn.Linear):
        pass

    adapted, watched, compiled = (build_lm(LLAMA, vocab_size=19) for _ in range(3))
    adapted.lm_head = Adapted(16, 19)
    watched.lm_head.register_forward_hook(lambda *_: None)
    compiled.compile()
    assert not any(map(ends_in_linear_head, (adapted, watched, compiled)))


def test_trying_draws_no_random_number_and_leaves_the_modes_and_the_head_alone():
    lm = build_lm({**GPT2, "resid_pdrop": 0.5}, vocab_size=19).train()
    lm.transformer.drop.eval()
    modes, state = [m.training for m in lm.modules()], torch.get_rng_state()
    assert ends_in_linear_head(lm)
    assert [m.training for m in lm.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert lm.lm_head(torch.zeros(1, 1, 16)).shape == (1, 1, 19)


def test_a_model_that_cannot_be_run_yet_keeps_the_plain_loss():
    assert not ends_in_linear_head(meta_lm(LLAMA, vocab_size=19))


def test_token_losses_have_gradients_where_they_are_recorded():
    lm = build_lm(LLAMA, vocab_size=19)
    assert lm_token_losses(lm, some_batch(), fused=True).requires_grad
