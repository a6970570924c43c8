"""``score_continuations``: log-probabilities of texts after prompts, beginnings shared.

Eight questions about one long text with four options each are 32 texts that mostly begin alike.
The texts are put in order, so that those with a common beginning are neighbours; each beginning is
read once, whatever the depth of the tree that they form (context, question, option).

Legend: B rows of a batch, T tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm.reading import (
    PREFILL_CHUNK,
    Reading,
    context_length,
    evaluation_mode,
    last_only,
    log_probs_of,
    reads_in_pieces,
    turns_by_length,
)
from lit_research.ranges import COUNT, check_range

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Continuation = tuple[Sequence[int], Sequence[int]]
"""The token ids of a prompt, and of what follows it."""


@dataclass
class _Row:
    """A text: the prompt, and from ``first`` on the tokens to score."""

    tokens: list[int]
    first: int
    scores: list[Tensor] = field(default_factory=list)

    def take(self, scores: Tensor, begin: int) -> None:
        """Keep log-probabilities ``[T]`` of the tokens from ``begin`` on, but for the prompt's."""
        length = len(self.tokens) - begin
        self.scores.append(scores[max(self.first - begin, 0) : length])


def score_continuations(
    model: PreTrainedModel,
    texts: Sequence[Continuation],
    *,
    chunk: int = PREFILL_CHUNK,
    batch_size: int = 8,
    least_shared: int = 16,
    progress: Callable[[int], None] | None = None,
) -> list[Tensor]:
    """Return the log-probabilities of each continuation's tokens in nats, given all before them.

    They are those of a forward pass over each text alone, but for rounding. In addition to the
    model, memory holds the keys and values of one path of the tree and of ``batch_size`` texts at
    its end, and the logits of ``chunk`` tokens of them. A model that cannot read in pieces (see
    ``reads_in_pieces``) reads every text whole.

    Args:
        model: a causal language model of transformers.
        texts: a prompt of at least one token, and at least one token after it.
        chunk: tokens of a text that are read in one pass.
        batch_size: texts that are read side by side, after what they share.
        least_shared: tokens that are read apart, once, if several texts have them in common; fewer
            are read again.
        progress: called with the number of texts that have been scored since.

    Returns:
        One tensor for each text, as long as its continuation, of fp32 or the model's own dtype if
        that is wider.

    Raises:
        UserError: a prompt or a continuation is empty, or a text is longer than the model's
            context.
    """
    sizes = {"chunk": chunk, "batch_size": batch_size, "least_shared": least_shared}
    check_range(COUNT, "in score_continuations", **sizes)
    rows = [_Row([*prompt, *after], len(prompt)) for prompt, after in texts]
    _check(model, rows)
    tell = progress or (lambda _: None)
    with torch.no_grad(), evaluation_mode(model), torch.compiler.set_stance("force_eager"):
        if rows and reads_in_pieces(model):
            ordered = sorted(rows, key=lambda row: row.tokens)
            pairs = itertools.pairwise(ordered)
            common = [common_beginning(a.tokens, b.tokens) for a, b in pairs]
            tree = _Tree(ordered, common, batch_size, least_shared, tell)
            tree.score(Reading(model, chunk), 0, len(ordered))
        else:
            _score_whole(model, rows, batch_size, tell)
    return [torch.cat(row.scores) for row in rows]


def _check(model: PreTrainedModel, rows: list[_Row]) -> None:
    context = context_length(model)
    for number, row in enumerate(rows):
        where = f"of text {number} in score_continuations"
        if row.first == 0 or row.first == len(row.tokens):
            what = "the continuation" if row.first else "the prompt"
            raise UserError(f"{what} has no tokens, {where}; must have at least 1")
        # The last token is not read.
        if context is not None and len(row.tokens) > context + 1:
            raise UserError(
                f"prompt and continuation have {len(row.tokens)} tokens, {where}; must be at most "
                f"{context + 1}, since the model's context is {context}"
            )


@dataclass(frozen=True)
class _Tree:
    """How texts are scored that begin alike.

    ``common`` are the tokens that each of ``rows`` has in common with the next.
    """

    rows: list[_Row]
    common: list[int]
    batch_size: int
    least_shared: int
    tell: Callable[[int], None]

    def score(self, reading: Reading, begin: int, end: int) -> None:
        """Score rows ``begin`` to ``end``, whose beginning was read; ``reading`` reads on."""
        if end - begin > 1:
            shared = min(self.common[begin : end - 1])
            if shared - reading.length >= self.least_shared:
                _read_shared(self.rows[begin:end], reading, shared)
        least, single = reading.length + self.least_shared, []
        cuts = [n + 1 for n in range(begin, end - 1) if self.common[n] < least]
        for first, last in itertools.pairwise([begin, *cuts, end]):
            if last - first > 1:
                self.score(reading.branch(), first, last)
            else:
                single.append(self.rows[first])
        single.sort(key=lambda row: len(row.tokens))
        for start in range(0, len(single), self.batch_size):
            batch = single[start : start + self.batch_size]
            _score_ends(batch, reading.branch(len(batch)))
            self.tell(len(batch))


def common_beginning(one: list[int], other: list[int]) -> int:
    """Return how many tokens two texts have in common before each of them has one left."""
    most, piece = min(len(one), len(other)) - 1, 1024
    same = 0
    # Lists are compared a piece at a time, since a loop over tokens is slow.
    while same + piece <= most and one[same : same + piece] == other[same : same + piece]:
        same += piece
    while same < most and one[same] == other[same]:
        same += 1
    return same


def _read_shared(rows: list[_Row], reading: Reading, end: int) -> None:
    """Read the tokens that all texts have up to ``end``, and keep what is to be scored of them."""
    begin, device = reading.length, reading.model.device
    first = min(max(min(row.first for row in rows) - begin, 0), end - begin)
    shared = torch.tensor([rows[0].tokens[begin:end]], device=device)
    [scores] = reading.log_probs(shared, first, read_last=True)
    for row in rows:
        row.take(scores, begin + first)


def _score_ends(rows: list[_Row], reading: Reading) -> None:
    """Score what is left of texts, side by side.

    They are padded at the end: no token looks ahead, and nothing is read after it.
    """
    begin = reading.length
    ends = _padded([row.tokens[begin:] for row in rows], reading.model.device)
    first = max(min(row.first for row in rows) - begin, 0)
    scores_BT = reading.log_probs(ends, first)
    for row, scores in zip(rows, scores_BT, strict=True):
        row.take(scores, begin + first)


def _score_whole(
    model: PreTrainedModel, rows: list[_Row], batch_size: int, tell: Callable[[int], None]
) -> None:
    """Score texts without a cache."""
    if turns_by_length(model):
        batch_size = 1
    ordered = sorted(rows, key=lambda row: len(row.tokens))
    for start in range(0, len(ordered), batch_size):
        batch = ordered[start : start + batch_size]
        tokens = _padded([row.tokens for row in batch], model.device)
        first = min(row.first for row in batch)
        keep = tokens.shape[1] - first
        output = model(input_ids=tokens[:, :-1], use_cache=False, **last_only(model, keep))
        logits = output.logits[:, -keep:]
        for row, scores in zip(batch, log_probs_of(logits, tokens[:, first:]), strict=True):
            row.take(scores, first)
        tell(len(batch))


def _padded(texts: list[list[int]], device: torch.device) -> Tensor:
    longest = max(map(len, texts))
    return torch.tensor([text + [0] * (longest - len(text)) for text in texts], device=device)
