"""The optimisers take the steps of ``torch.optim``, and have a derivative everywhere."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lit_research.errors import UserError
from lit_research.metagrad import SGD, AdamW, Layout, Muon
from lit_research.metagrad.optimizers import clip

STEPS = 5


def small():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 3)).double()


def losses_of(net, x):
    return net(x).square().sum(1)


def ours(net, optimizer, inputs):
    layout = Layout.of(net)
    theta, state = layout.read(net), optimizer.init(layout.read(net))
    for step, x in enumerate(inputs):
        layout.write(net, theta)
        net.zero_grad()
        losses_of(net, x).mean().backward()
        gradient = layout.flatten([p.grad for p in net.parameters()])
        lr, decay = torch.tensor(optimizer.lr), torch.tensor(optimizer.weight_decay)
        theta, state = optimizer.update(
            theta, gradient, state, step=step, lr=lr, weight_decay=decay, layout=layout
        )
    return theta


def theirs(net, optimizer, inputs, max_norm):
    for x in inputs:
        optimizer.zero_grad()
        losses_of(net, x).mean().backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm)
        optimizer.step()
    return Layout.of(net).read(net)


@pytest.mark.parametrize("max_norm", [None, 0.3])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.95), (0.0, 0.0)])
def test_adamw_is_torchs(decay, max_norm, betas):
    inputs = torch.randn(STEPS, 8, 6, dtype=torch.float64)
    one, other = small(), small()
    own = AdamW(1e-2, betas=betas, eps_root=1e-30, weight_decay=decay, max_norm=max_norm)
    peer = torch.optim.AdamW(other.parameters(), lr=1e-2, betas=betas, weight_decay=decay)
    torch.testing.assert_close(ours(one, own, inputs), theirs(other, peer, inputs, max_norm))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_torchs(momentum):
    inputs = torch.randn(STEPS, 8, 6, dtype=torch.float64)
    one, other = small(), small()
    peer = torch.optim.SGD(other.parameters(), lr=1e-2, momentum=momentum)
    found = ours(one, SGD(1e-2, momentum=momentum), inputs)
    torch.testing.assert_close(found, theirs(other, peer, inputs, None))


def test_muon_is_torchs_for_matrices():
    inputs = torch.randn(STEPS, 8, 6, dtype=torch.float64)

    def bare():
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Linear(6, 4, bias=False), torch.nn.Linear(4, 9, bias=False)
        ).double()

    one, other = bare(), bare()
    peer = torch.optim.Muon(other.parameters(), lr=1e-2, weight_decay=0.1, momentum=0.95)
    found = ours(one, Muon(1e-2, weight_decay=0.1), inputs)
    expected = theirs(other, peer, inputs, None)
    # torch orthogonalises in bfloat16, and averages where the first description sums: after it is
    # made orthogonal, only rounding is left of either.
    moved = expected - Layout.of(bare()).read(bare())
    assert float((found - expected).norm() / moved.norm()) < 0.05


def test_a_mask_decays_matrices_alone():
    net = small()
    layout, theta = Layout.of(net), Layout.of(net).read(net)
    own = SGD(0.1, weight_decay=0.5, decay_mask="matrices")
    after, _ = own.update(
        theta,
        torch.zeros_like(theta),
        (),
        step=0,
        lr=torch.tensor(0.1),
        weight_decay=torch.tensor(0.5),
        layout=layout,
    )
    for name, part in layout.named(after / theta).items():
        assert torch.allclose(part, torch.tensor(0.95 if "weight" in name else 1.0).double())


@settings(deadline=None, max_examples=60)
@given(
    arrays("float64", 7, elements=st.sampled_from([0.0, 1e-12, -1e-4, 1.0, -30.0])),
    st.sampled_from([SGD(0.1, max_norm=1.0), AdamW(0.1, max_norm=1.0), Muon(0.1, max_norm=1.0)]),
)
def test_derivatives_are_finite_whatever_the_gradient(values, optimizer):
    layout = Layout(("a", "b"), ((2, 3), (1,)))
    gradient = torch.tensor(values, requires_grad=True)
    theta = torch.ones(7, dtype=torch.float64)
    after, state = optimizer.update(
        theta,
        gradient,
        optimizer.init(theta),
        step=0,
        lr=torch.tensor(0.1),
        weight_decay=torch.tensor(0.0),
        layout=layout,
    )
    (found,) = torch.autograd.grad(sum(x.sum() for x in (after, *state)), gradient)
    assert found.isfinite().all()


def test_clipping_below_the_norm_changes_nothing():
    gradient = torch.tensor([0.3, 0.4])
    assert torch.equal(clip(gradient, 1.0), gradient)
    assert float(clip(gradient, 0.1).norm()) == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-1.0), "lr is -1"),
        (lambda: SGD(1.0, momentum=1.0), "momentum is 1"),
        (lambda: AdamW(1.0, eps_root=0.0), "eps_root is 0"),
        (lambda: AdamW(1.0, betas=(0.9, 1.0)), "betas"),
        (lambda: Muon(1.0, weight_decay=-0.1), "weight_decay is -0.1"),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
