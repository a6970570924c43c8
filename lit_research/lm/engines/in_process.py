"""``TransformersEngine``: batched sampling with a key-value cache, in this process.

Legend: B sequences of a batch, P padded length of what of the prompts is read in the batch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lit_research.errors import UserError
from lit_research.lm.engines.base import Completion, LiveEngine, Prompts, Sampling, collect
from lit_research.lm.engines.chat import chat_card, check_chat, render, template_of
from lit_research.lm.engines.sampling import sample_tokens
from lit_research.lm.engines.shared_prompts import Group, groups_of
from lit_research.lm.properties import weights_fingerprint
from lit_research.lm.reading import (
    PREFILL_CHUNK,
    Reading,
    cache_argument,
    cache_of,
    context_length,
    evaluation_mode,
    last_only,
    makes_its_cache,
    new_cache,
    pads_anywhere,
    reads_in_pieces,
)
from lit_research.ranges import COUNT, check_range

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass
class _Sequence:
    """One continuation in the making; ``uniforms`` are its random numbers, one a new token."""

    prompt: list[int]
    uniforms: Tensor
    row: int
    token_ids: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()
    finish_reason: str = "length"


class TransformersEngine(LiveEngine):
    """Sample from a model of this process; it reads the weights as they are at each call.

    Sequences are sorted by length and run in batches that are padded on the left; those that have
    ended leave the batch. The tokens of a sequence do not depend on its batch, but for rounding.
    Long prompts are read in pieces, and what many of one call have in common at their beginning is
    read once, if the model can do it (see ``lm.reading``). Batches of a model that makes a cache of
    its own kind, such as TTT-E2E's, have prompts of one length.
    Neither torch's global random state nor the training mode of any module is changed.

    Args:
        model: a causal language model of transformers.
        tokenizer: its tokenizer.
        batch_size: sequences that run together.
        weight_version: number of the weights, written into every completion; set the attribute when
            the weights change.
        chat: whether each prompt is a user's message, which the tokenizer's template renders.
        system: the message before each of them; for a chat.
        prefill_chunk: tokens of a prompt that are read in one pass.
        least_shared: tokens from which on a common beginning is read apart. Prompts that share one
            run in batches of their own, which costs more than it saves where it is short.

    Raises:
        UserError: the tokenizer has more tokens than the model, or no template for a chat.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        batch_size: int = 32,
        weight_version: int = 0,
        chat: bool = False,
        system: str | None = None,
        prefill_chunk: int = PREFILL_CHUNK,
        least_shared: int = 1024,
    ) -> None:
        sizes = {"prefill_chunk": prefill_chunk, "least_shared": least_shared}
        check_range(COUNT, "of TransformersEngine", batch_size=batch_size, **sizes)
        check_chat(chat, system, "of TransformersEngine")
        # The package of texts imports transformers, which importing the engines must not.
        from lit_research.text.tokenizers import vocabulary_size

        if (size := vocabulary_size(tokenizer)) > model.config.vocab_size:
            raise UserError(
                f"the tokenizer has ids up to {size - 1} and the model a vocabulary of "
                f"{model.config.vocab_size}, in TransformersEngine; use the model's own tokenizer"
            )
        super().__init__(model, tokenizer)
        self.batch_size, self.weight_version = batch_size, weight_version
        self.chat, self.system = chat, system
        self._template = template_of(tokenizer, "of TransformersEngine") if chat else None
        self.prefill_chunk, self.least_shared = prefill_chunk, least_shared
        self._context = context_length(model)
        self._last_only, self._cache_name = last_only(model, 1), cache_argument(model)

    def card(self) -> dict[str, Any]:
        """Return a hash of the weights, and the chat if there is one."""
        return {
            "engine": type(self).__name__,
            "weights": weights_fingerprint(self.model),
            **chat_card(self.chat, self.system, self._template),
        }

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return completions of every prompt; see ``Engine.generate``.

        A text ends at the model's or the tokenizer's end-of-text token, at a stop string, after
        ``max_new_tokens``, or at the end of the model's context.
        """
        return collect(self.stream(prompts, sampling), len(prompts))

    def stream(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        """Yield the completions of each batch; see ``Engine.stream``."""
        sequences = self._sequences(self._encode(prompts), sampling)
        pending = []
        for sequence in sequences:
            if reason := self._why_not(sequence.prompt):
                sequence.finish_reason = f"error: {reason}"
                yield self._part(sequence, sampling)
            else:
                pending.append(sequence)
        for group in self._groups(pending):
            prefix = None
            for batch in group.batches(self.batch_size):
                # Entered for each batch: between two of them the caller's own code runs.
                with self._sampling():
                    prefix = prefix or self._read(group)
                    self._run_batch(batch, sampling, prefix)
                for sequence in batch:
                    yield self._part(sequence, sampling)

    @contextmanager
    def _sampling(self) -> Iterator[None]:
        stance = torch.compiler.set_stance("force_eager")
        with torch.no_grad(), evaluation_mode(self.model), stance:
            yield

    def _groups(self, sequences: list[_Sequence]) -> list[Group[_Sequence]]:
        """Return the sequences by what they share; one group if they share little."""
        own = makes_its_cache(self.model)
        groups = groups_of(sequences, lambda s: s.prompt, self.least_shared)
        if any(group.shared for group in groups) and not reads_in_pieces(self.model):
            groups = groups_of(sequences, lambda s: s.prompt, sys.maxsize)
        if own or not pads_anywhere(new_cache(self.model)):
            groups = [part for g in groups for part in (g.by_length() if own or g.shared else [g])]
        return groups

    def _read(self, group: Group[_Sequence]) -> Reading:
        """Read what the prompts of a group share, perhaps nothing."""
        reading = Reading(self.model, self.prefill_chunk)
        if group.shared:
            shared = group.members[0].prompt[: group.shared]
            reading.read(torch.tensor([shared], device=self.model.device))
        return reading

    @staticmethod
    def _sequences(ids: list[list[int]], sampling: Sampling) -> list[_Sequence]:
        """Return ``sampling.n`` sequences of each prompt, with their random numbers."""
        n, seed, most = sampling.n, sampling.seed, sampling.max_new_tokens
        if isinstance(seed, int):
            uniforms = _uniforms(len(ids) * n, most, seed)
        else:
            each = [_uniforms(n, most, of_prompt) for of_prompt in seed]
            uniforms = torch.cat(each) if each else torch.empty(0)
        return [_Sequence(ids[row // n], of_row, row) for row, of_row in enumerate(uniforms)]

    def _encode(self, prompts: Prompts) -> list[list[int]]:
        if self.chat:
            return render(self.tokenizer, prompts, self.system, "of TransformersEngine")
        if prompts and isinstance(prompts[0], str):
            return self.tokenizer(list(prompts), verbose=False)["input_ids"]
        return [list(p) for p in prompts]  # type: ignore[arg-type]

    def _why_not(self, prompt: list[int]) -> str | None:
        """Return why a prompt cannot be continued, or None."""
        if not prompt:
            return "the prompt has no tokens"
        if self._context is not None and len(prompt) >= self._context:
            return f"the prompt has {len(prompt)} tokens and the model's context {self._context}"
        if not 0 <= min(prompt) <= max(prompt) < self.model.config.vocab_size:
            return (
                f"the prompt has a token outside the vocabulary of {self.model.config.vocab_size}"
            )
        return None

    def _run_batch(self, batch: list[_Sequence], sampling: Sampling, prefix: Reading) -> None:
        """Sample token after token; the sequences that have ended leave the batch."""
        device, shared = self.model.device, prefix.length
        inputs, mask = _pad_left([s.prompt[shared:] for s in batch], device)
        positions = shared + (mask.cumsum(dim=1) - 1).clamp(min=0)
        budgets = self._budgets(shared + mask.sum(dim=1), sampling)
        mask = F.pad(mask, (shared, 0), value=1)
        uniforms = torch.stack([s.uniforms for s in batch]).to(device)
        tokens = torch.zeros(uniforms.shape, dtype=torch.long, device=device)
        log_probs = torch.zeros(uniforms.shape, dtype=torch.float64, device=device)
        ended = torch.zeros_like(budgets, dtype=torch.bool)
        live = torch.arange(len(batch), device=device)
        cache, end_ids = prefix.branch(len(batch)).cache, self._end_ids(device)
        for step in range(sampling.max_new_tokens):
            logits, cache = self._next(inputs, mask, positions, cache)
            token, log_prob = sample_tokens(logits, uniforms[live, step], sampling)
            tokens[live, step], log_probs[live, step] = token, log_prob.double()
            at_stop = self._at_stop(tokens[live, : step + 1], sampling.stop)
            ended[live] = torch.isin(token, end_ids) | at_stop
            budgets[live] = torch.where(ended[live], step + 1, budgets[live])
            kept = (budgets[live] > step + 1).nonzero().squeeze(1)
            if len(kept) == 0:
                break
            if len(kept) < len(live):
                cache.reorder_cache(kept)
            live, inputs, positions = live[kept], token[kept, None], positions[kept, -1:] + 1
            mask = F.pad(mask[kept], (0, 1), value=1)
        _fill(batch, tokens, log_probs, lengths=budgets, ended=ended)

    def _next(
        self, inputs: Tensor, mask: Tensor, positions: Tensor, cache: Any
    ) -> tuple[Tensor, Any]:
        """Read tokens ``[B, T]``; return the logits after the last, ``[B, V]``, and the cache.

        Args:
            inputs: the tokens.
            mask: 1 for each token of a text, read before or now, ``[B, total]``.
            positions: of the tokens, ``[B, T]``.
            cache: of what was read before; None where the model makes it.
        """
        size, ahead = inputs.shape[1], mask.shape[1] - inputs.shape[1]
        in_pieces = size > self.prefill_chunk and reads_in_pieces(self.model)
        chunk = self.prefill_chunk if in_pieces else size
        for start in range(0, size, chunk):
            piece = slice(start, start + chunk)
            output = self.model(
                input_ids=inputs[:, piece],
                attention_mask=mask[:, : ahead + min(start + chunk, size)],
                position_ids=positions[:, piece],
                use_cache=True,
                **({} if cache is None else {self._cache_name: cache}),
                **self._last_only,
            )
            cache = cache_of(output)
        return output.logits[:, -1], cache

    def _budgets(self, lengths_B: Tensor, sampling: Sampling) -> Tensor:
        """Return how many tokens each sequence may write, ``[B]``, given the prompts' lengths."""
        room_B = torch.full_like(lengths_B, sampling.max_new_tokens)
        return room_B if self._context is None else room_B.minimum(self._context - lengths_B)

    def _end_ids(self, device: torch.device) -> Tensor:
        generation = self.model.generation_config
        of_model = generation.eos_token_id if generation is not None else None
        ends = {
            *(of_model if isinstance(of_model, list) else [of_model]),
            self.tokenizer.eos_token_id,
        }
        return torch.tensor([i for i in ends if i is not None], dtype=torch.long, device=device)

    def _at_stop(self, tokens: Tensor, stop: Sequence[str]) -> Tensor:
        """Return which sequences ``[B]`` have a stop string in their last tokens."""
        if not stop:
            return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
        # Every token is at least one byte, so a stop string that has just ended lies in these.
        window = max(len(s.encode()) for s in stop)
        texts = map(self._decode, tokens[:, -window:].tolist())
        return torch.tensor([any(s in text for s in stop) for text in texts], device=tokens.device)

    def _decode(self, token_ids: Sequence[int]) -> str:
        text = self.tokenizer.decode(list(token_ids), skip_special_tokens=True)
        assert isinstance(text, str)
        return text

    def _part(self, sequence: _Sequence, sampling: Sampling) -> tuple[int, list[Completion]]:
        """Return the prompt's index, and the completion."""
        index, sample = divmod(sequence.row, sampling.n)
        completion = Completion(
            text=_before(self._decode(sequence.token_ids), sampling.stop),
            token_ids=sequence.token_ids,
            log_probs=sequence.log_probs,
            finish_reason=sequence.finish_reason,
            weight_version=self.weight_version,
            prompt_index=index,
            sample=sample,
            prompt_tokens=len(sequence.prompt),
            new_tokens=len(sequence.token_ids),
        )
        return index, [completion]


def _uniforms(rows: int, tokens: int, seed: int) -> Tensor:
    """Return random numbers in [0, 1), ``[rows, tokens]``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(rows, tokens, generator=generator, dtype=torch.float64)


def _before(text: str, stop: Sequence[str]) -> str:
    found = [place for string in stop if (place := text.find(string)) >= 0]
    return text[: min(found)] if found else text


def _pad_left(prompts: list[list[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return token ids ``[B, P]`` and a mask of the same shape, 1 where they are a prompt's."""
    width = max(len(p) for p in prompts)
    ids = [[0] * (width - len(p)) + p for p in prompts]
    mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _fill(
    batch: list[_Sequence], tokens: Tensor, log_probs: Tensor, lengths: Tensor, ended: Tensor
) -> None:
    columns = zip(
        batch, tokens.tolist(), log_probs.tolist(), lengths.tolist(), ended.tolist(), strict=True
    )
    for sequence, ids, log_ps, length, by_stop in columns:
        sequence.token_ids, sequence.log_probs = tuple(ids[:length]), tuple(log_ps[:length])
        sequence.finish_reason = "stop" if by_stop else "length"
