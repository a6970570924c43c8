"""FSDP's fully_shard on prefix blocks, through which only first derivatives go, is exact."""

import os
import socket

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from lit_research.methods.ttt.inner_loop import Inner, scan
from tests.methods.ttt.test_inner_loop import build, data

PARTS = 2


def shard_and_compare(rank, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=PARTS)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    ids, labels = data(chunks=4, batch=2)
    whole, sharded = build(), build()
    expected, _ = scan(whole, ids, labels, Inner())
    expected.backward()
    mesh = init_device_mesh("cpu", (PARTS,))
    for block in sharded.prefix:
        fully_shard(block, mesh=mesh)
    own = slice(rank, rank + 1)
    loss, _ = scan(sharded, ids[own], labels[own], Inner())
    loss.backward()
    for (name, one), other in zip(whole.named_parameters(), sharded.parameters(), strict=True):
        if hasattr(other.grad, "full_tensor"):
            found = other.grad.full_tensor()
        else:  # not sharded: what DDP would do
            found = other.grad / PARTS
            dist.all_reduce(found)
        torch.testing.assert_close(found, one.grad, atol=1e-10, rtol=0, msg=name)
    assert any(hasattr(p.grad, "full_tensor") for p in sharded.parameters())
    dist.destroy_process_group()


def test_sharded_prefix_blocks_have_the_gradient_of_whole_ones():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(shard_and_compare, args=(port,), nprocs=PARTS)
