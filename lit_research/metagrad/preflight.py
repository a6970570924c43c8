"""Try one step on a few examples before training: would its metagradient be right?

The backward walk recomputes each step and differentiates it twice. Whether that works depends not
on types of modules but on what the user's code does, so it is tried: the first step's gradient is
computed twice, differentiated twice, and compared. Refused, by name, are random numbers without a
seed, buffers and other state that a step changes, functions without a second derivative, functions
that compute their gradient in forward (whose second derivative is silently wrong), losses that do
not depend on the parameters, and losses that change with the micro-batches.

It costs about four steps of at most ``MAX_EXAMPLES`` examples; twelve more gradients of them if a
custom autograd Function is found, and six forward passes if there are micro-batches.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.metagrad.custom_functions import check_second_derivative, find_custom_functions
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.micro_batches import MicroBatch, rows_of, size_of
from lit_research.metagrad.randomness import find_random_module, generator_states
from lit_research.metagrad.steps import Steps
from lit_research.metagrad.training import Preflight, Training

MAX_EXAMPLES = 4
# Relative to the norm: above the rounding of atomic additions.
SAME_GRADIENT = {torch.float32: 1e-5, torch.float64: 1e-7}
SAME_LOSS = 1e-3  # of the largest loss: above the rounding of other shapes, including TF32
T = TypeVar("T")


def preflight(training: Training) -> Preflight:
    """Try a training's first step on a few examples; a ``Training`` that passed is not tried again.

    Args:
        training: its model is not changed.

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
    result = Preflight(
        time.perf_counter() - start, _first_examples(steps).size, random, names, checked, compared
    )
    training._passed.append(result)
    return result


def _first_examples(steps: Steps) -> MicroBatch:
    """Read the first examples again, as the backward walk does."""
    return next(steps.micro_batches(0)).first(MAX_EXAMPLES)


