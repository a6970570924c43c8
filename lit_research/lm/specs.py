"""Build or load a language model from plain YAML data, for methods with several models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from lit_research.errors import UserError
from lit_research.lm.build import build_lm
from lit_research.lm.folders import load_lm

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def check_lm_spec(name: str, spec: dict[str, Any], where: str) -> None:
    """Check that a spec with ``folder`` has no other field except ``untie``.

    Raises:
        UserError: it has.
    """
    others = sorted(set(spec) - {"folder", "untie"})
    if "folder" in spec and others:
        raise UserError(
            f"{name} has {others} next to folder, {where}; give folder alone, or with "
            "untie: a loaded model has its own config"
        )
    if "untie" in spec and "folder" not in spec:
        raise UserError(
            f"{name} has untie without folder, {where}; give tie_word_embeddings false to a model "
            "that is built"
        )


def lm_from_spec(
    spec: dict[str, Any], vocab_size: int, *, attention: str, dtype: str
) -> PreTrainedModel:
    """Build or load a model: ``{model_type: llama, ...}`` or ``{folder: PATH}``.

    With ``untie: true`` next to ``folder`` the output head becomes a separate parameter,
    initialised with the embedding that it was tied to.
    """
    if "folder" in spec:
        model = load_lm(spec["folder"], attention=attention, dtype=dtype)
        if spec.get("untie"):
            head = model.get_output_embeddings()
            head.weight = torch.nn.Parameter(head.weight.detach().clone())
            model.config.tie_word_embeddings = False
        return model
    return build_lm(spec, vocab_size=vocab_size, attention=attention, dtype=dtype)
