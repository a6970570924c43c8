"""Properties of a model: number of parameters, FLOPs per token, a fingerprint of its weights."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from torch import nn

from lit_research.lm.build import meta_lm

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def count_parameters(model: nn.Module, *, embeddings: bool = True) -> int:
    """Return the number of parameters; shared ones count once.

    Args:
        model: any module, on any device, including meta.
        embeddings: whether to count the parameters of ``nn.Embedding`` modules (tokens, learned
            positions, and so a tied output head).
    """
    left_out: set[int] = set()
    if not embeddings:
        tables = (m for m in model.modules() if isinstance(m, nn.Embedding))
        left_out = {id(p) for table in tables for p in table.parameters()}
    return sum(p.numel() for p in model.parameters() if id(p) not in left_out)


def flops_per_token(config: PreTrainedConfig, sequence_length: int) -> float:
    """Return the floating-point operations of forward and backward for one token.

    ``6 N + 12 L H Q T`` (PaLM, appendix B): a matrix weight costs one multiplication and one
    addition in the forward pass and twice that in the backward pass; N counts all weights except
    embedding tables, including the output head, tied or not. Attention costs
    ``2 * 2 * H * Q * T`` per layer in the forward pass, by convention over the full square, though
    a causal kernel can skip half. Recomputation by activation checkpointing is not counted (model
    FLOPs, not hardware FLOPs). All experts of a mixture are counted.

    Args:
        config: config of a decoder (Llama, GPT-2 and similar): L ``num_hidden_layers``, H
            ``num_attention_heads``, Q channels of a head.
        sequence_length: tokens that attend to each other, T.
    """
    model = meta_lm(config)
    weights = count_parameters(model, embeddings=False)
    head, table = model.get_output_embeddings(), model.get_input_embeddings()
    if isinstance(head, nn.Linear) and head.weight is table.weight:
        weights += head.weight.numel()
    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    attention = 12 * config.num_hidden_layers * heads * head_dim * sequence_length
    return float(6 * weights + attention)


def weights_fingerprint(lm: nn.Module) -> str:
    """Return a hash that identifies a set of weights, from sums and first values of each tensor."""
    digest = hashlib.blake2b(digest_size=16)
    for name, parameter in lm.named_parameters():
        value = parameter.detach()
        digest.update(name.encode())
        digest.update(value.double().sum().cpu().numpy().tobytes())
        digest.update(value.flatten()[:256].float().cpu().numpy().tobytes())
    return digest.hexdigest()
