"""Stacked members are the members: values, gradients, clipping, dropout, tied weights."""

import copy
from functools import partial

import pytest
import torch

from lit_research.lm import build_lm, next_token_loss, run_lm
from lit_research.methods.ensemble.members import (
    as_member,
    build_stacked,
    clip_members,
    count_members,
    has_dropout,
    losses_in_turn,
    losses_vectorised,
    member_state,
)

SEEDS = [3, 11, 7]
LLAMA = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
}
GPT2 = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 16}
NO_DROPOUT = {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}
MODELS = {
    "llama": LLAMA,
    "tied": {**LLAMA, "tie_word_embeddings": True},
    "gpt2": {**GPT2, **NO_DROPOUT},
}


def builder(config, dtype="float64"):
    return partial(build_lm, config, vocab_size=23, attention="math", dtype=dtype)


def batch():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(23, (len(SEEDS), 2, 9), generator=generator)
    return {"input_ids": tokens[..., :-1], "labels": tokens[..., 1:]}


def alone(config, seed):
    """Build a member as a model of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return builder(config)().train()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", ["vectorised", "in turn"])
def test_losses_and_gradients_are_those_of_each_member_alone(name, way):
    config, data = MODELS[name], batch()
    lm = build_stacked(builder(config), SEEDS).train()
    if way == "vectorised":
        losses = losses_vectorised(lm, data, z_loss=1e-3)
    else:
        losses = losses_in_turn(lm, data, step=0, seeds=SEEDS, z_loss=1e-3)
    losses.sum().backward()
    for place, seed in enumerate(SEEDS):
        one, part = alone(config, seed), {key: value[place] for key, value in data.items()}
        loss = next_token_loss(run_lm(one, part), part["labels"], z_loss=1e-3)
        loss.backward()
        assert losses[place].item() == pytest.approx(loss.item(), abs=1e-6)
        for (key, stacked), own in zip(lm.named_parameters(), one.parameters(), strict=True):
            torch.testing.assert_close(stacked[place], own, atol=0, rtol=0)
            torch.testing.assert_close(
                stacked.grad[place], own.grad, atol=1e-6, rtol=1e-6, msg=f"{key} of {seed}"
            )


def test_gradients_in_turn_scale_and_accumulate_as_gradients_do():
    lm, data = build_stacked(builder(LLAMA), SEEDS), batch()
    losses_in_turn(lm, data, step=0, seeds=SEEDS).sum().backward()
    once = [p.grad.clone() for p in lm.parameters()]
    lm.zero_grad()
    for _ in range(2):
        (losses_in_turn(lm, data, step=0, seeds=SEEDS).sum() / 4).backward()
    for parameter, whole in zip(lm.parameters(), once, strict=True):
        torch.testing.assert_close(parameter.grad, whole / 2)


def test_a_member_does_not_depend_on_the_others():
    together, apart = build_stacked(builder(LLAMA), SEEDS), build_stacked(builder(LLAMA), [11])
    for name, weight in member_state(together, 1).items():
        assert torch.equal(weight, member_state(apart, 0)[name])
    assert count_members(together) == 3


def test_building_members_leaves_the_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    build_stacked(builder(LLAMA), SEEDS)
    assert torch.equal(torch.rand(1), expected)


def test_tied_weights_stay_tied_and_are_counted_once():
    lm = build_stacked(builder(MODELS["tied"]), SEEDS)
    head, embedding = lm.get_output_embeddings(), lm.get_input_embeddings()
    assert head.weight is embedding.weight
    with as_member(lm, 2):
        assert head.weight is embedding.weight
        assert head.weight.ndim == 2
    assert head.weight.ndim == 3


def test_a_lent_member_shares_memory_and_is_given_back_after_an_error():
    lm = build_stacked(builder(LLAMA), SEEDS)
    stacked = lm.get_input_embeddings().weight

    def fail():
        with as_member(lm, 1) as one, torch.no_grad():
            one.get_input_embeddings().weight.fill_(4.0)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert lm.get_input_embeddings().weight is stacked
    assert bool((stacked[1] == 4.0).all())
    assert not bool((stacked[0] == 4.0).any())


def test_dropout_of_a_member_follows_from_its_seed_and_the_step():
    data = batch()
    lm = build_stacked(builder(GPT2), SEEDS).train()
    assert has_dropout(lm)
    torch.manual_seed(0)
    first = losses_in_turn(lm, data, step=4, seeds=SEEDS)
    torch.manual_seed(1)
    again = losses_in_turn(lm, data, step=4, seeds=SEEDS)
    later = losses_in_turn(lm, data, step=5, seeds=SEEDS)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    own = build_stacked(builder(GPT2), [11]).train()
    part = {key: value[1:2] for key, value in data.items()}
    assert losses_in_turn(own, part, step=4, seeds=[11]).item() == first[1].item()
    assert not has_dropout(build_stacked(builder(MODELS["gpt2"]), SEEDS))


def test_each_member_is_clipped_by_its_own_norm():
    lm = build_stacked(builder(LLAMA), SEEDS)
    losses = losses_in_turn(lm, batch(), step=0, seeds=SEEDS)
    # The second member's gradient is a hundred times the others'.
    (losses * torch.tensor([1.0, 100.0, 1.0])).sum().backward()
    members = []
    for place in range(3):
        one = copy.deepcopy([p.grad[place] for p in lm.parameters()])
        leaves = [torch.nn.Parameter(torch.zeros_like(g)) for g in one]
        for leaf, gradient in zip(leaves, one, strict=True):
            leaf.grad = gradient
        norm = torch.nn.utils.clip_grad_norm_(leaves, 0.5)
        members.append((norm, leaves))
    norms = clip_members(list(lm.parameters()), 0.5)
    for place, (norm, leaves) in enumerate(members):
        assert float(norms[place]) == pytest.approx(float(norm))
        for parameter, leaf in zip(lm.parameters(), leaves, strict=True):
            torch.testing.assert_close(parameter.grad[place], leaf.grad)
