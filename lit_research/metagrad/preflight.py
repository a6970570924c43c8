"""A step tried on a few examples before training: would its metagradient be right?

Walking back computes each step again and differentiates it twice. What breaks that is not a type of
module but what the user's code does, so it is tried: the first step's gradient is computed twice,
differentiated twice, and compared. Refused are, with their name: random numbers without a seed,
buffers and other state that a step changes, functions without a second derivative, functions that
make their gradient in forward (whose second derivative is missing without an error), losses that do
not depend on the parameters, and losses that micro-batches change.

It costs about four steps of at most ``ROWS`` examples; twelve more gradients of them where a custom
autograd Function is found, and six forward passes where there are micro-batches.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.metagrad.functions import check_second_derivative, custom_functions
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.parts import Part, rows_of, size_of
from lit_research.metagrad.preflight_record import Preflight
from lit_research.metagrad.randomness import generator_states, who_draws
from lit_research.metagrad.steps import Steps
from lit_research.metagrad.training import Training

ROWS = 4  # examples
ALIKE = {torch.float32: 1e-5, torch.float64: 1e-7}  # of a norm: above the rounding of atomics
SAME_LOSS = 1e-3  # of the largest loss: above the rounding of other shapes, TF32 included
T = TypeVar("T")


def preflight(training: Training) -> Preflight:
    """Try a training's first step on a few examples; a ``Training`` that passed is not tried again.

    Args:
        training: its model is left as it was.

    Raises:
        UserError: its metagradient would be wrong or fail, with the reason and the remedy.
    """
    if training._passed:
        return training._passed[0]
    start = time.perf_counter()
    for step in (0, len(training.batches) - 1):
        size_of(training.batches[step], step)
    steps = Steps(training, Layout.of(training.model), None)
    theta = steps.layout.read(training.model)
    buffers = {name: b.clone() for name, b in training.model.named_buffers()}
    try:
        random = _check_replay(steps, theta, buffers)
        names, checked = _check_derivatives(steps, theta)
        compared = _check_micro_batches(steps, theta)
    finally:
        _restore(training.model, buffers)
    found = Preflight(
        time.perf_counter() - start, _part(steps).size, random, names, checked, compared
    )
    training._passed.append(found)
    return found


def _part(steps: Steps) -> Part:
    """Read the first examples anew, as the way back does."""
    return next(steps.micro_batches(0)).first(ROWS)


def _restore(model: nn.Module, buffers: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            if name in buffers and buffer.shape == buffers[name].shape:
                buffer.copy_(buffers[name])


def _check_replay(steps: Steps, theta: Tensor, buffers: dict[str, Tensor]) -> bool:
    """Compute the gradient twice; return whether it draws random numbers.

    Raises:
        UserError: the second is not the first.
    """
    model, seed = steps.training.model, steps.training.seed
    states, found = [generator_states(steps.device)], []
    for _ in range(2):
        with readable("first"):
            found.append(steps.part_gradient(theta, _part(steps)))
        states.append(generator_states(steps.device))
    for name, buffer in model.named_buffers():
        if name in buffers and not torch.equal(buffer, buffers[name]):
            raise UserError(
                f"the buffer {name!r} changes at each step, in the model to train: a step computed "
                "again would differ; call eval() on that module, or use one without such state"
            )
    if not bool(found[0].any()) and not bool(found[1].any()):
        _check_dependence(steps, theta)
    moved = states[0] != states[1] and states[1] != states[2]
    apart = _apart(*found)
    same = apart <= ALIKE[theta.dtype]
    if seed is None and (moved or not same):
        module = who_draws(model, lambda: steps.part_losses(theta, _part(steps)), steps.device)
        where = f"{module!r} draws" if module else "the losses or a hook draw"
        if moved:
            raise UserError(
                f"{where} random numbers, in the model to train: a step computed again would draw "
                "others; call eval() on the model, or give Training a seed"
            )
    if not same:
        raise UserError(
            f"the first step is not the same when it is computed again (its gradient differs by "
            f"{apart:.1e} of its norm), in the model, losses or batches to train on: draw random "
            "numbers from torch's own generator and give Training a seed, and keep no state "
            "between calls"
        )
    return moved or (seed is not None and _draws(steps, theta))


def _draws(steps: Steps, theta: Tensor) -> bool:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = steps.training.model
        return (
            who_draws(model, lambda: steps.part_losses(theta, _part(steps)), steps.device)
            is not None
        )


def _check_dependence(steps: Steps, theta: Tensor) -> None:
    loss = steps.graph_of_losses(theta, _part(steps), lambda losses: losses.requires_grad)
    if not loss:
        raise UserError(
            "the losses do not depend on the trained parameters, in Training: compute them with "
            "the model that losses(model, batch) is given, and without no_grad"
        )


def _apart(one: Tensor, other: Tensor) -> float:
    """Return how far two vectors are apart, of the larger norm."""
    scale = max(float(one.norm()), float(other.norm()))
    return float((one - other).norm()) / scale if scale > 0 else 0.0


def _check_derivatives(steps: Steps, theta: Tensor) -> tuple[tuple[str, ...], bool]:
    """Differentiate twice; return the custom Functions, and whether differences confirmed them."""
    part = _part(steps)
    names = steps.graph_of_losses(theta, part, custom_functions)
    with readable("second", names):
        steps.part_product(theta, part, lambda gradient: gradient)
    checked = check_second_derivative(steps, theta, part, names) if names else True
    return names, checked


@contextlib.contextmanager
def readable(order: str, functions: tuple[str, ...] = ()) -> Iterator[None]:
    """Say which function has no derivative of this order, where autograd's own error does not."""
    try:
        yield
    except (UserError, torch.OutOfMemoryError):
        raise
    except RuntimeError as error:  # NotImplementedError is one
        said = " ".join(str(error).split("\n", 1)[0].split())
        if "use_reentrant" in str(error):
            raise UserError(
                "activation checkpointing with use_reentrant=True cannot be differentiated, in the "
                "model to train; give use_reentrant=False"
            ) from error
        if not _is_about_derivatives(said):
            raise
        named = (
            f" (custom autograd Functions of the step: {', '.join(functions)})" if functions else ""
        )
        raise UserError(
            f"the training step has no {order} derivative: {said}{named}; use a layer or loss that "
            "is written in differentiable torch operations, without fused kernels"
        ) from error


