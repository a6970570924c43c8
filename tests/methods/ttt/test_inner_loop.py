"""The meta-gradient is exact; chunks, batches and recomputation change nothing."""

import itertools
from dataclasses import replace

import pytest
import torch

from lit_research.lm import IGNORE
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.inner_loop import InnerLoop, clipped, first_state, scan, step
from lit_research.methods.ttt.model import TTTE2EForCausalLM

VOCABULARY, CHUNK, WINDOW = 17, 4, 8
# Backward keeps all, so that nothing but the mathematics is tested.
PLAIN = InnerLoop(recompute="none")


def build(**changes):
    config = TTTE2EConfig(
        **{
            "vocab_size": VOCABULARY,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "num_suffix_layers": 2,
            "window": WINDOW,
            "chunk": CHUNK,
            # Large weights, so that no derivative drowns in rounding.
            "initializer_range": 0.3,
            **changes,
        }
    )
    torch.manual_seed(0)
    return TTTE2EForCausalLM(config).double().train()


def data(chunks=6, batch=2, seed=1):
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(VOCABULARY, (batch, CHUNK * chunks + 1), generator=draw)
    return tokens[:, :-1], tokens[:, 1:].clone()


def gradients(lm, ids, labels, inner):
    lm.zero_grad()
    loss, _ = scan(lm, ids, labels, inner)
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in lm.named_parameters()}


def central_difference(lm, parameter, direction, ids, labels, inner, step=1e-4):
    """Return the derivative of the outer loss along a direction, to the fourth order."""
    # The loss is the same bits without the graph of second order, at half the price.
    inner = replace(inner, first_order=True)

    def loss(factor):
        with torch.no_grad():
            parameter.add_(factor * step * direction)
        value = float(scan(lm, ids, labels, inner)[0].detach())
        with torch.no_grad():
            parameter.sub_(factor * step * direction)
        return value

    return (8 * (loss(1) - loss(-1)) - (loss(2) - loss(-2))) / (12 * step)


def masked(labels):
    """Return labels with a third of them masked, and all of one chunk of the first sequence."""
    draw = torch.Generator().manual_seed(4)
    labels = labels.masked_fill(torch.rand(labels.shape, generator=draw) < 0.3, IGNORE)
    labels[0, CHUNK : 2 * CHUNK] = IGNORE
    return labels


@pytest.mark.parametrize("clip", [0.05, 1.0, 1e3])
def test_the_meta_gradient_is_that_of_central_differences(clip):
    # Three blocks, of which two learn, and twice as many tokens as the window has.
    lm, inner = build(num_hidden_layers=3), replace(PLAIN, clip=clip)
    ids, labels = data(chunks=4)
    _, found = gradients(lm, ids, labels, inner)
    draw = torch.Generator().manual_seed(2)
    for name, parameter in lm.named_parameters():
        direction = torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
        direction /= direction.norm()
        exact = central_difference(lm, parameter, direction, ids, labels, inner)
        error = abs(exact - float((found[name] * direction).sum()))
        # Relative to a random direction's typical derivative, not to one that happens to be 0.
        size = float(found[name].norm()) / parameter.numel() ** 0.5
        assert error < 1e-6 * max(size, abs(exact)), name


@pytest.mark.parametrize("name", ["embed.weight", "prefix.0.mlp.w1", "suffix.0.prime_mlp.w2"])
def test_the_meta_gradient_is_exact_where_labels_are_masked(name):
    lm, (ids, labels) = build(), data()
    labels, parameter = masked(labels), lm.get_parameter(name)
    _, found = gradients(lm, ids, labels, PLAIN)
    draw = torch.Generator().manual_seed(2)
    direction = torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
    ours = float((found[name] * direction).sum())
    exact = central_difference(lm, parameter, direction, ids, labels, PLAIN)
    assert ours == pytest.approx(exact, rel=1e-6)


def test_a_chunk_counts_by_its_labels_and_all_chunks_alike():
    ids, labels = data()
    labels = masked(labels)
    loss, losses = scan(build(), ids, labels, PLAIN)
    means = [
        [float(own.sum()) / max(int((shown != IGNORE).sum()), 1) for own, shown in pairs]
        for pairs in (
            zip(row.detach().split(CHUNK), of_row.split(CHUNK), strict=True)
            for row, of_row in zip(losses, labels, strict=True)
        )
    ]
    assert float(loss.detach()) == pytest.approx(sum(map(sum, means)) / 12, abs=1e-12)
    assert bool((losses[labels == IGNORE] == 0).all())


def test_clipping_is_active_where_it_is_meant_to_be():
    lm, (ids, labels) = build(), data()
    losses = [
        float(scan(lm, ids, labels, replace(PLAIN, clip=c))[0].detach()) for c in (0.05, 1.0, 1e3)
    ]
    assert len({round(loss, 6) for loss in losses}) > 1


def test_without_second_order_the_loss_is_the_same_and_the_gradient_is_not():
    lm, (ids, labels) = build(), data()
    loss, exact = gradients(lm, ids, labels, PLAIN)
    same, first = gradients(lm, ids, labels, replace(PLAIN, first_order=True))
    assert torch.equal(loss, same)
    name = "suffix.0.prime_mlp.w1"
    assert not torch.allclose(exact[name], first[name], rtol=1e-3)


