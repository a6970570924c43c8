"""Rewards: exact influence of each text, in the order given, however the target is trained."""

import dataclasses

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.methods.dpg import Attributor, Bitmap, Inner
from lit_research.methods.dpg.alphabet import alphabet_tokenizer
from tests.methods.dpg.test_metrics import LETTERS

TEXTS = ["abcabc", "ddefgh", "xw", "qrst", "mnopab", "", "aaaaaa", "hgfedc"]
ROWS = ["#.#", ".#.", "##."]


def attributor(**changes):
    torch.manual_seed(0)
    # Not Llama: its norms are computed in fp32 even in a model in float64.
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 8, "vocab_size": 24}
    fields = {"model_type": "gpt2", "tie_word_embeddings": False, **sizes}
    model = build_lm(fields, attention="math", dtype="float64").eval()
    metric, tokenizer = Bitmap(rows=ROWS), alphabet_tokenizer(LETTERS)
    inner = Inner(lr=1e-3, batch_size=2, length=6, eps_root=1e-6, save="all", **changes)
    return Attributor(model, tokenizer, metric, inner)


def value(one, weights):
    """Phi after an inner run with these weights of ``TEXTS``."""
    return one.run(TEXTS, weights)[1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "sgd"},
        {"passes": 3},
        {"divide_by": "tokens"},
        {"padding": "official"},
        {"divisor": 1.0},
    ],
)
def test_a_reward_is_the_derivative_by_the_texts_own_weight(changes):
    one = attributor(**changes)
    found = one.attribute(TEXTS)
    assert found.phi == pytest.approx(value(one, torch.ones(8).double()), abs=1e-12)
    for row in range(8):
        step = torch.zeros(8).double()
        step[row] = 1e-5
        difference = value(one, 1 + step) - value(one, 1 - step)
        assert float(found.tau[row]) == pytest.approx(difference / 2e-5, rel=1e-4, abs=1e-10)
    if changes.get("padding") != "official":
        assert float(found.tau[5]) == 0  # nothing to learn in an empty text


def test_the_order_of_the_texts_moves_with_their_rewards():
    one = attributor()
    rewards = one.rewards(TEXTS, 2, kind="metagradient", together=True, seed=0)
    assert rewards.tau.shape == (4, 2)
    assert torch.equal(rewards.tau.flatten(), one.attribute(TEXTS).tau)


def test_apart_each_data_set_has_one_text_of_each_prompt():
    one = attributor()
    rewards = one.rewards(TEXTS, 2, kind="metagradient", together=False, seed=0)
    assert len(rewards.runs) == 2
    for j in range(2):
        assert torch.equal(rewards.tau[:, j], one.attribute(TEXTS[j::2]).tau)


def test_the_baseline_gives_a_data_sets_metric_to_all_its_texts():
    one = attributor()
    rewards = one.rewards(TEXTS, 2, kind="dataset", together=True, seed=0)
    for j in range(2):
        phi = one.run(TEXTS[j::2])[1]
        assert rewards.tau[:, j].tolist() == pytest.approx([phi] * 4)


def test_the_control_has_the_same_rewards_elsewhere():
    one = attributor()
    true = one.attribute(TEXTS).tau
    found = one.rewards(TEXTS, 2, kind="shuffled", together=True, seed=1).tau
    assert sorted(found.flatten().tolist()) == sorted(true.tolist())
    assert not torch.equal(found.flatten(), true)


def test_the_target_begins_anew_each_time():
    one = attributor()
    before = [p.clone() for p in one.target.parameters()]
    first, again = one.attribute(TEXTS), one.attribute(TEXTS)
    assert torch.equal(first.tau, again.tau)
    assert all(torch.equal(a, b) for a, b in zip(before, one.target.parameters(), strict=True))


def test_micro_batches_and_schedules_keep_the_scale():
    one, other = attributor(), attributor(micro_batch=1)
    other.inner = dataclasses.replace(other.inner, save="tree")
    torch.testing.assert_close(one.attribute(TEXTS).tau, other.attribute(TEXTS).tau)


def test_muon_trains_a_target_too():
    assert attributor(optimizer="muon").attribute(TEXTS).tau.isfinite().all()


@pytest.mark.parametrize("name", ["batch_size", "length"])
def test_sizes_below_1_are_refused(name):
    with pytest.raises(UserError, match=f"{name} is 0"):
        Inner(lr=1e-3, **{name: 0})
