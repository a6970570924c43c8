"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): two players on one frozen base model.

``y = W x + (alpha / r) B A x`` with ``A [r, in]``, ``B [out, r]`` for each role; ``B`` is
initialised to 0, so that both players start as the base model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class RoleLinear(nn.Module):
    """A frozen linear layer with a low-rank adapter for each role.

    Args:
        base: the layer; its parameters are frozen.
        roles: names of the roles.
        rank: r.
        alpha: the output of an adapter is multiplied by ``alpha / rank``.
    """

    def __init__(self, base: nn.Linear, roles: tuple[str, ...], rank: int, alpha: float) -> None:
        super().__init__()
        self.base, self.scale, self.role = base.requires_grad_(False), alpha / rank, roles[0]
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        for role in roles:
            down = base.weight.new_empty(rank, base.in_features)
            nn.init.kaiming_uniform_(down, a=math.sqrt(5))
            self.down[role] = nn.Parameter(down)
            self.up[role] = nn.Parameter(base.weight.new_zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """Return the output ``[..., out]`` for the current role."""
        low = nn.functional.linear(x, self.down[self.role])
        return self.base(x) + self.scale * nn.functional.linear(low, self.up[self.role])

    def merged(self, role: str) -> Tensor:
        """Return the weight ``[out, in]`` with the adapter of ``role`` merged into it."""
        return self.base.weight + self.scale * self.up[role] @ self.down[role]


def add_adapters(model: nn.Module, roles: tuple[str, ...], rank: int, alpha: float) -> None:
    """Freeze ``model`` and add adapters for each role to every linear layer except the head."""
    head = model.get_output_embeddings()  # type: ignore[operator]
    model.requires_grad_(False)
    for parent in list(model.modules()):
        if isinstance(parent, RoleLinear):
            continue
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child is not head:
                setattr(parent, name, RoleLinear(child, roles, rank, alpha))


def use_role(model: nn.Module, role: str) -> None:
    """Switch all adapters to ``role``."""
    for module in model.modules():
        if isinstance(module, RoleLinear):
            module.role = role


def role_parameters(model: nn.Module, role: str) -> list[nn.Parameter]:
    """Return the parameters of the adapters of ``role``."""
    layers = [module for module in model.modules() if isinstance(module, RoleLinear)]
    return [matrices[role] for layer in layers for matrices in (layer.down, layer.up)]


@torch.no_grad()
def merge_adapters(model: nn.Module, role: str) -> None:
    """Replace the adapted layers by plain linear layers with the adapters of ``role`` merged."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, RoleLinear):
                child.base.weight.copy_(child.merged(role))
                setattr(parent, name, child.base)
