"""The metagradient is exact: against differences, against one graph, at every schedule."""

import copy
import dataclasses

import pytest
import torch

from lit_research.errors import UserError
from lit_research.metagrad import (
    SGD,
    AdamW,
    Muon,
    SequenceLosses,
    audit,
    metagradient,
    token_losses,
    train,
    value_at,
)
from tests.metagrad.problem import metric, model, training, unrolled

OPTIMIZERS = {
    "sgd": SGD(0.3),
    "momentum": SGD(0.1, momentum=0.9, weight_decay=0.1, decay_mask="matrices"),
    "clipped sgd": SGD(0.3, max_norm=0.1),
    "adamw": AdamW(1e-2, weight_decay=0.1, eps_root=1e-6),
    "dpg's adamw": AdamW(1e-3, weight_decay=1e-4, eps_root=1e-9),
    "clipped adamw": AdamW(1e-2, weight_decay=0.1, decay_mask="matrices", max_norm=0.5),
    "muon": Muon(1e-2, weight_decay=0.1),
}
SAVES = ("all", "every:2", "every:5", "sqrt", "tree", "tree:3", "budget:1", "budget:2")


def close(found, expected, atol=1e-10):
    value, weights, theta0, lr, decay = expected
    scale = max(1.0, *(float(w.abs().max()) for w in weights))
    assert found.value == pytest.approx(value, abs=1e-10)
    for one, other in zip(found.weights, weights, strict=True):
        torch.testing.assert_close(one, other, atol=atol * scale, rtol=1e-9)
    torch.testing.assert_close(found.lr, lr, atol=1e-9, rtol=1e-8)
    torch.testing.assert_close(found.weight_decay, decay, atol=1e-9, rtol=1e-8)
    if found.theta0 is not None:
        for name, value in found.theta0.items():
            torch.testing.assert_close(value, theta0[name], atol=1e-9, rtol=1e-8, msg=name)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_agrees_with_central_differences(name):
    adaptive = not isinstance(OPTIMIZERS[name], SGD)
    found, weights = audit(training(OPTIMIZERS[name]), metric, size=1e-5 if adaptive else 1e-3)
    assert found.relative_error < (1e-4 if adaptive else 1e-7)
    assert all(float(w.abs().min()) > 0 for w in weights)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_agrees_with_one_graph_of_the_whole_training(name):
    given = training(OPTIMIZERS[name], steps=5)
    close(metagradient(train(given), metric, with_theta0=True), unrolled(given))


@pytest.mark.parametrize("store", ["ram", "pinned", "disk"])
@pytest.mark.parametrize("save", SAVES)
def test_every_schedule_and_store_gives_the_same(tmp_path, save, store):
    store = f"disk:{tmp_path}" if store == "disk" else store
    given = training(AdamW(1e-2, weight_decay=0.1), steps=9, save=save, store=store)
    close(metagradient(train(given), metric, with_theta0=True), unrolled(given))


def test_many_states_in_memory_are_those_that_were_put_there():
    given = training(AdamW(1e-2), steps=40, save="all")
    close(metagradient(train(given), metric), unrolled(given))


def test_a_run_on_disk_leaves_nothing_behind(tmp_path):
    given = training(SGD(0.1), steps=6, save="all", store=f"disk:{tmp_path}")
    run = train(given)
    assert len(list(tmp_path.rglob("*.pt"))) == 5
    metagradient(run, metric)
    assert not list(tmp_path.rglob("*.pt"))
    del run
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 7])
@pytest.mark.parametrize("with_theta0", [False, True])
def test_micro_batches_change_nothing(micro_batch, with_theta0):
    given = training(AdamW(1e-2), examples=5, micro_batch=micro_batch)
    close(metagradient(train(given), metric, with_theta0=with_theta0), unrolled(given))


