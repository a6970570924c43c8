"""Window attention in blocks is that of one masked matrix; positions turn by their distance."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.methods.ttt.attention import rotate, window_attention


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_matrix(q, k, v, window, unseen):
    T, rows = q.shape[2], k.shape[2]
    distance = torch.arange(rows - T, rows)[:, None] - torch.arange(rows)
    seen = (distance >= 0) & (distance < (window or rows)) & (torch.arange(rows) >= unseen)
    scores = (q @ k.mT) * q.shape[-1] ** -0.5
    return scores.masked_fill(~seen, float("-inf")).softmax(-1) @ v


@settings(deadline=None, max_examples=150)
@given(
    T=st.integers(1, 150),
    before=st.integers(0, 100),
    window=st.one_of(st.none(), st.integers(1, 200)),
    share=st.floats(0, 1),
    twice=st.booleans(),
)
def test_blocks_are_one_masked_matrix(T, before, window, share, twice):
    q, k, v = draw(2, 3, T, 4), draw(2, 3, before + T, 4, seed=1), draw(2, 3, before + T, 4, seed=2)
    unseen = round(share * before)
    found = window_attention(q, k, v, window, unseen=unseen, twice=twice)
    torch.testing.assert_close(found, one_matrix(q, k, v, window, unseen), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("T", "before", "window"), [(7, 5, 4), (40, 24, 20)])
def test_twice_has_a_second_derivative(T, before, window):
    q, k, v = (draw(1, 1, n, 2, seed=n).requires_grad_() for n in (T, before + T, before + T))

    def attend(*given):
        return window_attention(*given, window, unseen=before // 2, twice=True).sum()

    torch.autograd.gradgradcheck(attend, (q, k, v))


@given(first=st.integers(0, 5000), by=st.integers(0, 5000))
@settings(deadline=None)
def test_only_distance_counts(first, by):
    turns = (1.0, 0.1, 0.01, 0.001)
    q, k = draw(1, 2, 6, 8), draw(1, 2, 6, 8, seed=1)
    near = rotate(q, first, turns) @ rotate(k, first, turns).mT
    far = rotate(q, first + by, turns) @ rotate(k, first + by, turns).mT
    torch.testing.assert_close(near, far, atol=1e-9, rtol=0)
