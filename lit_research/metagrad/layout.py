"""A model's parameters as one flat vector, and a call of the model with other parameters.

A training step is then a function of vectors: the optimiser is a handful of operations over all
parameters at once, and a saved state is two or three tensors.

Legend: P numbers in all trained parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lit_research.errors import UserError


@dataclass(frozen=True)
class Layout:
    """Names and shapes of the parameters that are trained, in the order of the flat vector.

    Args:
        names: of the parameters with ``requires_grad``; tied ones appear once.
        shapes: of these parameters.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, model: nn.Module) -> Layout:
        """Return the layout of a model.

        Raises:
            UserError: nothing is trained, or the parameters differ in dtype or device.
        """
        trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        if not trained:
            raise UserError(
                "no parameter has requires_grad, in the model to train, so that nothing would be "
                "learned; set it for the parameters to train"
            )
        placements = {(p.dtype, p.device) for _, p in trained}
        if len(placements) > 1:
            listed = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in placements))
            raise UserError(
                f"the trained parameters are {listed}, in the model to train; must have one dtype "
                "and one device"
            )
        return cls(tuple(n for n, _ in trained), tuple(tuple(p.shape) for _, p in trained))

    @property
    def sizes(self) -> list[int]:
        """Numbers in each parameter."""
        return [prod(shape) for shape in self.shapes]

    def flatten(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return parameters, or their gradients, as one vector ``[P]``."""
        return torch.cat([tensor.reshape(-1) for tensor in tensors])

    def split(self, flat: Tensor) -> list[Tensor]:
        """Return the parameters in a vector ``[P]``, as views of it."""
        pieces = flat.split(self.sizes)
        return [p.view(shape) for p, shape in zip(pieces, self.shapes, strict=True)]

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """Return the parameters in a vector ``[P]`` by name, as views of it."""
        return dict(zip(self.names, self.split(flat), strict=True))

    def read(self, model: nn.Module) -> Tensor:
        """Return a copy of a model's trained parameters, ``[P]``."""
        parameters = dict(model.named_parameters())
        return self.flatten([parameters[name].detach() for name in self.names])

    @torch.no_grad()
    def write(self, model: nn.Module, flat: Tensor) -> None:
        """Put a vector ``[P]`` into a model."""
        parameters = dict(model.named_parameters())
        for name, value in self.named(flat).items():
            parameters[name].copy_(value)


class Call(nn.Module):
    """``function(model, *inputs)``, with parameters that are given from outside.

    Code of the model that runs again later (recomputed activations, hooks, losses evaluated
    lazily) sees the given parameters only while the function runs. So gradients are taken inside
    it.

    Args:
        model: its own parameters are not changed.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """Return what the function returns."""
        return function(self.model, *inputs)

    def at(
        self,
        names: Sequence[str],
        tensors: Sequence[Tensor],
        function: Callable[..., Any],
        *inputs: Any,
    ) -> Any:
        """Call ``function(model, *inputs)`` with these values of the parameters ``names``."""
        values = {f"model.{name}": tensor for name, tensor in zip(names, tensors, strict=True)}
        return functional_call(self, values, (function, *inputs))
