"""Optimisers as pure functions of vectors, through which derivatives go.

Each has ``init(theta) -> state`` and ``update(theta, gradient, state, ...) -> (theta, state)``; a
state is a tuple of vectors ``[P]``. With equal settings they take the steps of ``torch.optim``;
``eps_root``, under Adam's root, is what its derivative needs where a gradient is 0 (there the
derivative of a square root is infinite).

Legend: P numbers in all trained parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.metagrad.layout import Layout
from lit_research.ranges import NOT_NEGATIVE, Range, check_range

State = tuple[Tensor, ...]
Mask = Literal["all", "matrices"]

_DECAY = Range(at_least=0, below=1)  # of a moving average


class Optimizer(ABC):
    """What ``train`` asks of an optimiser; subclass it for one of your own.

    Attributes:
        lr: learning rate, where ``Training`` gives none a step.
        weight_decay: decoupled, where ``Training`` gives none a step.
    """

    lr: float
    weight_decay: float

    @abstractmethod
    def init(self, theta: Tensor) -> State:
        """Return the state before the first step."""

    @abstractmethod
    def update(
        self,
        theta: Tensor,
        gradient: Tensor,
        state: State,
        *,
        step: int,
        lr: Tensor,
        weight_decay: Tensor,
        layout: Layout,
    ) -> tuple[Tensor, State]:
        """Return parameters and state after step number ``step``, the first being 0."""


def clip(gradient: Tensor, max_norm: float | None) -> Tensor:
    """Scale a gradient ``[P]`` down to ``max_norm``, as ``clip_grad_norm_`` does.

    The derivative of a norm at 0 is undefined; here a gradient of 0 is left as it is.
    """
    if max_norm is None:
        return gradient
    square = gradient.square().sum()
    norm = torch.where(square > 0, square, 1.0).sqrt()
    return gradient * (max_norm / (norm + 1e-6)).clamp(max=1.0)


def _decayed(theta: Tensor, lr: Tensor, decay: Tensor, mask: Mask, layout: Layout) -> Tensor:
    """Shrink the parameters that ``mask`` names, by ``lr * decay``."""
    if mask == "all":
        return theta * (1 - lr * decay)
    parts = [p * (1 - lr * decay) if p.dim() > 1 else p for p in layout.parts(theta)]
    return layout.flatten(parts)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    Args:
        lr: learning rate.
        momentum: of the sum of gradients; 0 keeps no state.
        weight_decay: decoupled, times ``lr`` (``torch.optim.SGD`` adds it to the gradient, which is
            the same without momentum).
        decay_mask: ``all``, or ``matrices`` only.
        max_norm: gradients are clipped to this norm; None does not clip.

    Raises:
        UserError: a value is out of its range.
    """

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    decay_mask: Mask = "all"
    max_norm: float | None = None

    def __post_init__(self) -> None:
        check_range(NOT_NEGATIVE, "in SGD", lr=self.lr, weight_decay=self.weight_decay)
        check_range(_DECAY, "in SGD", momentum=self.momentum)

    def init(self, theta: Tensor) -> State:
        """Return the momentum, 0."""
        return (torch.zeros_like(theta),) if self.momentum else ()

    def update(
        self,
        theta: Tensor,
        gradient: Tensor,
        state: State,
        *,
        step: int,
        lr: Tensor,
        weight_decay: Tensor,
        layout: Layout,
    ) -> tuple[Tensor, State]:
        """Take one step."""
        move = clip(gradient, self.max_norm)
        if self.momentum:
            move = self.momentum * state[0] + move
            state = (move,)
        if self.weight_decay:
            theta = _decayed(theta, lr, weight_decay, self.decay_mask, layout)
        return theta - lr * move, state