def test_schedules_have_a_derivative_of_their_own():
    given = training(
        AdamW(1.0, weight_decay=1.0),
        lr=[1e-3, 2e-3, 1e-3, 5e-4],
        weight_decay=[0.0, 0.1, 0.2, 0.1],
        divisor=7.0,
    )
    found = metagradient(train(given), metric)
    close(found, unrolled(given))
    for step in range(4):
        values = []
        for sign in (1, -1):
            lr = list(given.lr)
            lr[step] += sign * 1e-7
            values.append(value_at(train(dataclasses.replace(given, lr=lr)), metric))
        assert float(found.lr[step]) == pytest.approx((values[0] - values[1]) / 2e-7, rel=1e-4)


def test_tokens_have_weights_where_losses_are_of_tokens():
    given = training(AdamW(1e-2), losses=token_losses)
    draw = torch.Generator().manual_seed(3)
    weights = [torch.rand(3, 6, generator=draw, dtype=torch.float64) for _ in given.batches]
    found = metagradient(train(given, weights), metric, with_theta0=True)
    close(found, unrolled(given, weights))
    assert found.weights[0].shape == (3, 6)


def test_a_weight_of_0_is_the_example_left_out():
    given = training(SGD(0.1), divisor=3.0)
    weights = [torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64), *[torch.ones(3)] * 3]
    left_out = [{k: v[:2] for k, v in given.batches[0].items()}, *given.batches[1:]]
    without = train(dataclasses.replace(given, batches=left_out))
    torch.testing.assert_close(train(given, weights).theta, without.theta)


def test_terms_of_a_metric_add_up():
    def terms(lm):
        yield lm.lm_head.weight.square().sum()
        yield -lm.transformer.wte.weight.sum()

    def whole(lm):
        return lm.lm_head.weight.square().sum() - lm.transformer.wte.weight.sum()

    given = training(AdamW(1e-2))
    found = metagradient(train(given), terms)
    close(found, unrolled(given, phi=whole))
    assert value_at(train(given), terms) == pytest.approx(found.value, abs=1e-12)


def test_frozen_parameters_stay_and_the_rest_is_exact():
    lm = model()
    lm.transformer.wte.requires_grad_(False)
    given = training(AdamW(1e-2), model=lm)
    run = train(given)
    assert "transformer.wte.weight" not in run.parameters
    close(metagradient(run, metric), unrolled(given))


def test_tied_embeddings_are_one_parameter():
    def phi(lm):
        return lm.transformer.wte.weight.square().sum()

    given = training(AdamW(1e-2), model=model(tie_word_embeddings=True))
    assert "lm_head.weight" not in train(given).parameters
    close(metagradient(train(given), phi, with_theta0=True), unrolled(given, phi=phi))


def test_a_tied_model_is_not_untied_in_silence():
    """As bergson does: rewards of the untied model are of another training."""

    def phi(lm):
        return lm.transformer.wte.weight[:3, :3].sin().sum() - lm.lm_head.weight.square().sum()

    tied = model(tie_word_embeddings=True)
    given = training(SGD(0.3), model=tied)
    found, weights = audit(given, phi, size=1e-3)
    assert found.relative_error < 1e-7
    theta0 = metagradient(train(given), phi, with_theta0=True).theta0
    number = tied.transformer.wte.weight.data[2]
    kept, values = float(number[1]), []
    for size in (1e-5, -1e-5):
        number[1] = kept + size
        values.append(value_at(train(given), phi))
    number[1] = kept
    difference = (values[0] - values[1]) / 2e-5
    assert float(theta0["transformer.wte.weight"][2, 1]) == pytest.approx(difference, rel=1e-6)

    untied = copy.deepcopy(tied)
    untied.lm_head.weight = torch.nn.Parameter(tied.lm_head.weight.detach().clone())
    apart = metagradient(train(dataclasses.replace(given, model=untied)), phi)
    one, other = torch.cat(weights), torch.cat(apart.weights)
    assert float(torch.cosine_similarity(one, other, dim=0)) < 0.9