def _is_about_derivatives(said: str) -> bool:
    words = ("derivative", "differentiate", "double back", "does not require grad", "saved tensor")
    return any(word in said.lower() for word in words)


def _check_micro_batches(steps: Steps, theta: Tensor) -> bool:
    """Compare losses of a few examples together with those of each alone; say whether it could.

    Raises:
        UserError: they differ.
    """
    given = steps.training
    if given.micro_batch is None:
        return False
    total = len(given.batches)
    for step in sorted({0, total // 2, total - 1}):
        batch = given.batches[step]
        rows = min(size_of(batch, step), max(2, min(ROWS, given.micro_batch)))
        if size_of(batch, step) <= given.micro_batch or rows < 2:
            continue
        whole = Part(rows_of(batch, slice(0, rows)), None, 1.0, rows, (step, 0))
        alone = [
            Part(rows_of(batch, slice(i, i + 1)), None, 1.0, 1, (step, 0)) for i in range(rows)
        ]
        with _quiet(given.model):
            together = steps.part_losses(theta, whole)
            if given.seed is not None and not _quiet_losses(steps, theta, whole):
                return False
            apart = torch.cat([steps.part_losses(theta, part) for part in alone])
        differs = float((together - apart).abs().max())
        if differs > SAME_LOSS * float(together.abs().max()):
            raise UserError(
                f"the losses of the first examples of batch {step} differ by {differs:.2g} when "
                f"each is computed alone, and micro_batch is {given.micro_batch}, in Training: an "
                "example's loss must not depend on the others of its batch; return sums and give "
                "divisor, or micro_batch None"
            )
    return True


def _quiet_losses(steps: Steps, theta: Tensor, part: Part) -> bool:
    """Return whether losses are the same under another place, and so other random numbers."""
    other = Part(part.batch, None, 1.0, part.size, (part.place[0], 1))
    one, two = (steps.part_losses(theta, p) for p in (part, other))
    return bool(torch.equal(one, two))


@contextlib.contextmanager
def _quiet(model: nn.Module) -> Iterator[None]:
    """Put all modules into eval mode within the block: other shapes would draw other dropout."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode
