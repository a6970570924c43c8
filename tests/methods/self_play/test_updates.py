"""Updates: parts and processes add up to one batch; groups stay together; nothing is no step."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.self_play.core import weighted_nll
from lit_research.methods.self_play.objectives import Cispo, MicroBatch, ReinforceHalf
from lit_research.methods.self_play.players import SOLVER, Players
from lit_research.methods.self_play.problems import Sample
from lit_research.methods.self_play.updates import (
    Update,
    UpdateReport,
    make_batches,
    micro_batch_loss,
    split_batch,
    train_player,
)
from lit_research.methods.self_play.worker import Worker

SPEC = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
}
PAIRS = [([1, 2, 3], [4, 5]), ([6], [7, 8, 9, 10]), ([2, 2], [3]), ([5, 1], [9, 9, 9])]


def players():
    torch.manual_seed(0)
    return Players(SPEC, vocab_size=16, dtype="float64")


def gradient(samples, update, cispo=False, rank=0, world=1):
    own, objective = players(), Cispo() if cispo else ReinforceHalf()
    for part in split_batch(samples, update.micro_batch, rank, world):
        micro_batch = MicroBatch(part, samples, update.normaliser)
        micro_batch_loss(own, SOLVER, micro_batch, objective.loss).backward()
    return torch.cat([p.grad.flatten() for p in own.parameters_of(SOLVER)])


def samples(cispo=False):
    own = players()
    rows = own.rows(PAIRS)
    with torch.no_grad():
        old = own.log_probs(SOLVER, rows) - 0.1
    made = []
    for row, (prompt, written) in enumerate(PAIRS):
        start = len(prompt) - 1
        told = tuple(old[row, start : start + len(written)].tolist()) if cispo else ()
        made.append(Sample(prompt, written, [1.0, -0.5, 0.25, 2.0][row], told, group=row // 2))
    return made


@pytest.mark.parametrize("cispo", [False, True])
@pytest.mark.parametrize("normaliser", ["tokens", "sequences"])
@pytest.mark.parametrize("micro_batch", [1, 3])
def test_micro_batches_add_up_to_the_batch(cispo, normaliser, micro_batch):
    whole = gradient(samples(cispo), Update(normaliser=normaliser), cispo)
    parts = Update(normaliser=normaliser, micro_batch=micro_batch)
    torch.testing.assert_close(gradient(samples(cispo), parts, cispo), whole)


@pytest.mark.parametrize("cispo", [False, True])
@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize("micro_batch", [None, 1])
def test_processes_add_up_to_one(cispo, world, micro_batch):
    update = Update(micro_batch=micro_batch)
    whole = gradient(samples(cispo), update, cispo)
    parts = [gradient(samples(cispo), update, cispo, rank, world) for rank in range(world)]
    torch.testing.assert_close(torch.stack(parts).sum(0), whole)


@given(st.integers(1, 20), st.integers(1, 6), st.none() | st.integers(1, 5))
def test_processes_go_backward_as_often_as_each_other(count, world, micro_batch):
    batch = [Sample([1], [2] * (1 + number % 3), group=number) for number in range(count)]
    splits = [split_batch(batch, micro_batch, rank, world) for rank in range(world)]
    assert len({len(parts) for parts in splits}) == 1
    assert all(part for parts in splits for part in parts)
    read = [s.group for parts in splits for part in parts for s in part if s.weight]
    assert sorted(read) == list(range(count))
    assert max(len(part) for parts in splits for part in parts) <= (micro_batch or count)


def test_the_loss_is_the_weighted_likelihood_of_what_was_written():
    own, made = players(), samples()
    loss = micro_batch_loss(own, SOLVER, MicroBatch(made, made), ReinforceHalf().loss)
    rows = own.rows(PAIRS)
    log_probs = own.log_probs(SOLVER, rows)
    weights = torch.tensor([s.weight for s in made])
    torch.testing.assert_close(loss, weighted_nll(log_probs, rows["mask"], weights, "tokens"))


def test_batches_have_every_sample_once_an_epoch_in_another_order():
    many = [Sample([1], [2], group=i) for i in range(20)]
    batches = make_batches(many, Update(batch_size=6, epochs=2), seed=3)
    assert sorted(len(b) for b in batches) == [2, 2, 6, 6, 6, 6, 6, 6]
    first, second = ([s.group for b in batches[k : k + 4] for s in b] for k in (0, 4))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert make_batches(many, Update(batch_size=6, epochs=2), seed=3) == batches


def test_samples_of_like_length_share_a_batch():
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 100, (200,), generator=draw).tolist()
    many = [Sample([1], [2] * length) for length in lengths]
    batches = make_batches(many, Update(batch_size=10), seed=0)
    padded = sum(len(b) * max(len(s.written) for s in b) for b in batches)
    assert padded < 1.15 * sum(lengths)


def test_groups_stay_together():
    many = [Sample([1], [2], group=i // 4) for i in range(24)]
    for batch in make_batches(many, Update(batch_size=10), seed=0, keep_groups=True):
        groups = [s.group for s in batch]
        assert all(groups.count(g) == 4 for g in groups)


def test_nothing_to_learn_is_no_step():
    own = players()
    before = [p.clone() for p in own.parameters()]
    optimizer = torch.optim.AdamW(own.parameters_of(SOLVER))
    report = train_player(own, SOLVER, [], Update(), optimizer, seed=0)
    assert report == UpdateReport(samples=0, losses=[])
    assert report.steps == 0
    assert all(torch.equal(p, q) for p, q in zip(own.parameters(), before, strict=True))


@pytest.mark.parametrize("reset", [True, False])
def test_moments_are_forgotten_if_so_wished(reset):
    own, clipped = players(), []
    worker = Worker(clip=lambda optimizer, norm: clipped.append(norm))
    optimizer = torch.optim.AdamW(own.parameters_of(SOLVER))
    update = Update(batch_size=2, reset=reset, max_grad_norm=0.5)
    for _ in range(2):
        train_player(own, SOLVER, samples(), update, optimizer, seed=0, worker=worker)
    steps = {int(state["step"]) for state in optimizer.state.values()}
    assert steps == (set() if reset else {4})
    assert clipped == [0.5] * 4


def test_a_process_alone_clips_the_gradients_of_its_optimiser():
    weight, other = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    (weight.sum() * 3 + other.sum() * 3).backward()
    optimizer = torch.optim.SGD([weight])
    Worker().clip(optimizer, None)
    assert weight.grad.tolist() == [3.0, 3.0]
    Worker().clip(optimizer, 1.0)
    assert float(weight.grad.norm()) == pytest.approx(1.0, abs=1e-5)
    assert other.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("field", ["batch_size", "micro_batch", "epochs"])
def test_sizes_below_one_are_refused(field):
    with pytest.raises(UserError, match=f"{field} is 0"):
        Update(**{field: 0})
