import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.text import LengthGroupedSampler, ShardedSampler, permutation

SIZES = {"length": st.integers(1, 200), "batch": st.integers(1, 6), "world": st.integers(1, 5)}


def ranks(length, batch, world, epoch=0, **options):
    """Return each rank's windows, in batches."""
    found = []
    for rank in range(world):
        sampler = ShardedSampler(
            range(length), batch_size=batch, rank=rank, world_size=world, **options
        )
        sampler.set_epoch(epoch)
        mine = list(sampler)
        assert len(mine) == len(sampler)
        found.append([mine[start : start + batch] for start in range(0, len(mine), batch)])
    return found


@settings(deadline=None)
@given(seed=st.integers(0, 9), epoch=st.integers(0, 9), **SIZES)
def test_ranks_share_each_global_batch_of_training(length, batch, world, seed, epoch):
    size = batch * world
    if length < size:
        with pytest.raises(UserError, match=f"the global batch of {size}"):
            ranks(length, batch, world)
        return
    found = ranks(length, batch, world, epoch=epoch, seed=seed)
    order = permutation(length, seed=seed, epoch=epoch)
    assert {len(batches) for batches in found} == {length // size}
    for number, parts in enumerate(zip(*found, strict=True)):
        together = [index for part in parts for index in part]
        assert together == order[number * size : (number + 1) * size].tolist()


@settings(deadline=None)
@given(**SIZES)
def test_evaluation_sees_every_window_once_and_ranks_differ_by_one_batch(length, batch, world):
    found = ranks(length, batch, world, shuffle=False, drop_last=False)
    seen = sorted(index for batches in found for part in batches for index in part)
    assert seen == list(range(length))
    counts = [len(batches) for batches in found]
    assert max(counts) - min(counts) <= 1


@settings(deadline=None)
@given(start=st.integers(0, 20), drop_last=st.booleans(), **SIZES)
def test_starting_later_leaves_out_the_first_batches_once(length, batch, world, start, drop_last):
    if length < batch * world:
        return
    sampler = ShardedSampler(range(length), batch_size=batch, rank=0, world_size=world,
                             drop_last=drop_last)  # fmt: skip
    whole = list(sampler)
    sampler.start_batch = start = min(start, length // (batch * world))
    assert list(sampler) == whole[start * batch :]
    assert list(sampler) == whole


def test_order_depends_on_seed_and_epoch_alone():
    orders = {
        (seed, epoch): permutation(50, seed=seed, epoch=epoch).tolist()
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(set(map(tuple, orders.values()))) == 9
    np.random.seed(5)
    assert permutation(50, seed=1, epoch=2).tolist() == orders[1, 2]
    assert all(sorted(order) == list(range(50)) for order in orders.values())


def test_epoch_is_the_one_at_the_time_of_iter():
    sampler = ShardedSampler(range(50), batch_size=5)
    iterator = iter(sampler)
    sampler.set_epoch(1)
    assert list(iterator) == permutation(50, seed=0, epoch=0).tolist()
    assert list(sampler) == permutation(50, seed=0, epoch=1).tolist()


def grouped(lengths, batch=4, rank=0, world=1, epoch=0, seed=0):
    sampler = LengthGroupedSampler(
        range(len(lengths)), lengths, batch_size=batch, seed=seed, rank=rank, world_size=world
    )
    sampler.set_epoch(epoch)
    return sampler


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 99), min_size=1, max_size=300), epoch=st.integers(0, 5),
       batch=SIZES["batch"], world=SIZES["world"])  # fmt: skip
def test_ranks_share_batches_of_like_length(lengths, epoch, batch, world):
    size = batch * world
    if len(lengths) < size:
        with pytest.raises(UserError, match=f"the global batch of {size}"):
            grouped(lengths, batch, 0, world)
        return
    mine = [list(grouped(lengths, batch, rank, world, epoch)) for rank in range(world)]
    [whole] = {len(part) for part in mine}
    assert whole == len(lengths) // size * batch
    # No row twice, whatever the number of ranks; one rank alone has the same global batches.
    seen = [index for part in mine for index in part]
    assert len({*seen}) == len(seen)
    alone = list(grouped(lengths, size, epoch=epoch))
    for number in range(len(alone) // size):
        parts = [part[number * batch : (number + 1) * batch] for part in mine]
        together = [index for part in parts for index in part]
        assert together == alone[number * size : (number + 1) * size]


def test_grouped_batches_are_little_padded_and_others_in_each_epoch():
    lengths = np.random.default_rng(0).integers(1, 1000, size=2000)

    def padded(order):
        of_batch = lengths[np.array(order)].reshape(-1, 4)
        return 1 - of_batch.sum() / (4 * of_batch.max(axis=1).sum())

    first, second = list(grouped(lengths)), list(grouped(lengths, epoch=1))
    assert sorted(first) == sorted(second) == list(range(2000))
    assert padded(list(ShardedSampler(range(2000), batch_size=4))) > 0.3
    assert padded(first) < 0.02
    batches = [
        {frozenset(order[k : k + 4]) for k in range(0, 2000, 4)} for order in (first, second)
    ]
    assert len(batches[0] & batches[1]) < 10
    # In random order: the length says nothing of when a batch comes.
    means = lengths[np.array(first)].reshape(-1, 4).mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(500))[0, 1]) < 0.15


@given(start=st.integers(0, 12), epoch=st.integers(0, 3))
def test_grouped_batches_that_are_left_out_are_the_first(start, epoch):
    sampler = grouped(list(range(50)), epoch=epoch)
    whole = list(sampler)
    sampler.start_batch = start
    assert list(sampler) == whole[start * 4 :]
    assert list(sampler) == whole
