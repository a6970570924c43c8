"""A small language model with attention, in float64, and the same metagradient in one graph."""

import torch
from torch.func import functional_call
from transformers import GPT2Config

from lit_research.lm import build_lm
from lit_research.metagrad import Layout, SequenceLosses, Training, token_losses

VOCABULARY, LENGTH = 12, 6


def model(**changes):
    torch.manual_seed(0)
    fields = {
        "vocab_size": VOCABULARY,
        "n_positions": LENGTH,
        "n_embd": 8,
        "n_layer": 1,
        "n_head": 2,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        **changes,
    }
    return build_lm(GPT2Config(**fields), attention="math").double()


def batches(steps=4, examples=3):
    draw = torch.Generator().manual_seed(1)
    found = []
    for _ in range(steps):
        tokens = torch.randint(VOCABULARY, (examples, LENGTH + 1), generator=draw)
        found.append({"input_ids": tokens[:, :-1], "labels": tokens[:, 1:]})
    return found


def training(optimizer, steps=4, examples=3, **changes):
    fields = {"model": model(), "losses": SequenceLosses(), "batches": batches(steps, examples)}
    return Training(optimizer=optimizer, **{**fields, **changes})


def metric(lm):
    """A smooth function of all parameters, the head among them."""
    head, hidden = lm.lm_head.weight, lm.transformer.h[0].mlp.c_fc.weight
    return head[:3, :3].sin().sum() - head.square().sum() + hidden.cos().sum()


def unrolled(given, weights=None, phi=metric):
    """The whole training in one graph: Phi, and its derivatives by w, theta_0, lr and decay."""
    layout = Layout.of(given.model)
    theta0 = theta = layout.read(given.model).requires_grad_()
    state, total = given.optimizer.init(theta), len(given.batches)
    if weights is None:
        weights = []
        for batch in given.batches:
            shape = given.losses(given.model, batch).shape
            weights.append(torch.ones(shape, dtype=theta.dtype))
    weights = [w.detach().requires_grad_() for w in weights]
    schedules = []
    for name in ("lr", "weight_decay"):
        values = getattr(given, name) or [getattr(given.optimizer, name)] * total
        schedules.append(torch.tensor(values, dtype=theta.dtype, requires_grad=True))

    class At(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = given.model

        def forward(self, function, *inputs):
            return function(self.model, *inputs)

    def at(theta, *inputs):
        named = {f"model.{n}": p for n, p in layout.named(theta).items()}
        return functional_call(At(), named, inputs)

    for step, batch in enumerate(given.batches):
        losses = at(theta, given.losses, batch)
        loss = (weights[step] * losses).sum() / (given.divisor or len(losses))
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
        theta, state = given.optimizer.update(
            theta,
            gradient,
            state,
            step=step,
            lr=schedules[0][step],
            weight_decay=schedules[1][step],
            layout=layout,
        )
    value = at(theta, phi)
    wanted = [*weights, theta0, *schedules]
    found = torch.autograd.grad(value, wanted, allow_unused=True, materialize_grads=True)
    return float(value.detach()), found[:total], layout.named(found[total]), found[-2], found[-1]


__all__ = ["batches", "metric", "model", "token_losses", "training", "unrolled"]
