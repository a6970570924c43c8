"""Advantages, policy loss, encoded texts: the formulas, on their whole tables."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lit_research.lm import IGNORE
from lit_research.methods.dpg.core import advantages, policy_loss, shuffled
from lit_research.methods.dpg.data import alphabet_tokenizer
from lit_research.methods.dpg.target import encode_texts
from lit_research.text import load_tokenizer

# Squares of smaller numbers would underflow: a derivative that small is a 0.
REWARD = st.floats(-1, 1).map(lambda value: value if abs(value) > 1e-100 else 0.0)


@settings(deadline=None)
@given(
    arrays("float64", (3, 4), elements=REWARD),
    st.sampled_from([1.0, 1e-9, 1e6]),
)
def test_advantages_do_not_depend_on_the_scale_of_rewards(values, scale):
    rewards = torch.tensor(values)
    found = advantages(rewards)
    torch.testing.assert_close(advantages(rewards * scale), found, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(found.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
    for group, row in zip(rewards, found, strict=True):
        alike = float(group.std()) <= 1e-6 * float(group.abs().max())
        assert float(row.std()) == pytest.approx(0.0 if alike else 1.0, abs=1e-4)


def test_the_official_scale_leaves_small_rewards_small():
    rewards = torch.tensor([[1e-9, 3e-9]])
    assert advantages(rewards, "official").tolist()[0] == pytest.approx([-1e-3, 1e-3], rel=1e-2)
    assert advantages(rewards).tolist()[0] == pytest.approx([-(0.5**0.5), 0.5**0.5], rel=1e-5)


def test_groups_whose_texts_are_alike_or_alone_teach_nothing():
    assert advantages(torch.tensor([[0.3, 0.3 + 1e-9], [0.0, 0.0]])).abs().max() == 0
    assert advantages(torch.tensor([[2.0], [1.0]])).abs().max() == 0


def test_one_group_standardises_over_the_batch():
    tau = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    assert advantages(tau.reshape(1, -1)).tolist()[0] == pytest.approx(
        [-math.sqrt(0.75), math.sqrt(0.75)] * 2
    )


@pytest.mark.parametrize(
    ("ratio", "worth", "expected", "flows"),
    [
        (1.0, 1.0, -1.0, True),
        (1.5, 1.0, -1.2, False),  # no more is gained beyond the clip
        (0.5, 1.0, -0.5, True),
        (0.5, -1.0, 0.8, False),
        (1.5, -1.0, 1.5, True),
        (1.5, 0.0, 0.0, True),
    ],
)
def test_the_policy_loss_is_clipped_on_the_side_of_its_sign(ratio, worth, expected, flows):
    old = torch.tensor([[-2.0, -1.0]])
    new = (old + math.log(ratio)).requires_grad_()
    mask = torch.tensor([[1.0, 0.0]])
    loss = policy_loss(new, old, torch.tensor([worth]), mask, clip=0.2)
    assert float(loss.detach()) == pytest.approx(expected)
    loss.backward()
    assert float(new.grad[0, 1]) == 0
    assert (float(new.grad[0, 0].abs()) > 0) == (flows and worth != 0)


def test_at_the_first_step_the_gradient_is_the_score_times_the_advantage():
    logits = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(5, (2, 3))
    worth, mask = torch.tensor([0.5, -2.0]).double(), torch.ones(2, 3).double()
    log_probs = logits.log_softmax(-1).gather(2, labels[:, :, None]).squeeze(2)
    policy_loss(log_probs, log_probs.detach(), worth, mask, clip=0.2).backward()
    score = torch.nn.functional.one_hot(labels, 5) - logits.detach().softmax(-1)
    torch.testing.assert_close(logits.grad, -score * worth[:, None, None] / 6)


def test_shuffled_rewards_are_the_same_numbers_elsewhere():
    tau = torch.arange(12.0).view(3, 4)
    found = shuffled(tau, seed=3)
    assert found.shape == tau.shape
    assert sorted(found.flatten().tolist()) == tau.flatten().tolist()
    assert not torch.equal(found, tau)
    assert torch.equal(found, shuffled(tau, seed=3))


def official_labels(ids, length, end_of_text=None):
    """Labels as the official code makes them: shifted and ended, filled with 0, cut, masked."""
    row = ([*ids[1:], -100] + [0] * length)[:length]
    return [IGNORE if label in (-100, end_of_text) else label for label in row]


def test_padding_is_not_learned_unless_it_is_the_official_one():
    tokenizer, texts = alphabet_tokenizer("abcd"), ["bcd", "", "dcbabc", "dcba", "dcbab", "c"]
    clean = encode_texts(texts, tokenizer, length=4)
    inputs = [[1, 2, 3, 0], [0] * 4, [3, 2, 1, 0], [3, 2, 1, 0], [3, 2, 1, 0], [2, 0, 0, 0]]
    assert clean["input_ids"].tolist() == inputs
    i = IGNORE
    cut = [2, 1, 0, 1]  # the token that follows the cut is known
    own = [[2, 3, i, i], [i] * 4, cut, [2, 1, 0, i], cut, [i] * 4]
    assert clean["labels"].tolist() == own
    official = encode_texts(texts, tokenizer, length=4, padding="official")
    assert official["input_ids"].tolist() == inputs
    assert official["labels"].tolist() == [
        official_labels(ids, 4) for ids in tokenizer(texts)["input_ids"]
    ]
    filled = [[2, 3, i, 0], [i, 0, 0, 0], cut, [2, 1, 0, i], cut, [i, 0, 0, 0]]
    assert official["labels"].tolist() == filled


def test_the_official_padding_never_trains_the_end_of_text():
    tokenizer = load_tokenizer("bytes")
    text = "a" + tokenizer.eos_token + "b"
    clean = encode_texts([text], tokenizer, length=4)["labels"][0].tolist()
    official = encode_texts([text], tokenizer, length=4, padding="official")["labels"][0].tolist()
    assert clean[:2] == [256, ord("b")]
    assert official == [IGNORE, ord("b"), IGNORE, 0]
    assert official == official_labels(tokenizer(text)["input_ids"], 4, tokenizer.eos_token_id)


@pytest.mark.parametrize("alphabet", ["a", "aba", ""])
def test_an_alphabet_has_each_character_once(alphabet):
    with pytest.raises(ValueError, match="two or more distinct characters"):
        alphabet_tokenizer(alphabet)


@given(st.text("abcdefgh", max_size=20))
def test_an_alphabet_gives_back_its_texts(text):
    tokenizer = alphabet_tokenizer("abcdefgh")
    ids = tokenizer(text)["input_ids"]
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == text
