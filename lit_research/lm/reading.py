"""``Reading``: a text that a model has read so far, which several continuations share.

A long text is read piece by piece, with the logits of one piece in memory, and once for all texts
that begin with it: ``branch`` copies what the model remembers of it, and the branches are continued
apart. A branch of keys and values shares their memory until it reads. Whether a model reads in
pieces what it reads at once cannot be told from its class, so each model is tested once.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PREFILL_CHUNK = 2048
"""Tokens of a text that are read in one pass, by default."""

_PIECES = (5, 1, 6)  # tokens of the text that tests a model
# Tolerance relative to the largest logit: sums are taken in another order.
_SAME = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 1e-1}

# Whether each model that was tested reads in pieces.
_known: WeakKeyDictionary[PreTrainedModel, bool] = WeakKeyDictionary()


class Reading:
    """A text of each of B rows, all of one length, that a model has read so far.

    Use it within ``torch.no_grad`` and ``evaluation_mode``, with a model that ``reads_in_pieces``.

    Args:
        model: a causal language model.
        chunk: tokens of each row that are read in one pass.

    Attributes:
        length: tokens of each row that were read.
        cache: what the model keeps of them, in its own form; None before the first token.
        next_logits: prediction of the next token, ``[B, V]``; None before the first token.
    """

    def __init__(self, model: PreTrainedModel, chunk: int = PREFILL_CHUNK) -> None:
        self.model, self.chunk = model, chunk
        self.length, self.next_logits = 0, None
        self.cache = new_cache(model)

    length: int
    cache: Any
    next_logits: Tensor | None

    def branch(self, rows: int = 1) -> Reading:
        """Return a reading of ``rows`` rows that begin with this one's text, of a single row."""
        other = copy.copy(self)
        other.cache = _branch(self.cache, self.model, rows)
        if self.next_logits is not None:
            other.next_logits = self.next_logits.expand(rows, -1)
        return other

    def read(self, tokens: Tensor) -> None:
        """Read tokens, ``[B, T]``; ``next_logits`` is then the prediction after the last."""
        for _ in self._pieces(tokens, tokens.shape[1] - 1):
            pass

    def log_probs(self, tokens: Tensor, first: int = 0, *, read_last: bool = False) -> Tensor:
        """Read tokens; return log-probabilities from ``first`` on, ``[B, T - first]`` in nats.

        Args:
            tokens: ``[B, T]``; their first must not be the first of the text if ``first`` is 0.
            first: index of the first token to score, at most T.
            read_last: whether to read the last token too, from which something is to follow.
        """
        scores = [torch.zeros(len(tokens), 0, device=tokens.device)]
        if first == 0:
            assert self.next_logits is not None, "nothing comes before the first token of a text"
            scores.append(log_probs_of(self.next_logits[:, None], tokens[:, :1]))
        read = tokens if read_last else tokens[:, :-1]
        for start, logits in self._pieces(read, max(first - 1, 0)):
            following = tokens[:, start + 1 : start + 1 + logits.shape[1]]
            scores.append(log_probs_of(logits[:, : following.shape[1]], following))
        return torch.cat(scores, dim=1)

    def _pieces(self, tokens: Tensor, first: int) -> Iterator[tuple[int, Tensor]]:
        """Read tokens; yield logits from index ``first`` on, and the index where they begin."""
        for start in range(0, tokens.shape[1], self.chunk):
            piece = tokens[:, start : start + self.chunk]
            end = start + piece.shape[1]
            keep = min(max(end - first, 1), piece.shape[1])
            logits = self._forward(piece, keep)
            self.next_logits = logits[:, -1]
            if end > first:
                yield end - keep, logits

    def _forward(self, piece: Tensor, keep: int) -> Tensor:
        """Return the logits of the last ``keep`` tokens of a piece, ``[B, keep, V]``."""
        inputs: dict[str, Any] = {"input_ids": piece, "use_cache": True}
        end, context = self.length + piece.shape[1], context_length(self.model)
        if context is not None and end > context:
            # Padding at the end of a short row may lie beyond the last position.
            places = torch.arange(self.length, end, device=piece.device).clamp(max=context - 1)
            inputs["position_ids"] = places.expand(len(piece), -1)
        if self.cache is not None:
            inputs[cache_argument(self.model)] = self.cache
        output = self.model(**inputs, **last_only(self.model, keep))
        self.cache, self.length = cache_of(output), end
        logits: Tensor = output.logits
        return logits[:, -keep:]


def last_only(model: PreTrainedModel, keep: int) -> dict[str, int]:
    """Return the argument that asks a model for its last logits alone; none if it has no such."""
    takes = inspect.signature(model.forward).parameters
    return {"logits_to_keep": keep} if "logits_to_keep" in takes else {}


