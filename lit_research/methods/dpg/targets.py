"""Language models from plain YAML data, as the methods of this room name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from lit_research.errors import UserError
from lit_research.lm import build_lm, load_lm

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def check_spec(name: str, spec: dict[str, Any], where: str) -> None:
    """Refuse a folder with further fields.

    Raises:
        UserError: there are some.
    """
    if "folder" in spec and len(spec) > 1:
        raise UserError(
            f"{name} has {sorted(set(spec) - {'folder'})} beside folder, {where}: a loaded model "
            "brings its own config, so give folder alone"
        )


def language_model(
    spec: dict[str, Any], vocab_size: int, *, attention: str, dtype: str
) -> PreTrainedModel:
    """Build or load a model: ``{model_type: llama, ...}`` or ``{folder: PATH}``."""
    if "folder" in spec:
        return load_lm(spec["folder"], attention=attention, dtype=dtype)
    return build_lm(spec, vocab_size=vocab_size, attention=attention, dtype=dtype)


def make_target(
    spec: dict[str, Any], vocab_size: int, seed: int, dtype: str, device: torch.device
) -> PreTrainedModel:
    """Return a target that can be differentiated twice.

    It is not in training mode: dropout would be drawn anew on the way back.

    Args:
        spec: see ``language_model``.
        vocab_size: of one that is built.
        seed: of one that is built; torch's own random state is left alone.
        dtype: of the weights.
        device: where it goes.
    """
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        target = language_model(spec, vocab_size, attention="math", dtype=dtype).eval()
        return target.to(device)
