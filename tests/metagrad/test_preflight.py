"""What a user's model and losses do: made right, or refused by name before the first step."""

import random

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.metagrad import (
    AdamW,
    SequenceLosses,
    Training,
    audit,
    metagradient,
    preflight,
    train,
    value_at,
)
from tests.metagrad import problem

STEPS, B, T, D, V = 3, 4, 5, 8, 5
ADAM = AdamW(1e-2, eps_root=1e-6)


class Net(nn.Module):
    """Two layers and a head, with what a test puts between them."""

    def __init__(self, middle=None, *, use_reentrant=None):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, V)
        self.middle, self.use_reentrant = middle, use_reentrant

    def body(self, x):
        return torch.tanh(self.second(torch.tanh(self.first(x))))

    def forward(self, x):
        if self.use_reentrant is None:
            x = self.body(x)
        else:
            x = checkpoint(self.body, x.requires_grad_(), use_reentrant=self.use_reentrant)
        return self.head(x if self.middle is None else self.middle(x))


class Attention(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.inner = nn.MultiheadAttention(D, 2, dropout=dropout, batch_first=True)

    def forward(self, x):
        return x + self.inner(x, x, x, need_weights=False)[0]


class Recurrent(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.inner = nn.LSTM(D, D, 2, dropout=dropout, batch_first=True)

    def forward(self, x):
        return self.inner(x)[0]


class Noise(nn.Module):
    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def forward(self, x):
        return x + 0.5 * self.draw(x)


class OwnAttention(nn.Module):
    def forward(self, x):
        return F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None])[:, 0]


def encoder(dropout=0.0):
    return nn.TransformerEncoderLayer(D, 2, 16, dropout, "gelu", batch_first=True)


def net(middle=None, **changes):
    torch.manual_seed(0)
    return Net(middle() if middle else None, **changes).double().train()


def token_ce(model, batch):
    logits = model(batch[0])
    return F.cross_entropy(logits.flatten(0, 1), batch[1].flatten(), reduction="none").view(
        batch[1].shape
    )


def losses(model, batch):
    return token_ce(model, batch).mean(1)


def batches():
    draw = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(B, T, D, generator=draw, dtype=torch.float64),
            torch.randint(V, (B, T), generator=draw),
        )
        for _ in range(STEPS)
    ]


def given(model, **changes):
    fields = {"batches": batches(), "losses": losses, "optimizer": ADAM, **changes}
    return Training(model, **fields)


def phi(model):
    return model.head.weight.sin().sum() + model.first.weight.cos().sum()


def tau(training, metric=phi, **options):
    return torch.cat(
        [w.flatten() for w in metagradient(train(training), metric, **options).weights]
    )


