"""``LearningModel``: the part of ``TTTE2EForCausalLM`` that the inner loop and ``Stream`` use.

Legend: B sequences, T tokens, C tokens of a chunk, D width, V vocabulary.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from lit_research.methods.ttt.attention import KeyValues

# w1, w2, w3 of each suffix block in order, every one [B, in, out].
FastWeights = tuple[Tensor, ...]


class LearningModel(Protocol):
    """A prefix that runs once over a sequence, and a suffix that learns chunk by chunk."""

    embed: nn.Embedding
    prefix: nn.ModuleList
    suffix: nn.ModuleList

    @property
    def config(self) -> Any:
        """Its ``TTTE2EConfig``."""

    def fast_parameters(self) -> list[nn.Parameter]:
        """Return W_0."""

    def suffix_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that ``suffix_chunk`` uses in addition to the fast weights."""

    def head(self, hidden: Tensor) -> Tensor:
        """Return the logits ``[B, T, V]`` of the last hidden states ``[B, T, D]``."""

    def run_prefix(self, input_ids: Tensor) -> Tensor:
        """Return the hidden states ``[B, T, D]`` that enter the first fast weights."""

    def suffix_chunk(
        self,
        hidden: Tensor,
        fast: FastWeights,
        cache: tuple[KeyValues, ...],
        filled: int,
        *,
        twice: bool = True,
    ) -> tuple[Tensor, tuple[KeyValues, ...]]:
        """Return the logits ``[B, C, V]`` of a chunk, and the cache for the next one."""
