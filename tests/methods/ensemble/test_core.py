"""Averages against a float64 reference, identical members, memory that does not grow with K."""

import itertools
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.lm import IGNORE
from lit_research.methods.ensemble import (
    combine_log_probs,
    core,
    distillation_loss,
    retained_share,
    scores_by_size,
)

shapes = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 5), st.integers(2, 40))


def draw(shape, seed, dtype=torch.float32):
    K, B, T, V = shape
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(K, B, T, V, generator=generator, dtype=torch.float64)
    labels = torch.randint(V, (B, T), generator=generator)
    labels[torch.rand(B, T, generator=generator) < 0.2] = IGNORE
    return logits.to(dtype), labels


def gather(log_probs, labels):
    found = log_probs.gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
    return found * (labels != IGNORE)


@settings(deadline=None, max_examples=60)
@given(
    shape=shapes, seed=st.integers(0, 1000), dtype=st.sampled_from([torch.float32, torch.bfloat16])
)
def test_both_averages_are_those_of_a_float64_reference(shape, seed, dtype):
    logits, labels = draw(shape, seed, dtype)
    exact = logits.double()
    for size, scores in enumerate(scores_by_size(iter(logits), labels), 1):
        mean = exact[:size].mean(0).log_softmax(-1)
        mixed = exact[:size].softmax(-1).mean(0).log()
        torch.testing.assert_close(
            scores.logits.double(), gather(mean, labels), atol=2e-5, rtol=1e-5
        )
        torch.testing.assert_close(
            scores.probabilities.double(), gather(mixed, labels), atol=2e-5, rtol=1e-5
        )
        one = gather(exact[size - 1].log_softmax(-1), labels)
        torch.testing.assert_close(scores.member.double(), one, atol=2e-5, rtol=1e-5)


@settings(deadline=None, max_examples=30)
@given(shape=shapes, seed=st.integers(0, 1000))
def test_the_mean_of_logits_is_the_normalised_geometric_mean_of_probabilities(shape, seed):
    logits, labels = draw(shape, seed, torch.float64)
    *_, last = scores_by_size(iter(logits), labels)
    geometric = logits.log_softmax(-1).mean(0)
    expected = gather(geometric - geometric.logsumexp(-1, keepdim=True), labels)
    torch.testing.assert_close(last.logits, expected, atol=1e-12, rtol=1e-12)
    # Without the normaliser it is only the mean of the members' losses.
    members = torch.stack([s.member for s in scores_by_size(iter(logits), labels)])
    torch.testing.assert_close(gather(geometric, labels), members.mean(0), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_identical_members_are_the_member_and_one_member_is_the_model(size):
    logits, labels = draw((1, 2, 7, 50), 3)
    alone = gather(logits[0].double().log_softmax(-1), labels)
    for scores in scores_by_size(itertools.repeat(logits[0], size), labels):
        for score in (scores.member, scores.logits, scores.probabilities):
            torch.testing.assert_close(score.double(), alone, atol=1e-6, rtol=0)


def test_members_logits_are_left_as_they_were():
    logits, labels = draw((3, 2, 4, 9), 0)
    before = logits.clone()
    list(scores_by_size(iter(logits), labels))
    assert torch.equal(before, logits)


def test_a_normaliser_in_pieces_is_the_whole_one(monkeypatch):
    logits, labels = draw((2, 3, 7, 11), 5)
    whole = list(scores_by_size(iter(logits), labels))
    monkeypatch.setattr(core, "_CHUNK", 25)  # two rows at a time
    for left, right in zip(whole, scores_by_size(iter(logits), labels), strict=True):
        torch.testing.assert_close(left.logits, right.logits)


def test_members_that_were_scored_apart_combine_to_the_mean_of_probabilities():
    logits, labels = draw((4, 2, 6, 30), 9, torch.float64)
    scores = list(scores_by_size(iter(logits), labels))
    counted = labels != IGNORE
    together = combine_log_probs(torch.stack([s.member for s in scores])) * counted
    torch.testing.assert_close(together, scores[-1].probabilities, atol=1e-12, rtol=1e-12)


PEAK = """
import torch
from lit_research.methods.ensemble import scores_by_size
torch.set_num_threads(1)
labels = torch.zeros(4, 64, dtype=torch.long)
for count in (3, 12):  # the peak is that of the process: more members come second
    for scores in scores_by_size((torch.randn(4, 64, 20000) for _ in range(count)), labels):
        pass
    [line] = [x for x in open("/proc/self/status") if "VmHWM" in x]
    print(int(line.split()[1]) / 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_peak_memory_does_not_grow_with_the_number_of_members():
    # A fixed threshold gives what is freed back to the system: the peak is the tensors'.
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", PEAK]
    run = subprocess.run(command, capture_output=True, check=True, text=True, env=env)
    few, many = map(float, run.stdout.split())
    one_member = 4 * 64 * 20000 * 4 / 2**20  # 19.5 MiB of logits
    # One more tensor may be alive or not, as the allocator pleases; nine more would show.
    assert many < few + 2 * one_member


def test_distillation_from_itself_costs_nothing_and_has_no_gradient():
    logits, labels = draw((1, 2, 5, 12), 1)
    student = logits[0].requires_grad_()
    loss = distillation_loss(student, [logits[0].detach()], labels, temperature=2.0)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.0, abs=1e-6)
    assert float(student.grad.abs().max()) < 1e-6


@settings(deadline=None, max_examples=30)
@given(shape=shapes, seed=st.integers(0, 100), temperature=st.sampled_from([0.5, 1.0, 3.0]))
def test_distillation_is_the_divergence_from_the_mean_of_logits(shape, seed, temperature):
    logits, labels = draw(shape, seed, torch.float64)
    student, _ = draw((1, *shape[1:]), seed + 1, torch.float64)
    loss = distillation_loss(student[0], iter(logits), labels, temperature=temperature)
    target = (logits.float().mean(0).double() / temperature).log_softmax(-1)
    guess = (student[0] / temperature).log_softmax(-1)
    divergence = (target.exp() * (target - guess)).sum(-1)[labels != IGNORE]
    expected = temperature**2 * divergence.mean() if len(divergence) else torch.zeros(())
    assert loss.item() == pytest.approx(expected.item(), abs=1e-4, rel=1e-4)


def test_the_published_student_keeps_83_percent_of_the_gain():
    assert retained_share(3.57, 3.3635, 3.32) == pytest.approx(0.826, abs=5e-4)
    with pytest.raises(ValueError, match="no gain"):
        retained_share(3.3, 3.3, 3.4)