@pytest.mark.parametrize("micro_batch", [None, 2])
@pytest.mark.parametrize("save", ["all", "sqrt"])
def test_activation_checkpointing_changes_nothing(save, micro_batch):
    options = {"save": save, "micro_batch": micro_batch}
    plain, saving = (given(net(use_reentrant=r), **options) for r in (None, False))
    torch.testing.assert_close(tau(saving), tau(plain), atol=1e-12, rtol=1e-10)
    assert audit(saving, phi, size=1e-5)[0].relative_error < 1e-8


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing_enable.*:FutureWarning")
def test_a_checkpointed_language_model_in_train_mode_is_the_plain_one():
    def phi(lm):
        return SequenceLosses()(lm, problem.batches(1)[0]).sum()

    plain, saving = problem.model().train(), problem.model().train()
    saving.gradient_checkpointing_enable({"use_reentrant": False})
    runs = [metagradient(train(problem.training(ADAM, model=m)), phi) for m in (plain, saving)]
    assert runs[0].value == pytest.approx(runs[1].value, abs=1e-12)
    for one, other in zip(runs[0].weights, runs[1].weights, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("middle", [Attention, Recurrent, encoder, OwnAttention])
def test_layers_with_fused_kernels_are_exact(middle):
    assert audit(given(net(middle)), phi, size=1e-5)[0].relative_error < 1e-8


RANDOM = {
    "attention": lambda: Attention(0.2),
    "lstm": lambda: Recurrent(0.2),
    "encoder": lambda: encoder(0.2),
    "dropout": lambda: nn.Dropout(0.2),
    "noise": lambda: Noise(torch.randn_like),
    "rare": lambda: Noise(lambda x: (random.random() < 0.01) * x),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_steps_need_a_seed(name):
    with pytest.raises(UserError, match=r"'middle.*draws random numbers.*give Training a seed"):
        train(given(net(RANDOM[name])))


@pytest.mark.parametrize("name", RANDOM)
def test_with_a_seed_every_schedule_gives_the_same_bits(name):
    model = net(RANDOM[name])
    found = [tau(given(model, seed=3, save=save)) for save in ("all", "sqrt", "sqrt")]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[1], found[2])


def test_attention_dropout_of_a_llama_is_drawn_again_in_steps_and_metric():
    fields = {"vocab_size": 12, "hidden_size": 8, "intermediate_size": 16}
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 8}
    torch.manual_seed(0)
    dropout = {"model_type": "llama", "attention_dropout": 0.2, **fields, **sizes}
    lm = build_lm(dropout, attention="math").train()

    def phi(lm):
        return SequenceLosses()(lm, problem.batches(1)[0]).sum()

    def make(**changes):
        return problem.training(AdamW(1e-2, eps_root=1e-6), model=lm, **changes)

    with pytest.raises(UserError, match="self_attn' draws random numbers"):
        train(make())
    found = [metagradient(train(make(seed=1, save=save)), phi) for save in ("all", "sqrt")]
    assert found[0].value == found[1].value == pytest.approx(value_at(train(make(seed=1)), phi))
    assert all(map(torch.equal, *(f.weights for f in found)))


def test_a_generator_of_its_own_is_refused_even_with_a_seed():
    own = torch.Generator().manual_seed(0)
    draw = lambda: Noise(lambda x: torch.randn(x.shape, generator=own, dtype=x.dtype))  # noqa: E731
    with pytest.raises(UserError, match="not the same when it is computed again"):
        train(given(net(draw), seed=1))


