"""Random numbers of a step: determined by a seed, or detected.

What draws them does not matter: an ``nn.Dropout``, the dropout argument of an attention or an LSTM,
a hook that adds noise, a loss that samples. Covered are the global generators of torch (CPU and the
model's GPU), NumPy and Python.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn


@contextlib.contextmanager
def fixed_random(seed: int | None, index: tuple[int, int], device: torch.device) -> Iterator[None]:
    """Seed all generators from (seed, index) within the block, and restore them after it.

    Args:
        seed: None leaves the generators alone.
        index: (step, micro-batch): a recomputed step draws the same numbers.
        device: of the model.
    """
    if seed is None:
        yield
        return
    devices = [device] if device.type == "cuda" else []
    python, arrays = random.getstate(), np.random.get_state()
    number = hash((seed, *index)) % 2**63
    with torch.random.fork_rng(devices):
        try:
            torch.manual_seed(number)
            random.seed(number)
            np.random.seed(number % 2**32)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)


def generator_states(device: torch.device) -> tuple[bytes, ...]:
    """Return the states of the global generators, for comparison."""
    states = [torch.get_rng_state().numpy().tobytes()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device).numpy().tobytes())
    arrays: Any = np.random.get_state(legacy=False)
    states.append(arrays["state"]["key"].tobytes() + str(arrays["state"]["pos"]).encode())
    return *states, str(random.getstate()).encode()


def find_random_module(
    model: nn.Module, work: Callable[[], Any], device: torch.device
) -> str | None:
    """Return the innermost module that draws random numbers during ``work``, by name, or None."""
    before: list[tuple[bytes, ...]] = []
    names: list[str] = []

    def enter(module: nn.Module, inputs: Any) -> None:
        before.append(generator_states(device))

    def leave(name: str) -> Callable[..., None]:
        def compare(*_: Any) -> None:
            if before.pop() != generator_states(device) and not names:
                names.append(name)

        return compare

    handles = []
    for name, module in model.named_modules():
        # First in and last out, so that a module's other hooks count as its own.
        handles.append(module.register_forward_pre_hook(enter, prepend=True))
        handles.append(module.register_forward_hook(leave(name)))
    try:
        work()
    finally:
        for handle in handles:
            handle.remove()
    return names[0] if names else None
