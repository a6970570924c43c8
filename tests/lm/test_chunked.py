"""The chunked loss is the plain one of the same head, exactly, and never a wrong gradient."""

import pytest
import torch
from torch.nn import functional as F

from lit_research.errors import UserError
from lit_research.lm import (
    IGNORE,
    chunked_next_token_loss,
    chunked_token_losses,
    next_token_loss,
    token_log_probs,
)


def parts(dtype=torch.float64, rows=3, length=7, width=6, vocabulary=11):
    """Hidden states, weight and bias of a head, labels of which a third do not count."""
    draw = torch.Generator().manual_seed(0)
    shapes = ((rows, length, width), (vocabulary, width), (vocabulary,))
    tensors = [torch.randn(s, generator=draw, dtype=dtype).requires_grad_() for s in shapes]
    labels = torch.randint(vocabulary, (rows, length), generator=draw)
    labels[torch.rand(rows, length, generator=draw) < 0.3] = IGNORE
    return *tensors, labels


def reference(hidden, weight, bias, labels, z_loss=0.0):
    """Cross-entropy and z-loss as their definitions say, in the dtype of the arguments."""
    logits = F.linear(hidden, weight, bias).flatten(0, 1)
    loss = F.cross_entropy(logits, labels.flatten(), ignore_index=IGNORE)
    return loss + z_loss * logits.logsumexp(1)[labels.flatten() != IGNORE].square().mean()


@pytest.mark.parametrize("z_loss", [0.0, 0.1])
@pytest.mark.parametrize("chunk", [1, 4, 21, 100, None])
def test_loss_and_gradients_are_the_plain_ones(chunk, z_loss):
    *tensors, labels = parts()
    plain = reference(*tensors, labels, z_loss)
    hidden, weight, bias = tensors
    loss = chunked_next_token_loss(
        hidden, weight, labels, head_bias=bias, z_loss=z_loss, chunk=chunk
    )
    torch.testing.assert_close(loss, plain)
    gradients = torch.autograd.grad(3.0 * loss, tensors)
    for found, expected in zip(gradients, torch.autograd.grad(3.0 * plain, tensors), strict=True):
        torch.testing.assert_close(found, expected)


def test_gradients_are_those_of_finite_differences():
    hidden, weight, bias, labels = parts()
    assert torch.autograd.gradcheck(
        lambda h, w, b: chunked_next_token_loss(h, w, labels, head_bias=b, z_loss=0.1, chunk=4),
        (hidden, weight, bias),
    )


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_what_is_frozen_has_no_gradient_and_changes_no_other(frozen):
    *tensors, labels = parts()
    tensors[frozen].requires_grad_(False)
    hidden, weight, bias = tensors
    chunked_next_token_loss(hidden, weight, labels, head_bias=bias, chunk=4).backward()
    learned = [t for t in tensors if t.requires_grad]
    expected = torch.autograd.grad(reference(*tensors, labels), learned)
    assert tensors[frozen].grad is None
    for tensor, gradient in zip(learned, expected, strict=True):
        torch.testing.assert_close(tensor.grad, gradient)


def test_a_batch_without_labels_has_loss_zero_and_no_gradient():
    hidden, weight, _, labels = parts()
    loss = chunked_next_token_loss(hidden, weight, torch.full_like(labels, IGNORE), z_loss=0.1)
    loss.backward()
    assert loss == 0
    assert (hidden.grad == 0).all()
    assert (weight.grad == 0).all()


def test_large_logits_do_not_overflow():
    hidden, weight, _, labels = parts(torch.float32)
    hidden = hidden * 1e3
    torch.testing.assert_close(
        chunked_next_token_loss(hidden, weight, labels), reference(hidden, weight, None, labels)
    )


def test_under_autocast_it_is_as_near_to_fp32_as_the_plain_loss():
    *tensors, labels = parts(torch.float32, rows=8, length=32, width=32)
    hidden, weight, bias = tensors
    exact = torch.autograd.grad(reference(*tensors, labels), tensors)
    with torch.autocast("cpu", torch.bfloat16):
        plain = next_token_loss(F.linear(*tensors), labels)
        chunked = chunked_next_token_loss(hidden, weight, labels, head_bias=bias, chunk=64)
    assert chunked.dtype == torch.float32
    torch.testing.assert_close(chunked, plain, rtol=1e-5, atol=0.0)
    of_plain, of_chunked = (torch.autograd.grad(loss, tensors) for loss in (plain, chunked))
    for truth, first, second in zip(exact, of_plain, of_chunked, strict=True):
        assert second.dtype == torch.float32
        assert (second - truth).norm() <= 1.5 * (first - truth).norm()


def test_a_second_derivative_is_refused():
    hidden, weight, _, labels = parts()
    loss = chunked_next_token_loss(hidden, weight, labels)
    with pytest.raises(UserError, match="chunked_next_token_loss has no second derivative"):
        torch.autograd.grad(loss, hidden, create_graph=True)


def test_a_second_pass_backward_gives_the_same_gradients():
    hidden, weight, _, labels = parts()
    loss = chunked_next_token_loss(hidden, weight, labels)
    first = torch.autograd.grad(loss, (hidden, weight), retain_graph=True)
    assert all(map(torch.equal, first, torch.autograd.grad(loss, (hidden, weight))))


def test_function_transforms_are_refused():
    hidden, weight, _, labels = parts()
    with pytest.raises(RuntimeError, match="functorch"):
        torch.func.grad(lambda h: chunked_next_token_loss(h, weight, labels))(hidden.detach())


@pytest.mark.parametrize("chunk", [1, 4, None])
def test_token_losses_are_the_plain_ones(chunk):
    hidden, weight, bias, labels = parts(torch.float32)
    losses = chunked_token_losses(hidden, weight, labels, head_bias=bias, chunk=chunk)
    assert losses.shape == labels.shape
    assert not losses.requires_grad
    torch.testing.assert_close(losses, -token_log_probs(F.linear(hidden, weight, bias), labels))
