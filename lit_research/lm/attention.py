"""Choose a model's attention kernel, and keep documents apart.

``sdpa`` is torch's fused attention, ``flash`` the flash-attn package. Both have a backward pass but
no second derivative. ``math`` is transformers' ``eager``: matrix product, softmax, matrix product,
as each model's authors wrote it. It can be differentiated any number of times, in forward mode too,
and mapped over by ``torch.func.vmap``.

Legend: B sequences, T tokens of a sequence.
"""

from __future__ import annotations

import importlib.util
from typing import Literal, get_args

import torch
from torch import Tensor

from lit_research.errors import UserError, nearest

Attention = Literal["sdpa", "flash", "math"]
"""Name of an attention kernel; see ``resolve_attention``."""

_IMPLEMENTATION = {"sdpa": "sdpa", "flash": "flash_attention_2", "math": "eager"}


def resolve_attention(
    name: str, *, device: torch.device | str | None = None, twice_differentiable: bool = False
) -> str:
    """Return transformers' ``attn_implementation`` for ``flash``, ``sdpa`` or ``math``.

    Args:
        name: the requested attention.
        device: where the model will run; None is CUDA if there is any, else the CPU.
        twice_differentiable: whether the caller differentiates a gradient, or maps over examples.

    Raises:
        UserError: the name is unknown, flash attention cannot run here, or a fused kernel was asked
            for where second derivatives are needed.
    """
    if name not in _IMPLEMENTATION:
        right = nearest(name, _IMPLEMENTATION, f"give one of {', '.join(get_args(Attention))}")
        raise UserError(f"unknown attention {name!r}, for the language model; {right}")
    if twice_differentiable and name != "math":
        raise UserError(
            f"attention is {name!r}, for a method that differentiates gradients; "
            "give 'math', since a fused kernel has no second derivative"
        )
    if name == "flash" and (reason := _why_no_flash(device)):
        raise UserError(f"attention is 'flash', but {reason}; give 'sdpa'")
    return _IMPLEMENTATION[name]


def _why_no_flash(device: torch.device | str | None) -> str | None:
    if importlib.util.find_spec("flash_attn") is None:
        return "the package flash-attn is not installed (the extra [flash])"
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type != "cuda":
        return f"flash-attn needs a CUDA device and the model runs on {device}"
    major, minor = torch.cuda.get_device_capability(device)
    if major < 8:
        return f"flash-attn needs compute capability 8.0 and {device} has {major}.{minor}"
    return None


def document_positions(document_ids: Tensor) -> Tensor:
    """Return position ids ``[B, T]`` that restart at 0 with each document of ``document_ids``.

    Given as ``position_ids``, they keep attention within documents: transformers starts a new
    sequence wherever positions do not increase by one (see ``run_lm``).

    Args:
        document_ids: an equal number for adjacent tokens of one document, ``[B, T]``.
    """
    column_T = torch.arange(document_ids.shape[1], device=document_ids.device)
    begins_BT = torch.ones_like(document_ids, dtype=torch.bool)
    begins_BT[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    return column_T - torch.where(begins_BT, column_T, 0).cummax(dim=1).values
