"""Rewards: exact influence of each text, in the order given, however the target is trained."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from lit_research.errors import UserError
from lit_research.lm import IGNORE, build_lm
from lit_research.methods.dpg import Attributor, Bitmap, Inner
from lit_research.methods.dpg.data import alphabet_tokenizer
from tests.methods.dpg.test_core import official_labels
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
    fields = {"lr": 1e-3, "batch_size": 2, "length": 6, "eps_root": 1e-6, "save": "all"}
    return Attributor(model, tokenizer, metric, Inner(**{**fields, **changes}))


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


def official_rewards(one, texts):
    """The official code's rewards after one step of SGD, from its definitions alone.

    A step's gradient is the sum of its micro-batches' means; a reward is the derivative of a text's
    own loss in the direction of dPhi by that gradient.
    """
    model, inner = one.target, one.inner
    S = inner.length
    rows = one.tokenizer(texts)["input_ids"]
    inputs = torch.tensor([(ids + [0] * S)[:S] for ids in rows])
    labels = torch.tensor([official_labels(ids, S) for ids in rows])
    logits = model(inputs).logits.transpose(1, 2)
    losses = F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none").mean(1)
    parameters = list(model.parameters())

    def gradient(value):
        return torch.autograd.grad(
            value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
        )

    means = [part.mean() for part in losses.split(inner.micro_batch)]
    step, each = gradient(sum(means)), [gradient(loss) for loss in losses]
    before = [p.detach().clone() for p in parameters]
    with torch.no_grad():
        for p, g in zip(parameters, step, strict=True):
            p -= inner.lr * g
    metric = gradient(one.metric(model))
    with torch.no_grad():
        for p, old in zip(parameters, before, strict=True):
            p.copy_(old)
    direction = [-inner.lr * g for g in metric]
    return torch.stack(
        [sum((a * b).sum() for a, b in zip(g, direction, strict=True)) for g in each]
    )


def test_rewards_and_advantages_have_the_official_padding_and_scale():
    texts = ["abcabcxyab", "ddefghqrst", "xwabcdefgh", "qrst", "mnopabcd", "", "aaaaaa", "hgfedcb"]
    # A rate at which rewards are as small as the 1e-6 that is added to their deviation.
    changes = {"lr": 1e-6, "optimizer": "sgd", "batch_size": 8, "micro_batch": 2, "divisor": 2.0}
    one = attributor(padding="official", **changes)
    expected = official_rewards(one, texts)
    found = one.rewards(texts, 2, kind="metagradient", together=True, seed=0)
    torch.testing.assert_close(found.undivided.flatten(), expected, rtol=1e-9, atol=1e-18)
    torch.testing.assert_close(found.tau * 2, found.undivided)
    groups = expected.view(4, 2)
    centred = groups - groups.mean(1, keepdim=True)
    official = (centred / (groups.std(1, keepdim=True) + 1e-6)).flatten()
    assert 0.01 < float(official.abs().mean()) < 0.5  # 0.71 without the 1e-6
    torch.testing.assert_close(found.advantages("official").double(), official, rtol=1e-6, atol=0)
    relative = (centred / groups.std(1, keepdim=True)).flatten()
    torch.testing.assert_close(found.advantages("relative").double(), relative, rtol=1e-6, atol=0)
    # A clean mask is another training.
    clean = attributor(padding="masked", **changes).attribute(texts).undivided
    assert float(torch.cosine_similarity(clean, expected, dim=0)) < 0.99


@pytest.mark.parametrize("kind", ["dataset", "shuffled"])
def test_official_advantages_of_the_baseline_and_of_the_control(kind):
    one = attributor(divisor=8.0)
    found = one.rewards(TEXTS, 2, kind=kind, together=True, seed=0)
    # A data set's metric is a reward as it is, there as here.
    scale = 1 if kind == "dataset" else 8
    torch.testing.assert_close(found.undivided, scale * found.tau)
    grouped = found.undivided.reshape(1, -1) if kind == "dataset" else found.undivided
    centred = grouped - grouped.mean(1, keepdim=True)
    expected = (centred / (grouped.std(1, keepdim=True) + 1e-6)).flatten().float()
    torch.testing.assert_close(found.advantages("official", grouped=kind != "dataset"), expected)


def test_without_a_divisor_a_loss_is_divided_by_the_texts_of_its_batch():
    found = attributor(batch_size=3).attribute(TEXTS)  # batches of 3, 3 and 2
    nonzero = found.tau != 0
    sizes = (found.undivided[nonzero] / found.tau[nonzero]).round().tolist()
    assert sorted(set(sizes)) == [2, 3]


@pytest.mark.parametrize(
    ("changes", "decay"),
    [
        ({}, 1e-4),
        ({"optimizer": "muon"}, 1e-4),
        ({"optimizer": "sgd"}, 0),
        ({"optimizer": "sgd", "weight_decay": 0.5}, 0.5),
        ({"weight_decay": 0.0}, 0),
    ],
)
def test_sgd_has_no_decay_unless_it_is_given(changes, decay):
    one = attributor(**changes)
    assert one.inner.make_optimizer().weight_decay == decay
    # Positions that no text reaches have no gradient: decay alone moves them.
    start = one.target.transformer.wpe.weight[6:].detach().clone()
    run, _ = one.run(TEXTS)
    shrunk = start * (1 - one.inner.lr * decay) ** 4
    torch.testing.assert_close(
        run.parameters["transformer.wpe.weight"][6:], shrunk, rtol=1e-12, atol=0
    )


def test_muon_trains_a_target_too():
    assert attributor(optimizer="muon").attribute(TEXTS).tau.isfinite().all()


@pytest.mark.parametrize("name", ["batch_size", "length"])
def test_sizes_below_1_are_refused(name):
    with pytest.raises(UserError, match=f"{name} is 0"):
        Inner(lr=1e-3, **{name: 0})
