"""Ordinary training, written so that it can be walked backwards.

Each example (or token) has a weight w, 1 unless given:
``g_t = d/dtheta sum_i w_i L_i(theta_t) / divisor``, and the optimiser turns ``(theta_t, s_t, g_t)``
into ``(theta_t+1, s_t+1)``. ``train`` runs the steps and keeps states; ``metagradient`` (in
``reverse.py``) walks back over them.

Legend: T steps, B examples of a batch, P numbers in all trained parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.metagrad.compiled import CompiledSteps
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.optimizers import Optimizer, State
from lit_research.metagrad.preflight import Preflight, preflight
from lit_research.metagrad.refusals import check_differentiable
from lit_research.metagrad.saves import parse_save
from lit_research.metagrad.steps import Steps
from lit_research.metagrad.stores import Store, make_store

Losses = Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class Training:
    """What is trained, on what and how.

    Args:
        model: its parameters with ``requires_grad`` are theta_0; ``train`` does not change them.
        batches: of step 0 to T - 1: a tensor, a dict or a tuple of tensors whose first dimension
            is the example. They are read by index, on the way back as well. A DataLoader is read
            into a list.
        losses: ``losses(model, batch)`` returns the loss of each example, ``[B]``, or of each
            token, ``[B, ...]``, in the dtype of the parameters.
        optimizer: ``AdamW``, ``SGD``, ``Muon``, or any other pure function of its kind.
        lr: learning rate of each step, T of them; None is the optimiser's.
        weight_decay: likewise.
        divisor: the weighted sum of a batch's losses is divided by it; None is B.
        micro_batch: examples whose graph is held at a time; None is all of a batch. It changes the
            memory that is needed and the rounding, and which dropout a seed draws; the result only
            where an example's loss depends on the others of its batch (a mean over the batch's
            tokens, in-batch negatives), which is refused: return sums and give ``divisor``.
        save: which states to keep, see ``saves.py``.
        store: where: ``ram`` (beside the model), ``pinned`` (host memory), ``disk:FOLDER``.
        seed: of all random numbers of a step (dropout of any kind, noise), which are drawn from
            (seed, step, micro-batch), and of the metric's. None refuses a step that draws some.
        compile: compile the step and its reverse as pure functions, which takes minutes, once for
            each shape of a batch. Kept states then hold the gradient too.
        preflight: ``train`` first tries the step and its derivatives on a few examples and refuses
            what would be wrong, see ``preflight.py``; once for each ``Training``. False trusts you.

    Raises:
        UserError: a value is out of its range, or the model cannot be differentiated twice.
    """

    model: nn.Module
    batches: Sequence[Any]
    losses: Losses
    optimizer: Optimizer
    lr: Sequence[float] | None = None
    weight_decay: Sequence[float] | None = None
    divisor: float | None = None
    micro_batch: int | None = None
    save: str = "sqrt"
    store: str = "ram"
    seed: int | None = None
    compile: bool = False
    preflight: bool = True
    # What passed, once it did.
    _passed: list[Preflight] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batches", _as_sequence(self.batches))
        if not len(self.batches):
            raise UserError("there are no batches, in Training: give one for each step")
        for name in ("lr", "weight_decay"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.batches):
                raise UserError(
                    f"{name} has {len(given)} values, in Training, for {len(self.batches)} steps: "
                    "give one for each"
                )
        if self.weight_decay is not None and not self.optimizer.weight_decay:
            raise UserError(
                "weight_decay has a value for each step, in Training, but the optimiser's is 0 and "
                "switches decay off: give the optimiser a weight_decay above 0"
            )
        if self.micro_batch is not None and self.micro_batch < 1:
            raise UserError(f"micro_batch is {self.micro_batch}, in Training: give 1 or more")
        if self.divisor is not None and not self.divisor > 0:
            raise UserError(f"divisor is {self.divisor}, in Training: give a number above 0")
        parse_save(self.save, len(self.batches))
        if self.compile and self.seed is not None:
            raise UserError(
                "compile and seed are both given, in Training: compiled dropout draws other numbers"
                " on the way back; call eval() on the model and give no seed, or do not compile"
            )
        check_differentiable(self.model)


def _as_sequence(batches: Any) -> Sequence[Any]:
    """Return batches that can be read by index, which a DataLoader's cannot."""
    if hasattr(batches, "__getitem__"):
        return batches
    try:
        len(batches)
        return list(batches)
    except TypeError as error:
        raise UserError(
            f"batches is a {type(batches).__name__}, in Training; must be a sequence of batches, "
            "which are read again on the way back: give list(...) of as many as there are steps"
        ) from error


@dataclass
class Run:
    """A finished training run, with what is needed to walk it backwards once.

    Args:
        training: what was trained.
        layout: of the vectors.
        theta: theta_T, ``[P]``.
        state: the optimiser's, s_T.
        preflight: what was tried before, and how long it took; None where it was switched off.
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
        training: what, on what and how.
        weights: w of each step's examples or tokens, in the shape of ``losses``; None is 1.
        progress: called with the number of the next step.

    Raises:
        UserError: the parameters are not finite after a step, which is named; the weights do not
            fit the batches; or the preflight found what would make the metagradient wrong.
    """
    if weights is not None and len(weights) != len(training.batches):
        raise UserError(
            f"there are weights for {len(weights)} steps, given to train, of "
            f"{len(training.batches)}: give a tensor for each step"
        )
    layout = Layout.of(training.model)
    steps = (CompiledSteps if training.compile else Steps)(training, layout, weights)
    store = make_store(training.store)
    passed = preflight(training) if training.preflight else None
    total = len(training.batches)
    theta = layout.read(training.model)
    state = training.optimizer.init(theta)
    points = {0, *parse_save(training.save, total).points(0, total, 1)}
    kept: list[tuple[int, Any]] = []
    before_last, finite = None, []
    for step in range(total):
        if progress is not None:
            progress(step)
        before = (theta, state)
        theta, state, gradient = steps.forward(theta, state, step)
        if step == total - 1:
            before_last = steps.pack(*before, gradient)
        elif step in points:
            kept.append((step, store.put(steps.pack(*before, gradient))))
        finite.append(theta.isfinite().all())
    run = Run(training, layout, theta, state, steps, store, kept, before_last, passed)
    # Asked once: on a GPU each question would wait for the step.
    if not bool(torch.stack(finite).all()):
        first = next(i for i, good in enumerate(finite) if not bool(good))
        _name_the_cause(run, first)
    return run


def _name_the_cause(run: Run, step: int) -> None:
    """Compute the step again whose result was not finite, and say what was not."""
    places = [(s, h) for s, h in run.kept if s <= step]
    assert run.before_last is not None
    if step == len(run.training.batches) - 1:
        start, kept = step, run.before_last
    else:
        start, handle = places[-1]
        kept = run.store.get(handle)
    theta, state, _ = run.steps.unpack(kept)
    for earlier in range(start, step):
        theta, state, _ = run.steps.forward(theta, state, earlier)
    gradient = run.steps.gradient(theta, step)
    bad = [n for n, g in run.layout.named(gradient).items() if not bool(g.isfinite().all())]
    what = f"the gradient of {bad[0]!r}" if bad else "the update of a finite gradient"
    raise UserError(
        f"{what} is not finite at step {step} of {len(run.training.batches)}, in the inner run"
        + (f" (and {len(bad) - 1} more parameters)" if len(bad) > 1 else "")
        + ": give a lower learning rate, clip, or look at that batch"
    )