def reads_in_pieces(model: PreTrainedModel) -> bool:
    """Return whether a model that reads a text in pieces predicts what it does reading it at once.

    It does not if it keeps no cache, if it forgets a recurrent state when several tokens follow, or
    if its rotary angles depend on the length of the text (``dynamic`` and ``longrope``), so that
    keys in a cache may be turned otherwise than those of the whole text. A model is tested once, on
    a dozen tokens.
    """
    if model not in _known:
        _known[model] = not turns_by_length(model) and _same_in_pieces(model)
    return _known[model]


def turns_by_length(model: PreTrainedModel) -> bool:
    """Return whether a token's rotary angle depends on the length of the text."""
    rope = getattr(model.config.get_text_config(), "rope_parameters", None) or {}
    kinds = [rope, *(of_layer for of_layer in rope.values() if isinstance(of_layer, dict))]
    names = [str(kind.get("rope_type", "")) for kind in kinds]
    return any("dynamic" in name or name == "longrope" for name in names)


def _same_in_pieces(model: PreTrainedModel) -> bool:
    draw = torch.Generator().manual_seed(0)
    vocabulary = min(model.config.get_text_config().vocab_size, 1000)
    ids = torch.randint(vocabulary, (1, sum(_PIECES)), generator=draw).to(model.device)
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad(), evaluation_mode(model):
        whole = model(input_ids=ids, use_cache=False).logits
        reading, pieces = Reading(model), []
        try:
            for piece in ids.split(list(_PIECES), dim=1):
                pieces.append(reading._forward(piece, piece.shape[1]))
                if reading.cache is None:
                    return False
            reading.branch(2)
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
            return False
    apart = float((torch.cat(pieces, dim=1) - whole).abs().max())
    return apart <= _SAME.get(whole.dtype, 1e-1) * float(whole.abs().max())


def makes_its_cache(model: PreTrainedModel) -> bool:
    """Return whether a model makes a cache of its own kind, and takes no ``DynamicCache``."""
    kind: Any = type(model)
    return not kind._supports_default_dynamic_cache()


def new_cache(model: PreTrainedModel) -> Any:
    """Return an empty cache for a model; None where it makes its own."""
    from transformers import DynamicCache

    return None if makes_its_cache(model) else DynamicCache(config=model.config)


def cache_argument(model: PreTrainedModel) -> str:
    """Return the name that a model has for its cache; transformers 5.24 gave it a new one."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


def cache_of(output: Any) -> Any:
    """Return the cache in a model's output, None if there is none."""
    return output.get("cache", output.get("past_key_values"))


def context_length(model: PreTrainedModel) -> int | None:
    """Return how many positions a model has; None where it does not say."""
    longest: int | None = getattr(model.config, "max_position_embeddings", None)
    return longest


def pads_anywhere(cache: Any) -> bool:
    """Return whether padding in the middle of a text can be masked.

    A window counts padding as tokens, and a recurrent state reads it.
    """
    from transformers.cache_utils import DynamicCache, DynamicLayer

    return isinstance(cache, DynamicCache) and all(type(x) is DynamicLayer for x in cache.layers)


def _branch(cache: Any, model: PreTrainedModel, rows: int) -> Any:
    """Return a copy of a cache of one row, repeated; what is read later changes only the copy."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    if cache is None:
        return None
    if type(cache) is not DynamicCache:
        # A cache may hold its model, which is not to be copied.
        other = copy.deepcopy(cache, {id(model): model, id(model.config): model.config})
        other.reorder_cache(torch.zeros(rows, dtype=torch.long, device=model.device))
        return other
    other, first = copy.copy(cache), torch.zeros(rows, dtype=torch.long, device=model.device)
    other.layers = []
    for layer in cache.layers:
        own: Any
        # These two replace their tensors as they grow, so that a view of the old ones will do;
        # others write into them.
        if type(layer) in (DynamicLayer, DynamicSlidingWindowLayer):
            own = copy.copy(layer)
            if own.is_initialized:
                own.keys = own.keys.expand(rows, *own.keys.shape[1:])
                own.values = own.values.expand(rows, *own.values.shape[1:])
        else:
            own = copy.deepcopy(layer)
            own.reorder_cache(first)
        other.layers.append(own)
    return other


def log_probs_of(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return log-probabilities of tokens ``[B, T]`` under ``[B, T, V]``, in fp32 at least."""
    exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return -F.cross_entropy(exact.transpose(1, 2), tokens, reduction="none")


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, and back into the mode that each of them had."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
