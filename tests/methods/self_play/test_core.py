"""Losses: against formulas written out, finite differences, and parts of a batch."""

import math

import pytest
import torch

from lit_research.methods.self_play.core import (
    cispo_advantages,
    cispo_loss,
    sampled_entropy,
    top_entropy,
    weighted_nll,
)

LENGTHS = [3, 5, 1, 4]


def batch(seed=0):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(4, 5, 7, generator=draw, dtype=torch.float64)
    labels = torch.randint(7, (4, 5), generator=draw)
    mask = (torch.arange(5) < torch.tensor(LENGTHS)[:, None]).double()
    return logits.requires_grad_(), labels, mask


def chosen(logits, labels):
    return logits.log_softmax(-1).gather(2, labels[..., None]).squeeze(2)


WEIGHTS = torch.tensor([1.0, 0.0, -0.5, 0.25], dtype=torch.float64)


@pytest.mark.parametrize("normaliser", ["tokens", "sequences"])
def test_weighted_nll_is_the_sum_written_out(normaliser):
    logits, labels, mask = batch()
    log_probs = chosen(logits, labels)
    expected = 0.0
    for row, length in enumerate(LENGTHS):
        total = -float(WEIGHTS[row]) * float(log_probs.detach()[row, :length].sum())
        expected += total / 13 if normaliser == "tokens" else total / length / 4
    loss = weighted_nll(log_probs, mask, WEIGHTS, normaliser)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("normaliser", "total"), [("tokens", 13), ("sequences", 4)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_micro_batches_add_up_to_the_batch(normaliser, total, size):
    logits, labels, mask = batch()
    weighted_nll(chosen(logits, labels), mask, WEIGHTS, normaliser).backward()
    whole = logits.grad.clone()
    logits.grad = None
    for first in range(0, 4, size):
        part = slice(first, first + size)
        log_probs = chosen(logits[part], labels[part])
        weighted_nll(log_probs, mask[part], WEIGHTS[part], normaliser, total=total).backward()
    torch.testing.assert_close(logits.grad, whole)


def test_weights_of_0_and_below_count_in_the_normaliser():
    log_probs = torch.full((2, 2), -1.0)
    mask = torch.ones(2, 2)
    for other in (0.0, -1.0):
        loss = weighted_nll(log_probs, mask, torch.tensor([1.0, other]), "tokens")
        assert float(loss) == pytest.approx((2 + 2 * other) / 4)
    assert float(weighted_nll(log_probs, mask * 0, torch.ones(2), "tokens")) == 0
    assert float(weighted_nll(log_probs, mask * 0, torch.ones(2), "sequences")) == 0


def test_tokens_that_do_not_count_may_hold_anything():
    log_probs = torch.tensor([[-1.0, -math.inf]], requires_grad=True)
    mask = torch.tensor([[1.0, 0.0]])
    for normaliser in ("tokens", "sequences"):
        assert float(weighted_nll(log_probs, mask, torch.ones(1), normaliser).detach()) == 1.0
    old = torch.tensor([[-1.0, math.nan]])
    loss = cispo_loss(log_probs, old, torch.ones(1, 1), mask)
    loss.backward()
    assert log_probs.grad.tolist() == [[-1.0, 0.0]]


def test_cispo_advantages_use_the_deviation_of_the_population():
    found = cispo_advantages([[1, 0, 0, 0], [1, 1, 0, -0.5], [0, 0, 0, 0], [1, 1, 1, 1]])
    std = math.sqrt(3) / 4
    assert found[0] == pytest.approx([0.75 / (std + 1e-6)] + [-0.25 / (std + 1e-6)] * 3)
    mixed = torch.tensor([1, 1, 0, -0.5], dtype=torch.float64)
    expected = (mixed - mixed.mean()) / (mixed.std(correction=0) + 1e-6)
    assert found[1] == pytest.approx(expected.tolist())
    assert found[2] == found[3] == [0.0] * 4
    assert cispo_advantages([]) == []
    assert cispo_advantages([[0.1] * 3]) == [[0.0] * 3]


def clipped_case():
    """Return a batch whose ratios lie on both sides of the clip at 4."""
    logits, labels, mask = batch()
    new = chosen(logits, labels)
    shift = torch.linspace(-3, 3, 20, dtype=torch.float64).view(4, 5)
    advantages = torch.tensor([[1.5, -0.5], [0.7, -1.2]], dtype=torch.float64)
    return logits, labels, mask, new, (new - shift).detach(), advantages


def test_the_cispo_gradient_is_the_formula_written_out():
    logits, labels, mask, new, old, advantages = clipped_case()
    cispo_loss(new, old, advantages, mask).backward()
    probs = logits.detach().softmax(-1)
    expected = torch.zeros_like(probs)
    ratios = (new - old).exp().detach()
    assert (ratios[mask.bool()] > 4).any()
    assert (ratios[mask.bool()] < 4).any()
    for row, length in enumerate(LENGTHS):
        group = row // 2
        tokens = LENGTHS[2 * group] + LENGTHS[2 * group + 1]
        for t in range(length):
            weight = min(float(ratios[row, t]), 4.0) * float(advantages.flatten()[row])
            score = -probs[row, t]
            score[labels[row, t]] += 1
            expected[row, t] = -weight * score / tokens / 2
    torch.testing.assert_close(logits.grad, expected)


def test_the_cispo_gradient_is_that_of_finite_differences_with_weights_held():
    logits, labels, mask, new, old, advantages = clipped_case()
    cispo_loss(new, old, advantages, mask).backward()
    weights = (new - old).detach().exp().clamp(max=4.0)

    def surrogate(values):
        gain = weights * chosen(values, labels) * mask * advantages.flatten()[:, None]
        groups = gain.sum(1).view(2, 2).sum(1) / torch.tensor([8.0, 5.0]).double()
        return -float(groups.mean())

    base, step = logits.detach(), 1e-6
    for place in [(0, 0, 0), (1, 4, 3), (2, 0, 6), (3, 3, 1), (3, 4, 1)]:
        bump = torch.zeros_like(base)
        bump[place] = step
        slope = (surrogate(base + bump) - surrogate(base - bump)) / (2 * step)
        assert float(logits.grad[place]) == pytest.approx(slope, abs=1e-8)


def test_parts_of_cispo_groups_add_up_to_the_batch():
    _, _, mask, new, old, advantages = clipped_case()
    whole = float(cispo_loss(new, old, advantages, mask).detach())
    scale = 1 / (torch.tensor([8.0, 8.0, 5.0, 5.0]).double() * 2)
    flat = advantages.flatten()
    parts = [
        cispo_loss(new[i : i + 1], old[i : i + 1], flat[i : i + 1], mask[i : i + 1],
                   scale=scale[i : i + 1])
        for i in range(4)
    ]  # fmt: skip
    assert float(sum(parts).detach()) == pytest.approx(whole, rel=1e-12)
    with pytest.raises(ValueError, match=r"without scale.*must be \[P, k\]"):
        cispo_loss(new, old, flat, mask)


def test_a_clipped_token_goes_on_to_teach_and_the_ratio_carries_no_gradient():
    new = torch.tensor([[-1.0]], requires_grad=True)
    loss = cispo_loss(new, torch.tensor([[-5.0]]), torch.ones(1, 1), torch.ones(1, 1))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(4.0)
    assert float(new.grad) == pytest.approx(-4.0)


def test_entropy_is_the_mean_over_rollouts_of_the_mean_over_tokens():
    log_probs = torch.tensor([[-1.0, -3.0], [-4.0, -9.0], [-9.0, -9.0]])
    mask = torch.tensor([[1, 1], [1, 0], [0, 0]])
    assert float(sampled_entropy(log_probs, mask)) == 3.0
    assert math.isnan(float(sampled_entropy(log_probs, mask * 0)))


def test_sampled_tokens_estimate_the_entropy_without_bias():
    torch.manual_seed(0)
    logits = torch.randn(6, dtype=torch.float64)
    exact = torch.distributions.Categorical(logits=logits).entropy()
    drawn = torch.distributions.Categorical(logits=logits).sample((1, 200_000))
    found = sampled_entropy(logits.log_softmax(0)[drawn], torch.ones(1, 200_000))
    assert float(found) == pytest.approx(float(exact), abs=5e-3)


def test_the_official_entropy_renormalises_over_the_top_and_the_sampled_token():
    top = torch.tensor([0.5, 0.25], dtype=torch.float64).log().view(1, 1, 2)
    one = torch.ones(1, 1)
    inside = top_entropy(top, top[..., 0], torch.tensor([[True]]), one)
    assert float(inside) == pytest.approx(-(2 / 3) * math.log(2 / 3) - math.log(1 / 3) / 3)
    sampled = torch.tensor([[0.05]], dtype=torch.float64).log()
    outside = top_entropy(top, sampled, torch.tensor([[False]]), one)
    shares = [0.5 / 0.8, 0.25 / 0.8, 0.05 / 0.8]
    assert float(outside) == pytest.approx(-sum(p * math.log(p) for p in shares))


def test_the_official_entropy_is_exact_where_the_top_is_everything():
    torch.manual_seed(1)
    log_probs = torch.randn(3, 4, 5, dtype=torch.float64).log_softmax(-1)
    mask = torch.ones(3, 4)
    exact = -(log_probs.exp() * log_probs).sum(-1).mean()
    found = top_entropy(log_probs, log_probs[..., 0], torch.ones(3, 4), mask)
    assert float(found) == pytest.approx(float(exact), abs=1e-8)
    certain = torch.tensor([[[0.0, -math.inf]]])
    found = top_entropy(certain, certain[..., 0], torch.ones(1, 1), torch.ones(1, 1))
    assert float(found) == pytest.approx(0.0, abs=1e-6)
