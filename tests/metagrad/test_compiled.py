"""Compiled steps give what the others give."""

import dataclasses
import time

import pytest
import torch

from lit_research.errors import UserError
from lit_research.metagrad import SGD, AdamW, Muon, Training, metagradient, train
from tests.metagrad.problem import metric, training


def line(optimizer, **changes):
    """A model that compiles in seconds."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh()).double()
    draw = torch.Generator().manual_seed(1)
    batches = [torch.randn(4, 4, generator=draw, dtype=torch.float64) for _ in range(5)]
    return Training(model, batches, squares, optimizer, **changes)


def squares(model, x):
    return model(x).square().sum(1)


def phi(model):
    return model[0].weight.sin().sum()


def same(given, phi, atol):
    compiled = dataclasses.replace(given, compile=True)
    expected, found = (metagradient(train(t), phi, with_theta0=True) for t in (given, compiled))
    assert found.value == pytest.approx(expected.value, abs=atol)
    pairs = [*zip(found.weights, expected.weights, strict=True), (found.lr, expected.lr)]
    pairs += [(found.theta0[name], value) for name, value in expected.theta0.items()]
    for one, other in pairs:
        torch.testing.assert_close(one, other, atol=atol, rtol=1e-6)


@pytest.fixture(scope="module")
def given():
    """One run, whose functions are compiled once for all tests."""
    return line(AdamW(1e-2, weight_decay=0.1), micro_batch=2)


@pytest.mark.parametrize("save", ["all", "sqrt"])
def test_a_compiled_run_is_the_same(given, save):
    same(dataclasses.replace(given, save=save), phi, 1e-12)


def test_a_second_run_compiles_nothing_anew(given):
    metagradient(train(dataclasses.replace(given, compile=True)), phi)
    start = time.perf_counter()
    metagradient(train(dataclasses.replace(given, compile=True, save="all")), phi)
    assert time.perf_counter() - start < 2


def test_losses_that_do_not_fit_are_refused_when_compiled():
    with pytest.raises(UserError, match=r"torch\.float32"):
        train(dataclasses.replace(line(SGD(0.1)), compile=True, losses=lambda m, x: m(x).float()))


def test_dropout_is_not_compiled():
    with pytest.raises(UserError, match="compile and seed"):
        line(SGD(0.1), compile=True, seed=0)


@pytest.mark.replica
@pytest.mark.parametrize("optimizer", [AdamW(1e-2, weight_decay=0.1, max_norm=0.5), Muon(1e-2)])
def test_a_compiled_language_model_is_the_same(optimizer):
    same(training(optimizer, steps=5), metric, 1e-10)
