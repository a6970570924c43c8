"""FSDP's fully_shard on embedding and prefix, through which only first derivatives go, is exact."""

import os

import pytest
import torch
import torch.distributed as dist

from lit_research.methods.ttt.inner_loop import InnerLoop, scan
from tests.helpers import run_as_ranks
from tests.methods.ttt.test_inner_loop import build, data

PARTS = 2


def shard_and_compare():
    rank = int(os.environ["LOCAL_RANK"])
    dist.init_process_group("gloo", rank=rank, world_size=PARTS)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (PARTS,))
    for changes in ({}, {"tie_word_embeddings": False}):  # the tied one is the suffix's head too
        whole, sharded = build(**changes), build(**changes)
        for part in [*sharded.prefix, *([sharded.embed] if changes else [])]:
            fully_shard(part, mesh=mesh)
        compare(whole, sharded, rank)
    # Blocks of the suffix are not entered by `__call__`, so nothing gathers their weights.
    fully_shard(sharded.suffix[0], mesh=mesh)
    ids, labels = data(chunks=4, batch=2)
    with pytest.raises(RuntimeError, match=r"mixed torch\.Tensor and DTensor"):
        scan(sharded, ids, labels, InnerLoop())
    return rank


def compare(whole, sharded, rank):
    ids, labels = data(chunks=4, batch=2)
    expected, _ = scan(whole, ids, labels, InnerLoop())
    expected.backward()
    own = slice(rank, rank + 1)
    loss, _ = scan(sharded, ids[own], labels[own], InnerLoop())
    loss.backward()
    for (name, one), other in zip(whole.named_parameters(), sharded.parameters(), strict=True):
        if hasattr(other.grad, "full_tensor"):
            found = other.grad.full_tensor()
        else:  # not sharded: what DDP would do
            found = other.grad / PARTS
            dist.all_reduce(found)
        torch.testing.assert_close(found, one.grad, atol=1e-10, rtol=0, msg=name)
    assert all(hasattr(p.grad, "full_tensor") for p in sharded.prefix.parameters())


def test_sharded_prefixes_have_the_gradient_of_whole_ones():
    assert run_as_ranks(shard_and_compare) == [*range(PARTS)]
