"""Reverse-mode differentiation of a training run: derivatives of a metric of its result with
respect to its inputs (Engstrom et al. 2025, arXiv 2503.13751, section 2).

Legend: T steps, B examples of a batch, P numbers in all trained parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.metagrad.forward import Run
from lit_research.metagrad.optimizers import State
from lit_research.metagrad.saves import parse_save
from lit_research.metagrad.steps import Adjoint

Metric = Callable[[Any], Tensor | Iterable[Tensor]]


@dataclass(frozen=True)
class Metagradient:
    """Derivatives of a metric of the trained model.

    Args:
        value: the metric Phi, at theta_T.
        weights: dPhi/dw of each step's examples or tokens, T tensors ``[B]`` or ``[B, ...]``.
        lr: dPhi/d of each step's learning rate, ``[T]``.
        weight_decay: dPhi/d of each step's weight decay, ``[T]``; 0 where the optimiser's is 0,
            which switches decay off.
        theta0: dPhi/dtheta_0 by name; None unless requested.
    """

    value: float
    weights: list[Tensor]
    lr: Tensor
    weight_decay: Tensor
    theta0: dict[str, Tensor] | None = None


def metagradient(
    run: Run,
    metric: Metric,
    *,
    with_theta0: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Metagradient:
    """Walk a run backwards.

    Args:
        run: what ``train`` returned. Its kept states are consumed: a run can be walked back once.
        metric: ``metric(model)`` with theta_T in the model returns Phi, a scalar; or yields terms
            whose sum is Phi, and whose graphs are held one at a time.
        with_theta0: also return the derivative with respect to theta_0, which costs a Hessian
            product at step 0.
        progress: called with the index of the step to be reversed.

    Raises:
        UserError: the run was walked back before, or the metric is not a finite scalar.
    """
    if run.before_last is None:
        raise UserError(
            "the kept states of this run were used up by another metagradient; train again, or "
            "give one metric that yields several terms"
        )
    value, d_theta = evaluate(run, metric)
    lam = Adjoint(d_theta, tuple(torch.zeros_like(x) for x in run.state))
    total = len(run.training.batches)
    weights: list[Tensor] = [torch.empty(0)] * total
    lr, decay = torch.zeros_like(run.steps.lr), torch.zeros_like(run.steps.weight_decay)
    for step in range(total - 1, -1, -1):
        if progress is not None:
            progress(step)
        theta, state, gradient = _before(run, step)
        if step == 0 and not with_theta0:
            reversed_step = run.steps.backward_first(theta, state, lam, gradient)
        else:
            reversed_step = run.steps.backward(theta, state, step, lam, gradient)
        weights[step], lr[step], decay[step] = (
            reversed_step.weights,
            reversed_step.lr,
            reversed_step.weight_decay,
        )
        lam = reversed_step.before
    named = run.layout.named(lam.theta) if with_theta0 else None
    return Metagradient(value, weights, lr, decay, named)


def evaluate(run: Run, metric: Metric) -> tuple[float, Tensor]:
    """Return the metric at theta_T, and its gradient ``[P]``.

    Raises:
        UserError: it is not a finite scalar.
    """
    leaves = [parameter.detach().requires_grad_() for parameter in run.layout.split(run.theta)]
    value, gradient = 0.0, torch.zeros_like(run.theta)

    def add(term: Tensor) -> None:
        nonlocal value, gradient
        if not isinstance(term, Tensor) or term.numel() != 1:
            raise UserError(
                f"the metric returned {term!r}, in metagradient; must return a scalar, or yield "
                "scalars"
            )
        gradients = torch.autograd.grad(
            term.sum(), leaves, allow_unused=True, materialize_grads=True
        )
        value += float(term.detach())
        gradient = gradient + run.layout.flatten(gradients)

    def walk(model: Any) -> None:
        result = metric(model)
        for term in [result] if isinstance(result, Tensor) else result:
            add(term)

    with torch.enable_grad():
        run.steps.after(leaves, walk)
    if not torch.isfinite(torch.tensor(value)) or not bool(gradient.isfinite().all()):
        raise UserError(
            f"the metric is {value} after the inner run, or its gradient is not finite; must be "
            "finite and smooth at the trained parameters"
        )
    return value, gradient


def _before(run: Run, step: int) -> tuple[Tensor, State, Tensor | None]:
    """Return what was before a step, and its gradient if it was kept."""
    total = len(run.training.batches)
    if step == total - 1:
        assert run.before_last is not None
        last_state, run.before_last = run.before_last, None
        _prefetch(run)
        return run.steps.unpack(last_state)
    kept, handle = run.kept[-1]
    theta, state, gradient = run.steps.unpack(run.store.get(handle))
    if kept == step:
        run.kept.pop()
        run.store.drop(handle)
        _prefetch(run)
        return theta, state, gradient
    points = set(parse_save(run.training.save, total).points(kept, step + 1, len(run.kept)))
    for earlier in range(kept, step):
        before = (theta, state)
        theta, state, gradient_before = run.steps.forward(theta, state, earlier)
        if earlier in points:
            run.kept.append((earlier, run.store.put(run.steps.pack(*before, gradient_before))))
    _prefetch(run)
    return theta, state, None


def _prefetch(run: Run) -> None:
    if run.kept:
        run.store.fetch(run.kept[-1][1])
