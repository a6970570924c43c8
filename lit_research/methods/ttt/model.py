"""``TTTE2EForCausalLM``: a sliding-window transformer whose last blocks learn while they read."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from lit_research.errors import UserError
from lit_research.lm import IGNORE, next_token_loss
from lit_research.methods.ttt.attention import KeyValues
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.inner_loop import InnerLoop, learnable, next_labels, scan_logits
from lit_research.methods.ttt.layers import Block, RMSNorm, SwiGLU
from lit_research.methods.ttt.streaming import Stream


class TTTE2EForCausalLM(PreTrainedModel, GenerationMixin):
    """The language model of TTT-E2E (Tandon et al. 2025, arXiv 2512.23675), blocks and head.

    ``forward`` and ``generate`` learn while they read, from the same initial weights for every
    text; the inner loop is in ``inner_loop.py``, the state between two calls is a ``Stream``.
    Everything before the first fast weights (the prefix, and the attention of the first block of
    the suffix) runs once over a sequence; the rest runs chunk by chunk, with fast weights for each
    sequence.
    """

    config_class = TTTE2EConfig
    lm_head: nn.Linear
    norm: RMSNorm
    _tied_weights_keys = {"lm_head.weight": "embed.weight"}
    _supports_sdpa = True
    _is_stateful = True  # no assisted decoding: inner steps cannot be undone
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
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, SwiGLU):
            for name in SwiGLU.NAMES:
                nn.init.normal_(getattr(module, name), std=std)
        elif isinstance(module, RMSNorm):
            nn.init.ones_(module.weight)

    def get_input_embeddings(self) -> nn.Module:
        """Return the embedding of tokens."""
        return self.embed

    def get_output_embeddings(self) -> nn.Module:
        """Return the output head, tied to the embedding unless the config says otherwise."""
        return self.lm_head

    def fast_parameters(self) -> list[nn.Parameter]:
        """Return W_0: ``w1, w2, w3`` of each prime MLP, in the order of the suffix blocks."""
        return [getattr(b.prime_mlp, name) for b in self.suffix for name in SwiGLU.NAMES]

    def suffix_parameters(self) -> list[nn.Parameter]:
        """Return the other parameters of ``suffix_chunk``: suffix, last norm, head."""
        fast = {id(w) for w in self.fast_parameters()}
        modules = (self.suffix, self.norm, self.lm_head)
        return [w for module in modules for w in module.parameters() if id(w) not in fast]

    def head(self, hidden: Tensor) -> Tensor:
        """Return the logits ``[B, T, V]`` of the last hidden states ``[B, T, D]``."""
        logits: Tensor = self.lm_head(self.norm(hidden))
        return logits

    def run_prefix(self, input_ids: Tensor) -> Tensor:
        """Return the hidden states ``[B, T, D]`` that enter the first fast weights.

        The attention of the first block of the suffix does not depend on any fast weights, so it
        need not run chunk by chunk, nor be differentiated twice.
        """
        h = self.embed(input_ids)
        for block in self.prefix:
            h = block(h)
        return cast("Block", self.suffix[0]).attend_whole(h) if self.suffix else h

    def suffix_chunk(
        self,
        hidden: Tensor,
        fast: tuple[Tensor, ...],
        cache: tuple[KeyValues, ...],
        filled: int,
        *,
        twice: bool = True,
    ) -> tuple[Tensor, tuple[KeyValues, ...]]:
        """Return the logits ``[B, C, V]`` of a chunk, and the cache for the next one.

        They are differentiable any number of times, or only once if ``twice`` is False.

        Args:
            hidden: output of ``run_prefix``, ``[B, C, D]``.
            fast: w1, w2, w3 of each block of the suffix, ``[B, in, out]``.
            cache: keys and values before the chunk, of each block of the suffix except the first.
            filled: rows of the cache that belong to real tokens.
            twice: whether the result must be differentiable more than once.
        """
        first, *rest = cast("list[Block]", self.suffix)
        hidden, kept = first.mlps(hidden, (fast[0], fast[1], fast[2])), list[KeyValues]()
        for number, (block, before) in enumerate(zip(rest, cache, strict=True), 1):
            weights = (fast[3 * number], fast[3 * number + 1], fast[3 * number + 2])
            hidden, after = block.chunk(hidden, before, filled, weights, twice=twice)
            kept.append(after)
        return self.head(hidden), tuple(kept)

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor | None = None,
        cache: Stream | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        inner_loop: bool = True,
        past_key_values: Stream | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Return the logits ``[B, T, V]`` of a model that learns while it reads.

        Args:
            input_ids: ``[B, T]``, texts of one length; the fast weights start at W_0 for each, or
                continue from ``cache``.
            labels: aligned with ``input_ids`` (as in transformers, shifted here), -100 where there
                is nothing to learn, for the inner loop too; for ``loss``, whose gradient goes
                through the inner loop. None learns from ``input_ids``. In either case the config's
                ``ignored_label_ids`` are not learned.
            cache: the state of ``B`` texts read so far; updated in place.
            use_cache: whether to return such a state.
            logits_to_keep: number of last tokens to return logits for; 0 is all.
            inner_loop: False leaves the fast weights unchanged.
            past_key_values: the name of ``cache`` before transformers 5.24.
            kwargs: ``attention_mask`` ``[B, T]``, 0 for padding at the end of a text, which is not
                learned (as a named argument, ``generate`` would create one and treat every pad
                token as padding); other arguments of transformers are ignored.

        Raises:
            UserError: padding before tokens, or in a text that is to be continued.
        """
        inner = InnerLoop(self.config.inner_lr if inner_loop else 0.0, self.config.inner_clip)
        cache = past_key_values if cache is None else cache
        targets = input_ids if labels is None else labels
        attention_mask: Tensor | None = kwargs.get("attention_mask")
        if attention_mask is not None:
            _check_mask(attention_mask, input_ids, cache is not None or bool(use_cache))
            targets = targets.masked_fill(attention_mask[:, -input_ids.shape[1] :] == 0, IGNORE)
        targets = learnable(targets, self.config.ignored_label_ids)
        if use_cache and cache is None:
            cache = Stream(self, len(input_ids), inner)
        if cache is not None:
            logits = cache.read(input_ids, keep=logits_to_keep, labels=targets)
        elif inner_loop:
            logits = scan_logits(self, input_ids, inner, next_labels(targets))[:, -logits_to_keep:]
        else:
            h = self.embed(input_ids)
            for block in (*self.prefix, *self.suffix):
                h = block(h)
            logits = self.head(h[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            loss = next_token_loss(logits, next_labels(targets)[:, -logits.shape[1] :])
        return CausalLMOutputWithPast(loss, logits, cache)  # type: ignore[arg-type]

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False  # so that `forward` creates the cache, a Stream

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        cache: Stream | None = None,
        attention_mask: Tensor | None = None,
        is_first_iteration: bool | None = False,
        logits_to_keep: int = 0,
        past_key_values: Stream | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the arguments of the next ``forward``: the tokens that the stream has not read.

        Raises:
            UserError: the prompts have different lengths.
        """
        if is_first_iteration and attention_mask is not None and not bool(attention_mask.all()):
            raise UserError(
                "the prompts have different lengths, in generate of TTTE2EForCausalLM, which "
                "would learn from the padding; give prompts of one length, or one at a time"
            )
        cache = past_key_values if cache is None else cache
        read = cache.position if cache is not None else 0
        return {
            "input_ids": input_ids[:, read:],
            "cache": cache,
            "use_cache": True,
            "logits_to_keep": logits_to_keep,
        }


def _check_mask(mask: Tensor, input_ids: Tensor, continued: bool) -> None:
    """Refuse padding that would be read as text: before tokens, or in a text to continue."""
    where = "in forward of TTTE2EForCausalLM"
    B, T = input_ids.shape
    if (
        mask.dim() != 2
        or len(mask) != B
        or (mask.shape[1] < T if continued else mask.shape[1] != T)
    ):
        raise UserError(
            f"attention_mask has the shape {list(mask.shape)}, {where}, and input_ids {[B, T]}; "
            "give one number a token"
        )
    shown = mask != 0
    if continued and not bool(shown.all()):
        raise UserError(
            f"attention_mask has zeros, {where} with a cache, where padding would be read as text; "
            "give texts of one length"
        )
    if bool((shown[:, 1:] & ~shown[:, :-1]).any()):
        raise UserError(
            f"attention_mask has zeros before ones, {where}; pad at the end of texts "
            "(padding_side right), not before or within them"
        )


AutoConfig.register("ttt_e2e", TTTE2EConfig)
AutoModelForCausalLM.register(TTTE2EConfig, TTTE2EForCausalLM)
