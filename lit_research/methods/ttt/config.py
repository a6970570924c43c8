"""``TTTE2EConfig``: the shape of a TTT-E2E language model."""

from __future__ import annotations

import math
from typing import Any

from transformers import PreTrainedConfig

from lit_research.errors import UserError
from lit_research.ranges import NOT_NEGATIVE, POSITIVE, check_range

# Fields that do not change the shape of any weight: they may be overridden when a model is loaded.
CHANGEABLE = ("window", "chunk", "inner_lr", "inner_clip", "rope_theta", "ignored_label_ids")


class TTTE2EConfig(PreTrainedConfig):
    """Config of ``TTTE2EForCausalLM`` (Tandon et al. 2025, arXiv 2512.23675).

    Args:
        vocab_size: number of tokens, V.
        hidden_size: width of the residual stream, D.
        intermediate_size: hidden width F of every MLP, the prime ones included.
        num_hidden_layers: blocks, L.
        num_attention_heads: heads of each block, H.
        num_suffix_layers: last blocks that have a prime MLP; None is L / 4. With 0 the model is a
            plain sliding-window transformer.
        window: tokens that a query attends to, itself included, k; None is full attention (then
            there is no suffix).
        chunk: tokens between two inner steps, b.
        inner_lr: learning rate of the inner SGD, eta.
        inner_clip: maximum norm of an inner gradient, over all fast weights of one sequence.
        ignored_label_ids: tokens that are never a label, such as the separator of documents (the
            official code: BOS): neither the inner loop nor the outer loss learns to predict them.
        rope_theta: base of the rotary positions.
        rms_norm_eps: epsilon of the norms.
        initializer_range: standard deviation of the initial weights.
        num_key_value_heads: heads of keys and values, shared by groups of query heads; None is all.
        head_dim: width of a head, d; None is D / H.
        attention_bias: biases of queries, keys and values.
        qk_norm: norms of queries and keys.
        post_norms: norms of the output of each sub-layer. The defaults of these five are the
            paper's; other values are for converted checkpoints (``convert.py``).
        rotary_scaling: ``{factor: F}`` divides all rotary frequencies; with ``low_freq_factor``,
            ``high_freq_factor`` and ``original_max_position_embeddings`` as in Llama 3.1.
        max_position_embeddings: longest sequence for which the model should be used; positions are
            rotary, so no weight depends on it.
    """

    model_type = "ttt_e2e"

    def __init__(
        self,
        vocab_size: int = 32000,
        hidden_size: int = 768,
        intermediate_size: int = 1664,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        num_suffix_layers: int | None = None,
        window: int | None = 8192,
        chunk: int = 1024,
        inner_lr: float = 1.0,
        inner_clip: float = 1.0,
        ignored_label_ids: list[int] | None = None,
        rope_theta: float = 500_000.0,
        rms_norm_eps: float = 1e-6,
        initializer_range: float = 0.02,
        num_key_value_heads: int | None = None,
        head_dim: int | None = None,
        attention_bias: bool = False,
        qk_norm: bool = True,
        post_norms: bool = True,
        rotary_scaling: dict[str, float] | None = None,
        max_position_embeddings: int = 131_072,
        tie_word_embeddings: bool = True,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        default = num_hidden_layers // 4 if window is not None else 0
        self.num_suffix_layers = default if num_suffix_layers is None else num_suffix_layers
        self.window = window
        self.chunk = chunk
        self.inner_lr = inner_lr
        self.inner_clip = inner_clip
        self.ignored_label_ids = ignored_label_ids or []
        self.rope_theta = rope_theta
        self.rms_norm_eps = rms_norm_eps
        self.initializer_range = initializer_range
        self.num_key_value_heads = num_key_value_heads or num_attention_heads
        self.head_dim = head_dim or hidden_size // num_attention_heads
        self.attention_bias = attention_bias
        self.qk_norm = qk_norm
        self.post_norms = post_norms
        self.rotary_scaling = rotary_scaling
        self.max_position_embeddings = max_position_embeddings
        super().__init__(**{**kwargs, "tie_word_embeddings": tie_word_embeddings})

    @property
    def frequencies(self) -> tuple[float, ...]:
        """Rotation of each pair of channels of a head, in radians per token, ``d / 2`` of them."""
        half = self.head_dim // 2
        plain = [self.rope_theta ** -(i / half) for i in range(half)]
        return tuple(_scaled(f, self.rotary_scaling or {}) for f in plain)


def check_config(config: TTTE2EConfig, where: str) -> None:
    """Check that the values are possible and fit each other.

    Args:
        config: the config to check.
        where: second part of the error message, ``in ...``.

    Raises:
        UserError: names the first value that is wrong.
    """
    layers, heads = config.num_hidden_layers, config.num_attention_heads
    if config.head_dim % 2 or heads % config.num_key_value_heads:
        raise UserError(
            f"hidden_size is {config.hidden_size} for {heads} heads and "
            f"{config.num_key_value_heads} of keys, {where}; give an even head width, and "
            "a number of heads that key-value heads divide"
        )
    if not 0 <= config.num_suffix_layers <= layers:
        raise UserError(
            f"num_suffix_layers is {config.num_suffix_layers}, of a model of {layers} blocks, "
            f"{where}; give 0 to {layers}"
        )
    if config.window is None and config.num_suffix_layers:
        raise UserError(
            f"window is null, but {config.num_suffix_layers} blocks have prime MLPs, {where}; give "
            "a number of tokens, or num_suffix_layers 0 for full attention"
        )
    for name in ("window", "chunk"):
        size = getattr(config, name)
        if size is not None and (not isinstance(size, int) or size < 1):
            raise UserError(f"{name} is {size!r}, {where}; must be a number of tokens, at least 1")
    for token in config.ignored_label_ids or []:
        if not isinstance(token, int) or not 0 <= token < config.vocab_size:
            raise UserError(
                f"ignored_label_ids has {token!r}, {where}; must be tokens from 0 to "
                f"{config.vocab_size - 1}"
            )
    check_range(POSITIVE, where, rope_theta=config.rope_theta, inner_clip=config.inner_clip)
    check_range(NOT_NEGATIVE, where, inner_lr=config.inner_lr)


def _scaled(frequency: float, scaling: dict[str, float]) -> float:
    """Scale a rotary frequency as Llama 3.1 does: low ones by the factor, high ones not at all."""
    slow = frequency / scaling.get("factor", 1.0)
    if "low_freq_factor" not in scaling:
        return slow
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    turns = scaling["original_max_position_embeddings"] * frequency / (2 * math.pi)
    share = min(1.0, max(0.0, (turns - low) / (high - low)))
    return (1 - share) * slow + share * frequency
