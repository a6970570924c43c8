"""In bf16 the fast weights stay fp32, and loss and meta-gradient are close to those of fp32."""

import pytest
import torch

from lit_research.methods.ttt.inner_loop import InnerLoop, first_state, scan, step
from lit_research.methods.ttt.streaming import Stream
from tests.methods.ttt.test_inner_loop import CHUNK, build, data


def gradient(lm, inner, *, autocast):
    ids, labels = data(chunks=6)
    lm.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss, _ = scan(lm, ids, labels, inner)
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in lm.parameters()])


def model():
    # A step of norm 1 is small against these matrices, as it is in models that are used.
    return build(initializer_range=0.1, hidden_size=64, intermediate_size=128).float()


def test_loss_and_meta_gradient_under_autocast_are_near_those_of_fp32():
    lm = model()
    loss, exact = gradient(lm, InnerLoop(), autocast=False)
    half_loss, half = gradient(lm, InnerLoop(), autocast=True)
    assert float(half_loss) == pytest.approx(float(loss), abs=1e-2)
    assert half.dtype == torch.float32
    assert float(torch.cosine_similarity(exact, half, dim=0)) > 0.99


@pytest.mark.parametrize("recompute", ["none", "chunk"])
def test_loss_and_meta_gradient_of_weights_in_bf16_are_near_those_of_fp32(recompute):
    lm = model()
    loss, exact = gradient(lm, InnerLoop(), autocast=False)
    half_loss, half = gradient(
        lm.to(torch.bfloat16), InnerLoop(recompute=recompute), autocast=False
    )
    assert float(half_loss) == pytest.approx(float(loss), abs=1e-2)
    assert half.dtype == torch.bfloat16
    assert float(torch.cosine_similarity(exact, half.float(), dim=0)) > 0.99


@pytest.mark.parametrize("recompute", ["chunk", "sqrt", "log"])
def test_recomputation_under_autocast_changes_the_rounding_alone(recompute):
    # A weight's gradient is summed over the chunks in fp32 there, and in bf16 where all is kept.
    lm = model()
    _, kept = gradient(lm, InnerLoop(recompute="none"), autocast=True)
    _, again = gradient(lm, InnerLoop(recompute=recompute), autocast=True)
    assert float(torch.cosine_similarity(kept, again, dim=0)) > 0.9999


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
def test_fast_weights_are_fp32_whatever_the_rest_computes_in(weights, grad):
    lm = model().to(weights)
    ids, labels = data(chunks=2)
    enabled = weights == torch.float32
    with torch.set_grad_enabled(grad), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
        hidden = lm.run_prefix(ids)
        state = first_state(lm, hidden)
        chunk = hidden[:, :CHUNK], labels[:, :CHUNK]
        _, loss, after = step(lm, chunk, state, InnerLoop())
    assert {w.dtype for w in after.fast} == {torch.float32}
    # The step is not lost to rounding.
    pairs = zip(after.fast, state.fast, strict=True)
    assert all(float((a - b).detach().abs().max()) > 0 for a, b in pairs)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
def test_streams_in_bf16_are_near_those_of_fp32(weights):
    lm, (tokens, _) = model().eval(), data(chunks=6)
    expected = Stream(lm, 2).score(tokens)
    half = lm.to(weights)
    with torch.autocast("cpu", torch.bfloat16, enabled=weights == torch.float32):
        pieces = [tokens[:, :3], tokens[:, 3:14], tokens[:, 14:]]
        stream = Stream(half, 2)
        found = torch.cat([stream.score(piece) for piece in pieces], dim=1)
        stream.generate(6, seed=0)
    assert float((found - expected).abs().mean()) < 0.03