@pytest.mark.parametrize("recompute", ["chunk", "sqrt", "log"])
@pytest.mark.parametrize("chunks", [1, 2, 5, 9])
def test_recomputation_changes_no_gradient(recompute, chunks):
    lm, (ids, labels) = build(), data(chunks)
    loss, kept = gradients(lm, ids, labels, PLAIN)
    again, recomputed = gradients(lm, ids, labels, InnerLoop(recompute=recompute))
    assert torch.equal(loss, again)
    for name, gradient in kept.items():
        torch.testing.assert_close(recomputed[name], gradient, atol=1e-14, rtol=1e-12)


@pytest.mark.parametrize("chunks", [1, 3, 7])
def test_at_rate_0_the_chunks_are_the_sliding_window_model(chunks):
    lm, (ids, labels) = build(), data(chunks)
    _, losses = scan(lm, ids, labels, replace(PLAIN, lr=0.0))
    logits = lm(ids, inner_loop=False).logits
    whole = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), reduction="none"
    )
    torch.testing.assert_close(losses, whole.view_as(labels), atol=1e-10, rtol=0)


def test_sequences_of_a_batch_learn_apart():
    lm, (ids, labels) = build(), data(batch=3)
    _, together = scan(lm, ids, labels, PLAIN)
    for row in range(3):
        _, alone = scan(lm, ids[row : row + 1], labels[row : row + 1], PLAIN)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-12, rtol=0)


def test_fast_weights_begin_anew_and_the_model_is_left_alone():
    lm, (ids, labels) = build(), data()
    before = {name: p.detach().clone() for name, p in lm.named_parameters()}
    first = scan(lm, ids, labels, PLAIN)[1]
    scan(lm, *data(seed=5), PLAIN)
    assert torch.equal(first, scan(lm, ids, labels, PLAIN)[1])
    for name, parameter in lm.named_parameters():
        assert torch.equal(before[name], parameter)


def test_evaluation_without_gradients_gives_the_losses_of_training():
    lm, (ids, labels) = build(), data()
    with torch.no_grad():
        losses = scan(lm, ids, labels, PLAIN)[1]
    assert not losses.requires_grad
    torch.testing.assert_close(losses, scan(lm, ids, labels, PLAIN)[1], atol=1e-12, rtol=0)


def test_no_loss_depends_on_tokens_that_come_later():
    lm, (ids, labels) = build(), data()
    _, before = scan(lm, ids, labels, PLAIN)
    for place in (0, 5, 11, 23):
        other, other_labels = ids.clone(), labels.clone()
        other[:, place] = (other[:, place] + 1) % VOCABULARY
        if place:
            other_labels[:, place - 1] = other[:, place]
        _, after = scan(lm, other, other_labels, PLAIN)
        # The label of the place before is the changed token itself.
        assert torch.equal(before[:, : max(place - 1, 0)], after[:, : max(place - 1, 0)])
        assert not torch.equal(before[:, place:], after[:, place:])


def test_a_label_reaches_later_chunks_through_the_fast_weights_alone():
    lm, (ids, labels) = build(), data()
    other = labels.clone()
    other[:, 1] = (other[:, 1] + 1) % VOCABULARY
    _, before = scan(lm, ids, labels, PLAIN)
    _, after = scan(lm, ids, other, PLAIN)
    same = [torch.equal(a, b) for a, b in zip(before.split(4, 1), after.split(4, 1), strict=True)]
    assert not any(same[1:])
    _, frozen_before = scan(lm, ids, labels, replace(PLAIN, lr=0.0))
    _, frozen_after = scan(lm, ids, other, replace(PLAIN, lr=0.0))
    assert torch.equal(frozen_before[:, 2:], frozen_after[:, 2:])


def test_a_chunk_without_labels_teaches_nothing_and_breaks_nothing():
    lm, (ids, labels) = build(), data()
    labels[0, CHUNK : 2 * CHUNK] = IGNORE
    _, found = gradients(lm, ids, labels, PLAIN)
    assert all(bool(gradient.isfinite().all()) for gradient in found.values())
    hidden = lm.run_prefix(ids)
    state, chunk = first_state(lm, hidden), slice(CHUNK, 2 * CHUNK)
    after = step(lm, (hidden[:, chunk], labels[:, chunk]), state, PLAIN)[2]
    for before, w in zip(state.fast, after.fast, strict=True):
        assert torch.equal(before[0], w[0])
        assert not torch.equal(before[1], w[1])


def test_clipping_is_of_each_sequence_and_safe_at_zero():
    big, small = torch.full((1, 2, 3), 10.0), torch.full((1, 2, 3), 1e-3)
    gradient = torch.cat([big, small, torch.zeros(1, 2, 3)]).double().requires_grad_()
    [out] = clipped((gradient,), 1.0)
    assert float(out[0].detach().norm()) == pytest.approx(1.0)
    assert torch.equal(out[1:], gradient[1:])
    out.sum().backward()
    assert bool(gradient.grad.isfinite().all())
    first, second = clipped((gradient.detach(), gradient.detach()), 1.0)
    assert float(torch.cat([first[0], second[0]]).norm()) == pytest.approx(1.0)


@pytest.mark.parametrize(("length", "window"), list(itertools.product([5, 8, 13, 24], [3, 8, 40])))
def test_local_attention_is_attention_under_a_band(length, window):
    lm = build(window=window, num_suffix_layers=0, num_hidden_layers=2)
    ids = data(6)[0][:, :length]
    whole = lm(ids, inner_loop=False).logits
    for t in range(length):
        # What is out of two layers' windows changes nothing.
        start = max(0, t - 2 * (window - 1))
        alone = lm(ids[:, start : t + 1], inner_loop=False).logits[:, -1]
        torch.testing.assert_close(whole[:, t], alone, atol=1e-9, rtol=0)
