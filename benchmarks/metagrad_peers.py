"""Peers of the metagradient, called in process: torchopt and bergson.

- ``torchopt``: its functional AdamW unrolled in one graph, as its users do.
- ``bergson, all`` and ``sqrt``: ``Trainer.train`` and ``Trainer.backward`` of ``bergson.magic``,
  which write states to files (here of a folder in memory, where there is one: these are not in
  its MiB) and keep what they compute again in memory.
- ``bergson, all in memory``: ``Trainer.step``, and ``torch.autograd.grad`` through it, over states
  that this file keeps: what bergson would do without files. Its own code has no such loop.

bergson's loss shifts labels itself, so that it also computes the logits of a last position.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.metagrad_problem import (
    BATCH,
    BETAS,
    EPS,
    EPS_ROOT,
    LR,
    build,
    metric,
    metric_of,
    tokens,
)
from lit_research.metagrad import Training
from lit_research.metagrad.layout import Call


def with_torchopt(training: Training) -> Tensor:
    """Return the derivatives by torchopt's functional AdamW, unrolled."""
    torchopt = importlib.import_module("torchopt")
    call = Call(training.model)
    theta = {n: p.detach().requires_grad_() for n, p in training.model.named_parameters()}
    optimizer = torchopt.FuncOptimizer(_torchopt_adamw())
    weights = torch.ones(len(training.batches), BATCH, requires_grad=True)
    for step, batch in enumerate(training.batches):
        losses = call.at(list(theta), list(theta.values()), training.losses, batch)
        theta = optimizer.step((weights[step] * losses).mean(), theta)
    phi = call.at(list(theta), list(theta.values()), metric)
    return torch.autograd.grad(phi, weights)[0]


def _torchopt_adamw() -> Any:
    adamw = importlib.import_module("torchopt").adamw
    return adamw(LR, betas=BETAS, eps=EPS, eps_root=EPS_ROOT, weight_decay=0.0)


class Bergson:
    """bergson's trainer of the same model, its data and where it begins.

    Args:
        training: its batches are counted.
    """

    def __init__(self, training: Training) -> None:
        self.trainer = importlib.import_module("bergson.magic.trainer")
        stream = importlib.import_module("bergson.magic.data_stream")
        datasets = importlib.import_module("datasets")
        self.steps = len(training.batches)
        rows = tokens(self.steps).flatten(0, 1).tolist()
        self.data = stream.DataStream(datasets.Dataset.from_dict({"input_ids": rows}), BATCH)
        own = build()
        own.loss_function = importlib.import_module("bergson.utils.math").weighted_causal_lm_ce
        own.config.use_cache = False
        self.engine, self.state = self.trainer.Trainer.initialize(own, _torchopt_adamw())

    def at_end(self, state: Any) -> Any:
        """Return the adjoint of theta_T and the optimiser's state, in bergson's form."""
        head = state.params["lm_head.weight"].detach().requires_grad_()
        grads = {n: torch.zeros_like(p) for n, p in state.params.items()}
        [grads["lm_head.weight"]] = torch.autograd.grad(metric_of(head), head)
        others = state.differentiable_tensors()[len(grads) :]
        zeros = [torch.zeros_like(x) for x in others]
        return self.trainer.BackwardState(grads, zeros, torch.zeros_like(self.data.weights))

    def derivatives(self, found: Any) -> Tensor:
        """Return the weights' adjoints ``[T, B]``."""
        weights: Tensor = found.weight_grads
        return weights.detach().view(self.steps, BATCH)


def with_bergson(save: str, training: Training) -> Tensor:
    """Return the derivatives by bergson's trainer, with its own batches and files."""
    peer = Bergson(training)
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        contextlib.redirect_stderr(io.StringIO()),  # its progress bars
    ):
        state = peer.engine.train(
            peer.state, peer.data, save_dir=folder, save_mode=save, inplace=True
        )
        state.detach_()
        state.requires_grad = True
        start = peer.at_end(state)
        found = peer.engine.backward(folder, peer.data, start, state, inplace=True, save_mode=save)
    return peer.derivatives(found)


def with_bergson_in_memory(training: Training) -> Tensor:
    """Return the derivatives by bergson's step, over states kept here."""
    peer, kept = Bergson(training), []
    state = peer.state.detach_()
    for step in range(peer.steps):
        kept.append(state)
        state = peer.engine.step(state, peer.data[step]).detach_()
    lam = peer.at_end(state)
    peer.data.requires_grad = True
    for step in reversed(range(peer.steps)):
        state = kept.pop()
        state.requires_grad = True
        after = peer.engine.step(state, peer.data[step], trace=True)
        *found, weights = torch.autograd.grad(
            after.differentiable_tensors(),
            [*state.differentiable_tensors(), peer.data.weights],
            [*lam.param_grads.values(), *lam.opt_grads],
            allow_unused=True,
            materialize_grads=True,
        )
        number = len(lam.param_grads)
        lam = peer.trainer.BackwardState(
            dict(zip(lam.param_grads, found[:number], strict=True)),
            found[number:],
            lam.weight_grads + weights,
        )
    return peer.derivatives(lam)
