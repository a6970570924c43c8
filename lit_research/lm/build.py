"""Build a randomly initialised language model from plain YAML data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from lit_research.errors import UserError
from lit_research.lm.attention import resolve_attention
from lit_research.lm.config import make_config

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
}


def resolve_dtype(name: str) -> torch.dtype:
    """Return the torch dtype called ``name``.

    Raises:
        UserError: the name is unknown.
    """
    if name not in DTYPES:
        raise UserError(f"unknown dtype {name!r}, of the weights; give one of {', '.join(DTYPES)}")
    return DTYPES[name]


def build_lm(
    config: Mapping[str, Any] | PreTrainedConfig,
    *,
    vocab_size: int | None = None,
    attention: str = "sdpa",
    dtype: str = "float32",
) -> PreTrainedModel:
    """Build a randomly initialised causal language model, in training mode.

    The weights depend on torch's global seed (their standard deviation is the config's
    ``initializer_range``).

    Args:
        config: ``model_type`` (any causal language model of transformers) and fields of its config,
            or a transformers config.
        vocab_size: number of tokens V that the model must support; a larger ``vocab_size`` in the
            config (rounded up for speed, for example) is kept.
        attention: ``sdpa``, ``flash`` or ``math``.
        dtype: dtype of the weights.

    Raises:
        UserError: the config has an unknown field, a wrong type or sizes that do not fit, or the
            attention cannot run here.
    """
    from transformers import AutoModelForCausalLM

    made = make_config(config, vocab_size)
    options = {"attn_implementation": resolve_attention(attention), "dtype": resolve_dtype(dtype)}
    try:
        return AutoModelForCausalLM.from_config(made, **options)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0]
        raise UserError(
            f"transformers cannot build this model ({reason}), in the lm config of "
            f"{made.model_type}, attention {attention!r}; give values that {type(made).__name__} "
            "takes, and attention 'math' where a model has no fused one"
        ) from error


def meta_lm(
    config: Mapping[str, Any] | PreTrainedConfig, vocab_size: int | None = None
) -> PreTrainedModel:
    """Build a model on the meta device: shapes without data, at no cost whatever the size."""
    with torch.device("meta"):
        return build_lm(config, vocab_size=vocab_size)