@pytest.mark.parametrize("batch", ["tensor", "tuple"])
def test_batches_may_be_tensors_or_tuples(batch):
    def losses(lm, given):
        x = given if isinstance(given, torch.Tensor) else given[0]
        return SequenceLosses()(lm, {"input_ids": x[:, :-1], "labels": x[:, 1:]})

    tokens = [torch.randint(12, (3, 7)) for _ in range(3)]
    rows = tokens if batch == "tensor" else [(x,) for x in tokens]
    given = training(SGD(0.1), batches=rows, losses=losses, micro_batch=2)
    close(metagradient(train(given), metric), unrolled(given))


def test_dropout_is_drawn_again_as_it_was():
    lm = model(resid_pdrop=0.2).train()
    given = training(AdamW(1e-3, eps_root=1e-6), model=lm, seed=5, save="tree", micro_batch=2)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    found, _ = audit(given, metric, size=1e-5)
    assert found.relative_error < 1e-4
    assert torch.equal(torch.random.get_rng_state(), before)
    other = train(dataclasses.replace(given, seed=6)).theta
    assert not torch.equal(train(given).theta, other)


def test_the_model_is_left_as_it_was():
    given = training(AdamW(1e-2))
    before = {n: p.clone() for n, p in given.model.named_parameters()}
    run = train(given)
    metagradient(run, metric)
    for name, p in given.model.named_parameters():
        assert torch.equal(p, before[name])
        assert p.grad is None
    run.load_into(given.model)
    assert all(torch.equal(p, run.parameters[n]) for n, p in given.model.named_parameters())


def test_a_run_is_walked_back_once():
    run = train(training(SGD(0.1)))
    metagradient(run, metric)
    with pytest.raises(UserError, match="used up"):
        metagradient(run, metric)


@pytest.mark.parametrize("save", ["all", "budget:1"])
def test_a_number_that_is_not_finite_stops_with_step_and_parameter(save):
    given = training(SGD(0.1), steps=6, save=save)
    weights = [torch.ones(3)] * 6
    weights[4] = torch.tensor([1.0, float("nan"), 1.0])
    with pytest.raises(UserError, match=r"gradient of 'transformer\.wte\.weight'.*step 4 of 6"):
        train(given, weights)


def test_one_step_needs_no_second_derivative():
    given = training(AdamW(1e-2), steps=1)
    close(metagradient(train(given), metric), unrolled(given))


@pytest.mark.parametrize(
    ("phi", "message"),
    [
        (lambda lm: lm.lm_head.weight, "return a scalar"),
        (lambda lm: lm.lm_head.weight.sum() / 0, "is inf|is -inf"),
    ],
)
def test_metrics_that_are_no_finite_scalar_are_refused(phi, message):
    with pytest.raises(UserError, match=message):
        metagradient(train(training(SGD(0.1))), phi)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batches": []}, "no batches"),
        ({"lr": [0.1]}, "lr has 1 values"),
        ({"weight_decay": [0.1] * 4}, "switches decay off"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"divisor": 0.0}, "divisor is 0"),
        ({"save": "some"}, "save is 'some'"),
        ({"save": "every:x"}, "save is 'every:x'"),
        ({"save": "tree:1"}, "save is 'tree:1'"),
    ],
)
def test_mistakes_are_refused_before_the_first_step(changes, message):
    with pytest.raises(UserError, match=message):
        training(SGD(0.1), **changes)


@pytest.mark.parametrize(
    ("changes", "weights", "message"),
    [
        ({"store": "tape"}, None, "store is 'tape'"),
        ({}, [torch.ones(3)], "weights for 1 steps"),
        ({}, [torch.ones(2)] * 4, r"shape \(2,\)"),
        ({"losses": lambda lm, b: SequenceLosses()(lm, b).mean()}, None, r"shape \(\)"),
        ({"losses": lambda lm, b: SequenceLosses()(lm, b).float()}, None, "torch.float32"),
    ],
)
def test_what_does_not_fit_is_refused_at_the_first_step(changes, weights, message):
    with pytest.raises(UserError, match=message):
        train(training(SGD(0.1), **changes), weights)
