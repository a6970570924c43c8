"""The target: a model that can be differentiated twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from lit_research.lm import lm_from_spec

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def make_target(
    spec: dict[str, Any], vocab_size: int, seed: int, dtype: str, device: torch.device
) -> PreTrainedModel:
    """Return a target that can be differentiated twice.

    It is not in training mode: dropout would be drawn anew on the way back.

    Args:
        spec: see ``lm_from_spec``.
        vocab_size: of one that is built.
        seed: of one that is built; torch's own random state is left alone.
        dtype: of the weights.
        device: where it goes.
    """
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        target = lm_from_spec(spec, vocab_size, attention="math", dtype=dtype).eval()
        return target.to(device)
