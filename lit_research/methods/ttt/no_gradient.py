"""Run a method without the outer graph, where it takes gradients of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import torch

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


def without_outer_gradient(
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Run without a graph, but not in inference mode, which forbids the inner gradients too."""

    @functools.wraps(method)
    def run(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        with torch.inference_mode(False), torch.no_grad():
            return method(self, *args, **kwargs)

    return run