@dataclass(frozen=True)
class AdamW(Optimizer):
    """AdamW with a constant under its root.

    ``theta' = theta (1 - lr decay) - lr m_hat / (sqrt(v_hat + eps_root) + eps)``. Where gradients
    are much larger than ``sqrt(eps_root)``, steps have the size of ``lr``; smaller ones move in
    proportion.

    Args:
        lr: learning rate.
        betas: decay of the two moments.
        eps: beside the root.
        eps_root: under the root; Dataset Policy Gradient's is 1e-9.
        weight_decay: decoupled.
        decay_mask: ``all``, or ``matrices`` only.
        max_norm: gradients are clipped to this norm; None does not clip.

    Raises:
        UserError: a value is out of its range.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    eps_root: float = 1e-9
    weight_decay: float = 0.0
    decay_mask: Mask = "all"
    max_norm: float | None = None

    def __post_init__(self) -> None:
        check_range(
            NOT_NEGATIVE, "in AdamW", lr=self.lr, eps=self.eps, weight_decay=self.weight_decay
        )
        check_range(_DECAY, "in AdamW", **{"betas[0]": self.betas[0], "betas[1]": self.betas[1]})
        if not self.eps_root > 0:
            raise UserError(
                f"eps_root is {self.eps_root}, in AdamW: give a number above 0, such as 1e-9; "
                "the derivative of the root is infinite where a gradient is 0"
            )

    def init(self, theta: Tensor) -> State:
        """Return both moments, 0."""
        return torch.zeros_like(theta), torch.zeros_like(theta)

    def update(
        self,
        theta: Tensor,
        gradient: Tensor,
        state: State,
        *,
        step: int,
        lr: Tensor,
        weight_decay: Tensor,
        layout: Layout,
    ) -> tuple[Tensor, State]:
        """Take one step."""
        gradient = clip(gradient, self.max_norm)
        move, state = self.move(gradient, state, step)
        if self.weight_decay:
            theta = _decayed(theta, lr, weight_decay, self.decay_mask, layout)
        return theta - lr * move, state

    def move(self, gradient: Tensor, state: State, step: int) -> tuple[Tensor, State]:
        """Return the direction of a step, and the moments after it."""
        beta1, beta2 = self.betas
        first = torch.lerp(state[0], gradient, 1 - beta1)
        second = torch.addcmul(state[1] * beta2, gradient, gradient, value=1 - beta2)
        root = (second / (1 - beta2 ** (step + 1)) + self.eps_root).sqrt()
        return first / ((root + self.eps) * (1 - beta1 ** (step + 1))), (first, second)


@dataclass(frozen=True)
class Muon(Optimizer):
    """Momentum made orthogonal for matrices (Jordan et al. 2024), AdamW for the rest.

    Args:
        lr: learning rate of the matrices, whose steps have a spectral norm near 1.
        adam: of everything else; its learning rate is ``lr * adam_share``, its own ``lr`` is not
            read.
        adam_share: see there.
        momentum: Nesterov's, of the matrices.
        iterations: of Newton-Schulz.
        weight_decay: decoupled, of all parameters.
        others: parameters whose name has one of these in it are AdamW's, whatever their shape.
        max_norm: gradients are clipped to this norm; None does not clip.

    Raises:
        UserError: a value is out of its range.
    """

    lr: float
    adam: AdamW = AdamW(lr=1.0)
    adam_share: float = 0.02
    momentum: float = 0.95
    iterations: int = 5
    weight_decay: float = 0.0
    others: tuple[str, ...] = ("embed", "wte", "wpe", "head")
    max_norm: float | None = None

    def __post_init__(self) -> None:
        check_range(
            NOT_NEGATIVE,
            "in Muon",
            lr=self.lr,
            weight_decay=self.weight_decay,
            share=self.adam_share,
        )
        check_range(_DECAY, "in Muon", momentum=self.momentum)

    def init(self, theta: Tensor) -> State:
        """Return the first moment or momentum, and the second moment, 0."""
        return torch.zeros_like(theta), torch.zeros_like(theta)

    def update(
        self,
        theta: Tensor,
        gradient: Tensor,
        state: State,
        *,
        step: int,
        lr: Tensor,
        weight_decay: Tensor,
        layout: Layout,
    ) -> tuple[Tensor, State]:
        """Take one step."""
        gradient = clip(gradient, self.max_norm)
        if self.weight_decay:
            theta = theta * (1 - lr * weight_decay)
        moves, firsts, seconds = [], [], []
        pieces = (layout.parts(x) for x in (gradient, *state))
        for name, g, first, second in zip(layout.names, *pieces, strict=True):
            if g.dim() == 2 and not any(word in name for word in self.others):
                first = self.momentum * first + g
                move = _orthogonal(g + self.momentum * first, self.iterations)
                move = move * max(1.0, g.shape[0] / g.shape[1]) ** 0.5
            else:
                move, (first, second) = self.adam.move(g, (first, second), step)
                move = move * self.adam_share
            moves.append(move)
            firsts.append(first)
            seconds.append(second)
        first, second = layout.flatten(firsts), layout.flatten(seconds)
        return theta - lr * layout.flatten(moves), (first, second)


def _orthogonal(x: Tensor, iterations: int) -> Tensor:
    """Bring the singular values of a matrix near 1, by Newton-Schulz of degree 5."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = x.shape[0] > x.shape[1]
    x = x.mT if tall else x
    square = x.square().sum()
    x = x / (torch.where(square > 0, square, 1.0).sqrt() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x
