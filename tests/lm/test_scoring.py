import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from lit_research.lm import (
    IGNORE,
    next_token_loss,
    token_log_probs,
)


def some_batch(seed=0, rows=3, length=7, vocabulary=11):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, length, vocabulary, generator=generator)
    labels = torch.randint(0, vocabulary, (rows, length), generator=generator)
    labels[torch.rand(rows, length, generator=generator) < 0.3] = IGNORE
    labels[0, 0] = 1
    return logits, labels


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 9), st.integers(2, 20))
def test_the_loss_is_torchs_cross_entropy(seed, rows, length, vocabulary):
    logits, labels = some_batch(seed, rows, length, vocabulary)
    expected = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE)
    torch.testing.assert_close(next_token_loss(logits, labels), expected)


def test_reductions_agree_and_ignored_tokens_are_zero():
    logits, labels = some_batch()
    for z_loss in (0.0, 0.1):
        losses = next_token_loss(logits, labels, z_loss=z_loss, reduction="none")
        assert losses.shape == labels.shape
        assert (losses[labels == IGNORE] == 0).all()
        total = next_token_loss(logits, labels, z_loss=z_loss, reduction="sum")
        mean = next_token_loss(logits, labels, z_loss=z_loss)
        torch.testing.assert_close(total, losses.sum())
        torch.testing.assert_close(mean, losses.sum() / (labels != IGNORE).sum())


def test_the_z_loss_is_the_squared_log_normaliser_in_value_and_gradient():
    logits, labels = some_batch()
    first, second = (logits.clone().requires_grad_() for _ in range(2))
    counted = labels != IGNORE
    plain = F.cross_entropy(first.flatten(0, 1), labels.flatten())
    expected = plain + 0.1 * first.logsumexp(-1)[counted].square().mean()
    loss = next_token_loss(second, labels, z_loss=0.1)
    torch.testing.assert_close(loss, expected)
    expected.backward()
    loss.backward()
    torch.testing.assert_close(second.grad, first.grad, atol=1e-6, rtol=1e-5)


def test_the_loss_of_bf16_logits_is_computed_in_fp32():
    logits, labels = some_batch()
    loss = next_token_loss(logits.bfloat16(), labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, next_token_loss(logits.bfloat16().float(), labels))


def test_a_batch_without_labels_has_loss_zero_and_no_gradient():
    logits = torch.randn(2, 3, 5, requires_grad=True)
    loss = next_token_loss(logits, torch.full((2, 3), IGNORE), z_loss=0.1)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_token_log_probs_are_the_log_softmax_at_the_labels_and_zero_where_ignored():
    logits, labels = some_batch()
    expected = logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None])[..., 0]
    torch.testing.assert_close(token_log_probs(logits, labels), expected * (labels != IGNORE))
