"""Each member's order is its own: the one it would have alone, on any number of processes."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.methods.ensemble.data import MemberSampler, MemberWindows
from lit_research.text import ShardedSampler, make_loader


class Numbers(torch.utils.data.Dataset):
    """Windows that know their number."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitems__(self, indices):
        return {"input_ids": torch.tensor(indices)[:, None]}


def orders(length, seeds, batch_size, world_size, epoch):
    """Return the windows of every member in order, ``[K]`` lists, all ranks of a step together."""
    ranks = []
    for rank in range(world_size):
        sampler = MemberSampler(
            Numbers(length), seeds, batch_size=batch_size, rank=rank, world_size=world_size
        )
        sampler.set_epoch(epoch)
        loader = make_loader(MemberWindows(Numbers(length), len(seeds)), sampler=sampler)
        ranks.append([batch["input_ids"] for batch in loader])
        assert len(ranks[-1]) == len(loader) == length // (batch_size * world_size)
    found = [[] for _ in seeds]
    for step in zip(*ranks, strict=True):
        for member in range(len(seeds)):
            for batch in step:
                assert batch.shape == (len(seeds), batch_size, 1)
                found[member] += batch[member].flatten().tolist()
    return found


@settings(deadline=None, max_examples=30)
@given(
    batch_size=st.integers(1, 4),
    world_size=st.integers(1, 3),
    steps=st.integers(1, 5),
    rest=st.integers(0, 3),
    epoch=st.integers(0, 2),
    seeds=st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True),
)
def test_a_member_s_order_is_the_one_it_would_have_alone(
    batch_size, world_size, steps, rest, epoch, seeds
):
    length = batch_size * world_size * steps + min(rest, batch_size * world_size - 1)
    for seed, order in zip(
        seeds, orders(length, seeds, batch_size, world_size, epoch), strict=True
    ):
        alone = ShardedSampler(
            Numbers(length), batch_size=batch_size * world_size, seed=seed, rank=0, world_size=1
        )
        alone.set_epoch(epoch)
        assert order == list(alone)
        assert len(set(order)) == len(order)


@pytest.mark.parametrize("stop", [1, 3])
def test_a_loader_goes_on_where_it_stopped(stop):
    def loader():
        sampler = MemberSampler(Numbers(17), [5, 2], batch_size=3, rank=0, world_size=1)
        return make_loader(MemberWindows(Numbers(17), 2), sampler=sampler)

    first, whole = loader(), [batch["input_ids"] for batch in loader()]
    list(itertools.islice(first, stop))
    second = loader()
    second.load_state_dict(first.state_dict())
    for left, right in zip(second, whole[stop:], strict=True):
        assert torch.equal(left["input_ids"], right)


def test_members_of_other_seeds_are_other_data():
    from lit_research.errors import UserError

    states = []
    for seeds in ([0, 1], [0, 2]):
        sampler = MemberSampler(Numbers(9), seeds, batch_size=2, rank=0, world_size=1)
        states.append(make_loader(MemberWindows(Numbers(9), 2), sampler=sampler))
    with pytest.raises(UserError, match="seed"):
        states[0].load_state_dict(states[1].state_dict())
