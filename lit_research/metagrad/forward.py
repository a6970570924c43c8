"""Ordinary training, run forward: its steps, and the states kept for the backward walk.

Each example (or token) has a weight w, 1 unless given:
``g_t = d/dtheta sum_i w_i L_i(theta_t) / divisor``, and the optimiser turns ``(theta_t, s_t, g_t)``
into ``(theta_t+1, s_t+1)``.

Legend: T steps, P numbers in all trained parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.metagrad.compiled import CompiledSteps
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.optimizers import State
from lit_research.metagrad.preflight import preflight
from lit_research.metagrad.saves import parse_save
from lit_research.metagrad.steps import Steps
from lit_research.metagrad.stores import Store, make_store
from lit_research.metagrad.training import Preflight, Training


@dataclass
class Run:
    """A finished training run, with what is needed to walk it backwards once.

    Args:
        training: what was trained.
        layout: of the flat vectors.
        theta: theta_T, ``[P]``.
        state: the optimiser's, s_T.
        preflight: what was tried before, and how long it took; None if it was switched off.
    """

    training: Training
    layout: Layout
    theta: Tensor
    state: State
    steps: Steps
    store: Store
    # (step, handle) of the kept states, and the one before the last step.
    kept: list[tuple[int, Any]]
    before_last: tuple[Tensor, ...] | None
    preflight: Preflight | None = None

    @property
    def length(self) -> int:
        """Number of steps, T."""
        return len(self.training.batches)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """theta_T by name."""
        return self.layout.named(self.theta)

    def load_into(self, model: nn.Module) -> None:
        """Put theta_T into a model."""
        self.layout.write(model, self.theta)


def train(
    training: Training,
    weights: Sequence[Tensor] | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Train from the model's parameters; they are not changed.

    Args:
        training: what is trained, on what and how.
        weights: w of each step's examples or tokens, in the shape of ``losses``; None means 1.
        progress: called with the index of the next step.

    Raises:
        UserError: the parameters are not finite after a step, which is named; the weights do not
            fit the batches; or the preflight found what would make the metagradient wrong.
    """
    if weights is not None and len(weights) != len(training.batches):
        raise UserError(
            f"there are weights for {len(weights)} steps, in train; must be a tensor for each of "
            f"the {len(training.batches)} steps"
        )
    layout = Layout.of(training.model)
    steps = (CompiledSteps if training.compile else Steps)(training, layout, weights)
    store = make_store(training.store)
    preflight_result = preflight(training) if training.preflight else None
    total = len(training.batches)
    theta = layout.read(training.model)
    state = training.optimizer.init(theta)
    kept_steps = {0, *parse_save(training.save, total).points(0, total, 1)}
    kept: list[tuple[int, Any]] = []
    before_last, finite = None, []
    for step in range(total):
        if progress is not None:
            progress(step)
        before = (theta, state)
        theta, state, gradient = steps.forward(theta, state, step)
        if step == total - 1:
            before_last = steps.pack(*before, gradient)
        elif step in kept_steps:
            kept.append((step, store.put(steps.pack(*before, gradient))))
        finite.append(theta.isfinite().all())
    run = Run(training, layout, theta, state, steps, store, kept, before_last, preflight_result)
    # Checked once: on a GPU each check would wait for the step.
    if not bool(torch.stack(finite).all()):
        first = next(i for i, good in enumerate(finite) if not bool(good))
        _raise_not_finite(run, first)
    return run


def _raise_not_finite(run: Run, step: int) -> None:
    """Recompute the step whose result was not finite, and raise an error that says what was not."""
    earlier_states = [(s, h) for s, h in run.kept if s <= step]
    assert run.before_last is not None
    if step == len(run.training.batches) - 1:
        start, kept = step, run.before_last
    else:
        start, handle = earlier_states[-1]
        kept = run.store.get(handle)
    theta, state, _ = run.steps.unpack(kept)
    for earlier in range(start, step):
        theta, state, _ = run.steps.forward(theta, state, earlier)
    gradient = run.steps.gradient(theta, step)
    bad = [n for n, g in run.layout.named(gradient).items() if not bool(g.isfinite().all())]
    culprit = f"the gradient of {bad[0]!r}" if bad else "the update of a finite gradient"
    raise UserError(
        f"{culprit} is not finite at step {step} of {len(run.training.batches)}, in the inner run"
        + (f" (and {len(bad) - 1} more parameters)" if len(bad) > 1 else "")
        + "; lower the learning rate, clip gradients, or inspect that batch"
    )
