"""Programs of torch, as a language model may write them."""

import sys

import pytest

from lit_research import sandbox
from lit_research.sandbox import Limits, Pool
from lit_research.sandbox.choice import why_not


@pytest.fixture(scope="module", params=sandbox.LEVELS)
def torch_pool(request):
    if reason := why_not(request.param):
        pytest.skip(f"{request.param} does not work here: {reason}")
    threads = {"OMP_NUM_THREADS": "1"}
    with Pool(["torch"], level=request.param, limits=Limits(wall_s=120), env=threads) as found:
        yield found


def test_torch_imports_and_saves(level):
    script = (
        "import torch, os\ntorch.save(torch.zeros(25_000_000), 'x.pt')\n"
        "print(os.path.getsize('x.pt') > 1e8)"
    )
    limits = Limits(wall_s=120)
    command = [sys.executable, "-c", script]
    result = sandbox.run(command, level=level, limits=limits, readable=sandbox.python_paths())
    assert (result.text, result.status) == ("True\n", "ok"), result.error_text


def test_a_model_is_trained_in_a_pool(torch_pool):
    script = (
        "import sys; print('torch' in sys.modules)\nimport torch\n"
        "model = torch.nn.Linear(8, 1)\noptimizer = torch.optim.SGD(model.parameters(), 0.1)\n"
        "x = torch.randn(64, 8); y = x.sum(1, keepdim=True)\n"
        "def step():\n  loss = (model(x) - y).square().mean(); optimizer.zero_grad()\n"
        "  loss.backward(); optimizer.step(); return loss.item()\n"
        "losses = [step() for _ in range(50)]; print(losses[-1] < losses[0] / 10)\n"
    )
    result = torch_pool.run(["-c", script])
    assert result.text == "True\nTrue\n", result.error_text


def test_a_file_too_large_is_the_reason(torch_pool):
    script = "import torch; torch.save(torch.zeros(1_000_000), 'x.pt')"
    result = torch_pool.run(["-c", script], limits=Limits(wall_s=120, file_kib=1000))
    assert result.status != "ok"
    assert "file_kib=1000" in result.reason


def test_gloo_works_over_loopback(torch_pool):
    if torch_pool.isolation == "rlimits":
        pytest.skip("has no network at all")
    script = (
        "import os, torch, torch.distributed as dist\nrank = int(os.fork() == 0)\n"
        "dist.init_process_group('gloo', 'tcp://127.0.0.1:29400', rank=rank, world_size=2)\n"
        "x = torch.tensor([rank + 1.0]); dist.all_reduce(x); dist.barrier()\n"
        "dist.destroy_process_group()\n"
        "if rank: os._exit(int(x.item()))\n"
        "print(x.item(), os.waitstatus_to_exitcode(os.wait()[1]))"
    )
    result = torch_pool.run(["-c", script])
    assert result.text == "3.0 3\n", result.error_text
