import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.text import Mixture, MixtureComponent, Windows


class Numbers(torch.utils.data.Dataset):
    """Windows of one token: the index."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return {"input_ids": torch.tensor([index])}

    def __getitems__(self, indices):
        return {"input_ids": torch.tensor(indices)[:, None]}


STREAMS = st.tuples(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from([0.05, 0.1, 0.25, 0.3])), max_size=3),
    st.randoms(use_true_random=False),
)


def mixture_of(parts, seed=0):
    fixed, filling, random = parts
    components = [MixtureComponent(Numbers(n), passes=passes) for n, passes in fixed]
    components += [MixtureComponent(Numbers(n), share=share) for n, share in filling]
    random.shuffle(components)
    return Mixture(components, seed)


def draws(mixture):
    batch = mixture.__getitems__(np.arange(len(mixture)))
    return batch["component"].numpy(), batch["input_ids"][:, 0].numpy()


@settings(deadline=None)
@given(parts=STREAMS)
def test_passes_are_exact_and_shares_are_filled(parts):
    mixture = mixture_of(parts)
    component, window = draws(mixture)
    fixed = sum(len(s.dataset) * s.passes for s in mixture.components if s.passes)
    share = sum(s.share for s in mixture.components if s.share)
    assert len(mixture) == int(fixed / (1 - share) + 1e-6)
    for number, one in enumerate(mixture.components):
        mine = window[component == number].tolist()
        size = len(one.dataset)
        assert len(mine) == mixture.counts[number]
        if one.share:
            assert abs(len(mine) - one.share * len(mixture)) <= 1
        else:
            assert Counter(mine) == dict.fromkeys(range(size), one.passes)
        for start in range(0, len(mine), size):  # each pass is a permutation, the last cut short
            turn = mine[start : start + size]
            assert len(set(turn)) == len(turn)


@settings(deadline=None)
@given(parts=STREAMS)
def test_every_stretch_is_mixed_at_the_right_shares(parts):
    mixture = mixture_of(parts)
    component, _ = draws(mixture)
    for number, count in enumerate(mixture.counts):
        so_far = np.cumsum(component == number)
        expected = np.arange(1, len(mixture) + 1) * count / len(mixture)
        assert np.abs(so_far - expected).max() <= 2


@settings(deadline=None)
@given(parts=STREAMS, seed=st.integers(0, 3))
def test_what_is_at_an_index_depends_on_seed_and_index_alone(parts, seed):
    mixture = mixture_of(parts, seed)
    component, window = draws(mixture)
    order = np.random.default_rng(0).permutation(len(mixture))
    shuffled = pickle.loads(pickle.dumps(mixture)).__getitems__(order)
    assert shuffled["component"].tolist() == component[order].tolist()
    assert shuffled["input_ids"][:, 0].tolist() == window[order].tolist()
    one = mixture[len(mixture) - 1]
    assert (int(one["component"]), int(one["input_ids"])) == (component[-1], window[-1])


def test_passes_and_components_and_seeds_have_orders_of_their_own():
    def orders(seed):
        mixture = Mixture(
            [MixtureComponent(Numbers(50), passes=2), MixtureComponent(Numbers(50), share=0.5)],
            seed,
        )
        component, window = draws(mixture)
        first, second = (window[component == number].reshape(2, 50) for number in (0, 1))
        return [tuple(order) for order in (*first, *second)]

    assert len(set(orders(0) + orders(1))) == 8


def test_distillation_gives_the_paper_counts():
    """16 passes over 800 real batches at w = 0.9: 128,000 steps, 12,800 of them real."""
    mixture = Mixture(
        [MixtureComponent(Numbers(800), passes=16), MixtureComponent(Numbers(1000), share=0.9)], 0
    )
    assert len(mixture) == 128_000
    assert mixture.counts.tolist() == [12_800, 115_200]


def test_windows_of_two_stores_are_mixed_row_by_row(store_of):
    real, synthetic = (Windows(store_of([text * 40]), 4) for text in ("ab", "cd"))
    mixture = Mixture([MixtureComponent(real, passes=1), MixtureComponent(synthetic, share=0.5)], 0)
    batch = mixture.__getitems__(list(range(12)))
    assert batch["labels"].shape == (12, 4)
    for component, row in zip(
        batch["component"].tolist(), batch["input_ids"].tolist(), strict=True
    ):
        assert bytes(row) == (b"abab", b"cdcd")[component]


def test_mistakes_are_user_errors(store_of):
    numbers = Numbers(4)
    for components in (
        [],
        [MixtureComponent(numbers)],
        [MixtureComponent(numbers, share=0.5)],
        [MixtureComponent(numbers, share=0.5, passes=1)],
    ):
        with pytest.raises(UserError, match="give exactly one of them"):
            Mixture(components, 0)
    for shares in ([1.0], [0.0], [0.5, 0.5]):
        with pytest.raises(UserError, match="do not leave room"):
            Mixture(
                [
                    MixtureComponent(numbers, passes=1),
                    *(MixtureComponent(numbers, share=s) for s in shares),
                ],
                0,
            )
    with pytest.raises(UserError, match="in the mixture; must be at least 1"):
        Mixture([MixtureComponent(numbers, passes=0)], 0)
    store = store_of(["abcdefgh"])
    with pytest.raises(UserError, match="the components' windows differ"):
        Mixture(
            [
                MixtureComponent(Windows(store, 2), passes=1),
                MixtureComponent(Windows(store, 3), share=0.5),
            ],
            0,
        )


@settings(deadline=None)
@given(
    real=st.integers(1, 40),
    synthetic=st.integers(1, 40),
    windows=st.integers(1, 200),
    seed=st.integers(0, 3),
)
def test_a_number_of_windows_is_drawn_exactly_and_evenly(real, synthetic, windows, seed):
    parts = [
        MixtureComponent(Numbers(real), windows=windows),
        MixtureComponent(Numbers(synthetic), passes=1),
    ]
    mixture = Mixture(parts, seed)
    component, window = draws(mixture)
    assert mixture.counts.tolist() == [windows, synthetic]
    assert sorted(window[component == 1].tolist()) == list(range(synthetic))
    often = np.bincount(window[component == 0], minlength=real)
    assert often.sum() == windows
    assert often.max() - often.min() <= 1