@pytest.mark.parametrize(
    ("middle", "name"),
    [
        (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(D, D)), "_u"),
        (lambda: nn.utils.spectral_norm(nn.Linear(D, D)), "weight_u"),
        (lambda: nn.BatchNorm1d(T), "running_mean"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*spectral_norm.*deprecated:FutureWarning")
def test_buffers_that_a_step_changes_are_refused_and_put_back(middle, name):
    model = net(middle)
    before = {n: b.clone() for n, b in model.named_buffers()}
    with pytest.raises(UserError, match=f"buffer 'middle.*{name}' changes at each step"):
        train(given(model))
    assert all(torch.equal(b, before[n]) for n, b in model.named_buffers())
    if name != "running_mean":
        assert audit(given(model.eval()), phi, size=1e-5)[0].relative_error < 1e-8


def test_weight_norm_is_refused_as_its_second_derivative_in_torch_is_wrong():
    with pytest.raises(UserError, match="uses weight_norm"):
        train(given(net(lambda: nn.utils.parametrizations.weight_norm(nn.Linear(D, D)))))


class MadeInForward(torch.autograd.Function):
    """Cross-entropy whose gradient is made in forward, as fused kernels do."""

    @staticmethod
    def forward(ctx, hidden, weight, labels):
        with torch.enable_grad():
            h, w = hidden.detach().requires_grad_(), weight.detach().requires_grad_()
            found = F.cross_entropy((h @ w.T).flatten(0, 1), labels.flatten(), reduction="none")
            found = found.view(labels.shape).mean(1)
            ctx.gradients = torch.autograd.grad(found.sum(), (h, w))
        return found.detach()

    @staticmethod
    def backward(ctx, grad):
        of_hidden, of_weight = ctx.gradients
        return of_hidden * grad[:, None, None], of_weight * grad.mean(), None


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return grad * (1 - ctx.saved_tensors[0].tanh() ** 2)


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.tanh()

    @staticmethod
    def backward(ctx, grad):
        return grad * (1 - ctx.saved_tensors[0].tanh() ** 2)


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function.apply(x)


def fused(model, batch):
    return MadeInForward.apply(model.body(batch[0]), model.head.weight, batch[1])


@pytest.mark.parametrize("with_theta0", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_gradient_made_in_forward_is_refused_by_name(dtype, with_theta0):
    rows = [(x.to(dtype), y) for x, y in batches()]
    model = net().to(dtype)
    with pytest.raises(UserError, match="with MadeInForward in it"):
        tau(given(model, losses=fused, batches=rows), with_theta0=with_theta0)


def test_a_function_that_is_differentiable_once_is_refused_by_name():
    with pytest.raises(UserError, match="Once"):
        train(given(net(lambda: Apply(Once))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_function_with_its_second_derivative_passes(dtype):
    training = given(
        net(lambda: Apply(Twice)).to(dtype), batches=[(x.to(dtype), y) for x, y in batches()]
    )
    run = train(training)
    assert run.preflight.functions == ("Twice",)
    assert run.preflight.checked
    assert run.preflight.seconds > 0
    if dtype == torch.float64:
        torch.testing.assert_close(tau(training), tau(given(net(nn.Tanh))), atol=1e-12, rtol=1e-9)


def test_reentrant_checkpointing_is_refused():
    with pytest.raises(UserError, match="give use_reentrant=False"):
        train(given(net(use_reentrant=True)))


def test_losses_that_miss_the_parameters_are_refused():
    outside = net()
    with pytest.raises(UserError, match="do not depend on the trained parameters"):
        train(given(net(), losses=lambda _, batch: losses(outside, batch).detach()))


def test_batches_of_a_loader_are_those_of_a_list():
    data = torch.utils.data.TensorDataset(*(torch.cat(x) for x in zip(*batches(), strict=True)))
    loader = torch.utils.data.DataLoader(data, batch_size=B)
    assert torch.equal(tau(given(net(), batches=loader)), tau(given(net())))
    with pytest.raises(UserError, match="batches is a generator"):
        given(net(), batches=(batch for batch in batches()))
    with pytest.raises(UserError, match="batch 0 is a list"):
        train(given(net(), batches=[["text"]]))
    with pytest.raises(UserError, match="have 3, 4 examples"):
        train(given(net(), batches=[(x, y[:3]) for x, y in batches()]))


def mean_over_the_batch(model, batch):
    """Each example's share of the mean over the batch's tokens that are not 0."""
    counted = (batch[1] != 0).double()
    return (token_ce(model, batch) * counted).sum(1) * len(counted) / counted.sum()


@pytest.mark.parametrize("seed", [None, 1])
def test_losses_that_micro_batches_change_are_refused(seed):
    model = net(None if seed is None else lambda: nn.Dropout(0.2))
    tau(given(model, losses=mean_over_the_batch, seed=seed))  # a whole batch is right
    with pytest.raises(UserError, match="must not depend on the others of its batch"):
        train(given(model, losses=mean_over_the_batch, micro_batch=2, seed=seed))
    assert preflight(given(model, micro_batch=2, seed=seed)).micro_batches


def test_a_preflight_is_made_once_and_can_be_declined():
    calls = []

    def counted(model, batch):
        calls.append(len(batch[0]))
        return losses(model, batch)

    training = given(net(), losses=counted)
    assert train(training).preflight is train(training).preflight
    calls.clear()
    assert train(given(net(), losses=counted, preflight=False)).preflight is None
    assert calls == [B] * STEPS


def test_the_model_comes_out_as_it_went_in():
    model = net(lambda: nn.Sequential(nn.Dropout(0.1), nn.Linear(D, D)))
    model.middle[1].eval()
    modes = [m.training for m in model.modules()]
    state = torch.random.get_rng_state(), random.getstate()
    preflight(given(model, seed=0, micro_batch=2))
    assert modes == [m.training for m in model.modules()]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(state[0], torch.random.get_rng_state())
    assert state[1] == random.getstate()
