"""What torchmetrics add up, by hand, and on two processes what one adds up."""

import math
import os
import socket

import pytest
import torch
import torch.distributed as dist

from lit_research.errors import UserError
from lit_research.evals import (
    ChoiceRows,
    ChoiceScores,
    GroupAccuracy,
    Perplexity,
    encode_items,
)
from lit_research.metrics import Mean, MetricsByKey
from lit_research.text import load_tokenizer
from tests.evals.choices import ITEMS
from tests.evals.test_choice_scores import random_scores
from tests.helpers import forks

CPU = torch.device("cpu")
GROUPS = ["sums", "proofs", "none"]


def losses(index):
    """The sum of the token losses of batch ``index`` and their number; all batches are ragged."""
    draw = torch.Generator().manual_seed(index)
    values = torch.rand(1 + index % 3, 5 + index, generator=draw)
    return sums_of(values[torch.rand(values.shape, generator=draw) < 0.7])


def sums_of(values):
    return torch.stack([values.sum(dtype=torch.float64), torch.tensor(values.numel())])


def answers(index):
    """Of batch ``index``: right, group, parse failures, truncated, ``[B]``; no rank has all."""
    draw = torch.Generator().manual_seed(100 + index)
    right, failed, cut = torch.randint(2, (3, 2 + index), generator=draw)
    return right, torch.full((2 + index,), index % 2), failed, cut


def of_batches(batches):
    """What the metrics give, of these batches on this process and others on other ones."""
    mean, perplexity, accuracy = Mean(CPU), Perplexity(CPU), GroupAccuracy(GROUPS, CPU)
    by_index = MetricsByKey(lambda index: Mean(CPU))
    for index in batches:
        mean.update(losses(index))
        perplexity.update(losses(index))
        accuracy.update(*answers(index))
        by_index[index].update(losses(index))
    results = accuracy.results()
    return {
        "mean": float(mean.compute()),
        "perplexity": float(perplexity.compute()),
        "by_group": [result.value for result in results],
        "results": [str(result) for result in results],
        "by_index": {index: float(value) for index, value in by_index.compute().items()},
    }


def of_rows(share):
    """Scores of the options whose rows this process has."""
    rows = ChoiceRows(encode_items(ITEMS, load_tokenizer("bytes"), 64), 256)
    choices = ChoiceScores(2, CPU)
    for row in share:  # one at a time, so that each has its scores whatever stands beside it
        batch = rows.__getitems__([row])
        choices.update(batch, random_scores(batch["labels"], 2, seed=row))
    found = choices.choices()
    return {"seen": found.seen, "total": found.total, "per_byte": found.per_byte}


# What each of two ranks has: the last batch on one alone; nothing on one; nothing on both.
BATCHES = {"ragged": ([0, 2, 4], [1, 3]), "one_has_none": ([], [0, 1]), "none": ([], [])}
# Options of item 2 on both ranks, one of them twice; all on one rank; an item not scored whole.
ROWS = {
    "shared": ([0, 1, 2, 3], [3, 4, 5, 6]),
    "one_has_none": (range(7), []),
    "one_missing": ([0, 1], [2, 4, 5, 6]),
}


def work(rank, port, folder):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    found = {f"batches {name}": of_batches(parts[rank]) for name, parts in BATCHES.items()}
    found |= {f"rows {name}": of_rows(parts[rank]) for name, parts in ROWS.items()}
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory):
    """What each of two processes gets; one pair of them evaluates everything."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pair = [forks().Process(target=work, args=(rank, port, folder)) for rank in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(timeout=300)
    assert [process.exitcode for process in pair] == [0, 0], "a rank failed or hangs"
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("case", BATCHES)
def test_two_processes_give_what_one_gives(of_ranks, case):
    first, second = BATCHES[case]
    one = of_batches([*first, *second])
    for of_rank in of_ranks:
        found = of_rank[f"batches {case}"]
        assert found["results"] == one["results"]
        assert found["by_index"] == one["by_index"]  # a batch is of one rank: the very same sums
        for name in ("mean", "perplexity", "by_group"):
            assert found[name] == pytest.approx(one[name], rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("case", ROWS)
def test_ranks_share_the_options_of_an_item_and_one_may_have_none(of_ranks, case):
    first, second = ROWS[case]
    one = of_rows(sorted({*first, *second}))
    assert one["total"].shape[1] == (2 if case == "one_missing" else 3)
    for of_rank in of_ranks:
        found = of_rank[f"rows {case}"]
        assert found["seen"] == one["seen"] == 3
        assert torch.equal(found["total"], one["total"])
        assert torch.equal(found["per_byte"], one["per_byte"])


def test_the_mean_of_ragged_batches_weighs_every_token_alike():
    mean, perplexity = Mean(CPU), Perplexity(CPU)
    for batch in ([1.0, 2.0, 3.0], [10.0]):
        mean.update(sums_of(torch.tensor(batch)))
        perplexity.update(sums_of(torch.tensor(batch)))
    assert mean.compute() == 4.0
    assert perplexity.compute() == pytest.approx(math.exp(4))
    mean.reset()
    assert mean.compute().isnan()


def test_sums_are_as_exact_as_float64():
    mean = Mean(CPU)
    for _ in range(10):
        mean.update(torch.tensor([0.1 * (1 << 20), 1 << 20], dtype=torch.float64))
    assert float(mean.compute()) == pytest.approx(0.1, rel=1e-12)


def test_accuracy_by_group_is_a_result_for_all_and_for_each():
    accuracy = GroupAccuracy(GROUPS, CPU)
    accuracy.update(torch.tensor([1, 0, 1]), torch.tensor([0, 0, 1]))
    cut = torch.tensor([0, 1])
    accuracy.update(torch.tensor([1, 0]), torch.tensor([0, 0]), 1 - cut, cut)
    both, sums, proofs, none = accuracy.results()
    assert [r.name for r in (both, sums)] == ["accuracy", "accuracy sums"]
    assert (both.n, both.value, both.parse_failures, both.truncated) == (5, 0.6, 1, 1)
    assert both.stderr == pytest.approx(math.sqrt(0.6 * 0.4 / 4))
    assert (sums.n, sums.value, proofs.n, proofs.value) == (4, 0.5, 1, 1.0)
    assert math.isnan(proofs.stderr)
    assert none.n == 0
    assert math.isnan(none.value)
    with pytest.raises(UserError, match=r"groups is \['a', 'a'\], in GroupAccuracy; must be"):
        GroupAccuracy(["a", "a"], CPU)