def _restore(model: nn.Module, buffers: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            if name in buffers and buffer.shape == buffers[name].shape:
                buffer.copy_(buffers[name])


def _check_replay(steps: Steps, theta: Tensor, buffers: dict[str, Tensor]) -> bool:
    """Compute the gradient twice; return whether it draws random numbers.

    Raises:
        UserError: the two gradients differ.
    """
    model, seed = steps.training.model, steps.training.seed
    states, gradients = [generator_states(steps.device)], []
    for _ in range(2):
        with explain_missing_derivative("first"):
            gradients.append(steps.micro_batch_gradient(theta, _first_examples(steps)))
        states.append(generator_states(steps.device))
    for name, buffer in model.named_buffers():
        if name in buffers and not torch.equal(buffer, buffers[name]):
            raise UserError(
                f"the buffer {name!r} changes at each step, in the model to train, so that a "
                "recomputed step would differ; call eval() on that module, or use one without such "
                "state"
            )
    if not bool(gradients[0].any()) and not bool(gradients[1].any()):
        _check_dependence(steps, theta)
    moved = states[0] != states[1] and states[1] != states[2]
    distance = _relative_distance(*gradients)
    same = distance <= SAME_GRADIENT[theta.dtype]
    if seed is None and (moved or not same):
        module = find_random_module(
            model, lambda: steps.micro_batch_losses(theta, _first_examples(steps)), steps.device
        )
        where = f"{module!r} draws" if module else "the losses or a hook draw"
        if moved:
            raise UserError(
                f"{where} random numbers, in the model to train, so that a recomputed step would "
                "draw others; call eval() on the model, or give Training a seed"
            )
    if not same:
        raise UserError(
            f"the first step is not the same when it is computed again (its gradient differs by "
            f"{distance:.1e} of its norm), in the model, losses or batches to train on; draw "
            "random numbers from torch's global generator with a seed of Training, and keep no "
            "state between calls"
        )
    return moved or (seed is not None and _draws_random_numbers(steps, theta))


def _draws_random_numbers(steps: Steps, theta: Tensor) -> bool:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = steps.training.model
        return (
            find_random_module(
                model, lambda: steps.micro_batch_losses(theta, _first_examples(steps)), steps.device
            )
            is not None
        )


def _check_dependence(steps: Steps, theta: Tensor) -> None:
    loss = steps.graph_of_losses(theta, _first_examples(steps), lambda losses: losses.requires_grad)
    if not loss:
        raise UserError(
            "the losses do not depend on the trained parameters, in Training; compute them with "
            "the model passed to losses(model, batch), and without no_grad"
        )


def _relative_distance(left: Tensor, right: Tensor) -> float:
    """Return the distance of two vectors, relative to the larger norm."""
    scale = max(float(left.norm()), float(right.norm()))
    return float((left - right).norm()) / scale if scale > 0 else 0.0


def _check_derivatives(steps: Steps, theta: Tensor) -> tuple[tuple[str, ...], bool]:
    """Differentiate twice; return the custom Functions, and whether they were confirmed."""
    micro_batch = _first_examples(steps)
    names = steps.graph_of_losses(theta, micro_batch, find_custom_functions)
    with explain_missing_derivative("second", names):
        steps.micro_batch_product(theta, micro_batch, lambda gradient: gradient)
    checked = check_second_derivative(steps, theta, micro_batch, names) if names else True
    return names, checked


@contextlib.contextmanager
def explain_missing_derivative(order: str, functions: tuple[str, ...] = ()) -> Iterator[None]:
    """Raise an error that names the functions of a step if a derivative of ``order`` is missing."""
    try:
        yield
    except (UserError, torch.OutOfMemoryError):
        raise
    except RuntimeError as error:  # NotImplementedError is one
        message = " ".join(str(error).split("\n", 1)[0].split())
        if "use_reentrant" in str(error):
            raise UserError(
                "activation checkpointing with use_reentrant=True cannot be differentiated, in the "
                "model to train; give use_reentrant=False"
            ) from error
        if not _is_about_derivatives(message):
            raise
        function_list = (
            f" (custom autograd Functions of the step: {', '.join(functions)})" if functions else ""
        )
        raise UserError(
            f"the training step has no {order} derivative ({message}){function_list}; use a layer "
            "or loss written in differentiable torch operations, without fused kernels"
        ) from error


def _is_about_derivatives(message: str) -> bool:
    words = ("derivative", "differentiate", "double back", "does not require grad", "saved tensor")
    return any(word in message.lower() for word in words)


def _check_micro_batches(steps: Steps, theta: Tensor) -> bool:
    """Compare the losses of a few examples in one batch and one by one; tell if that was possible.

    Raises:
        UserError: they differ.
    """
    training = steps.training
    if training.micro_batch is None:
        return False
    total = len(training.batches)
    for step in sorted({0, total // 2, total - 1}):
        batch = training.batches[step]
        rows = min(size_of(batch, step), max(2, min(MAX_EXAMPLES, training.micro_batch)))
        if size_of(batch, step) <= training.micro_batch or rows < 2:
            continue
        whole = MicroBatch(rows_of(batch, slice(0, rows)), None, 1.0, rows, (step, 0))
        alone = [
            MicroBatch(rows_of(batch, slice(i, i + 1)), None, 1.0, 1, (step, 0))
            for i in range(rows)
        ]
        with _eval_mode(training.model):
            together = steps.micro_batch_losses(theta, whole)
            if training.seed is not None and not _losses_are_deterministic(steps, theta, whole):
                return False
            separately = torch.cat(
                [steps.micro_batch_losses(theta, micro_batch) for micro_batch in alone]
            )
        differs = float((together - separately).abs().max())
        if differs > SAME_LOSS * float(together.abs().max()):
            raise UserError(
                f"the losses of the first examples of batch {step} differ by {differs:.2g} when "
                f"each is computed alone, and micro_batch is {training.micro_batch}, in Training; "
                "an example's loss must not depend on the others of its batch: return sums and "
                "give divisor, or micro_batch None"
            )
    return True


def _losses_are_deterministic(steps: Steps, theta: Tensor, micro_batch: MicroBatch) -> bool:
    """Return whether losses are the same with another index, and so other random numbers."""
    other = MicroBatch(micro_batch.batch, None, 1.0, micro_batch.size, (micro_batch.index[0], 1))
    one, two = (steps.micro_batch_losses(theta, p) for p in (micro_batch, other))
    return bool(torch.equal(one, two))


@contextlib.contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    """Put all modules into eval mode within the block: other shapes would draw other dropout."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode
