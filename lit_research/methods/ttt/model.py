"""``TTTE2EForCausalLM``: a sliding-window transformer whose last blocks learn while they read."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.layers import Block, KeyValues, RMSNorm, SwiGLU


class TTTE2EForCausalLM(PreTrainedModel):
    """The language model of TTT-E2E (Tandon et al. 2025, arXiv 2512.23675), blocks and head.

    ``forward`` runs it over a whole sequence with the weights as they are (the inner loop off); the
    inner loop is in ``inner_loop.py``. Prefix blocks can be run once over a sequence, suffix blocks
    chunk by chunk with fast weights of each sequence.
    """

    config_class = TTTE2EConfig
    lm_head: nn.Linear
    norm: RMSNorm
    _tied_weights_keys = {"lm_head.weight": "embed.weight"}
    _supports_sdpa = True
    supports_gradient_checkpointing = True

    def __init__(self, config: TTTE2EConfig) -> None:
        super().__init__(config)
        prefix = config.num_hidden_layers - config.num_suffix_layers
        self.embed = nn.Embedding(config.vocab_size, config.hidden_size)
        self.prefix = nn.ModuleList(Block(config, prime=False) for _ in range(prefix))
        self.suffix = nn.ModuleList(
            Block(config, prime=True) for _ in range(config.num_suffix_layers)
        )
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        std = self.config.initializer_range
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=std)
        elif isinstance(module, SwiGLU):
            for name in SwiGLU.NAMES:
                nn.init.normal_(getattr(module, name), std=std)
        elif isinstance(module, RMSNorm):
            nn.init.ones_(module.weight)

    def get_input_embeddings(self) -> nn.Module:
        """Return the embedding of tokens."""
        return self.embed

    def get_output_embeddings(self) -> nn.Module:
        """Return the output head, which shares the embedding's weights unless the config unties."""
        return self.lm_head

    def fast_parameters(self) -> list[nn.Parameter]:
        """Return W_0: ``w1, w2, w3`` of each prime MLP, in the order of the suffix blocks."""
        return [getattr(b.prime_mlp, name) for b in self.suffix for name in SwiGLU.NAMES]

    def head(self, hidden: Tensor) -> Tensor:
        """Return the logits ``[B, T, V]`` of the last hidden states ``[B, T, D]``."""
        logits: Tensor = self.lm_head(self.norm(hidden))
        return logits

    def run_prefix(self, input_ids: Tensor) -> Tensor:
        """Return the hidden states ``[B, T, D]`` that the suffix reads."""
        h = self.embed(input_ids)
        for block in self.prefix:
            if self.training and torch.is_grad_enabled() and self.is_activation_checkpointing:
                h = checkpoint(block, h, use_reentrant=False)
            else:
                h = block(h)
        return h

    def suffix_chunk(
        self,
        hidden: Tensor,
        fast: tuple[Tensor, ...],
        cache: tuple[KeyValues, ...],
        filled: int,
    ) -> tuple[Tensor, tuple[KeyValues, ...]]:
        """Return the logits ``[B, C, V]`` of a chunk, and the cache for the next one."""
        kept: list[KeyValues] = []
        for number, (block, before) in enumerate(zip(self.suffix, cache, strict=True)):
            own = (fast[3 * number], fast[3 * number + 1], fast[3 * number + 2])
            hidden, after = cast(Block, block).chunk(hidden, before, filled, own)
            kept.append(after)
        return self.head(hidden), tuple(kept)

    def forward(
        self,
        input_ids: Tensor,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Return the logits ``[B, T, V]`` with the inner loop off."""
        h = self.run_prefix(input_ids)
        for block in self.suffix:
            h = block(h)
        h = h[:, -logits_to_keep:] if logits_to_keep else h
        return CausalLMOutputWithPast(logits=self.head(h))


AutoConfig.register("ttt_e2e", TTTE2EConfig)
AutoModelForCausalLM.register(TTTE2EConfig, TTTE2EForCausalLM)
