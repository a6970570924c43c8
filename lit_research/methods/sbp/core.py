"""Pairs of related documents as rows of tokens, and pairs whose relation is broken.

No Lightning. The synthesizer of "Synthetic bootstrapped pretraining" (Yang et al. 2025) learns d2
given d1, with the loss on d2 and the end of text alone.

Legend: P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.sft import Row

SHORTEST_FIRST = 16
"""Tokens of d1 that a row has room for at least: it is cut to them, never further."""


def pair_row(
    first: Sequence[int],
    second: Sequence[int],
    *,
    separator: int,
    end: int,
    sequence_length: int,
    name: str = "",
) -> Row:
    """Return the row ``[d1; separator; d2; end]``, whose labels are d2 and the end.

    Where the row is longer than ``sequence_length`` positions, d1 loses its last tokens; d2 is
    never cut.

    Args:
        first: token ids of d1; none for a row without a condition.
        second: token ids of d2.
        separator: token between the two.
        end: end-of-text token.
        sequence_length: positions of the longest row, T; a row of T + 1 tokens has T.
        name: of d2, for the message.

    Raises:
        UserError: the row is too long even with the first 16 tokens of d1.
    """
    room = sequence_length - 1 - len(second)
    if room < min(len(first), SHORTEST_FIRST):
        raise UserError(
            f"a pair has {min(len(first), SHORTEST_FIRST) + 1 + len(second)} positions after "
            f"cutting d1 to {SHORTEST_FIRST} tokens, beyond sequence_length {sequence_length}: d2 "
            f"{f'({name!r}) ' if name else ''}has {len(second)} tokens; raise "
            "data.init_args.sequence_length and the positions of the model, or leave out long "
            "documents by data.init_args.max_document_tokens"
        )
    return Row.answer([*first[:room], separator], [*second, end])


def separator_id(tokenizer: Any, token: str | None, where: str) -> int:
    """Return the id of the token between d1 and d2; None is the end of text.

    Raises:
        UserError: the tokenizer has no such token.
    """
    if token is None:
        return int(tokenizer.eos_token_id)
    if token not in tokenizer.get_vocab():
        raise UserError(
            f"separator is {token!r}, {where}, which is no token of the tokenizer; give one of "
            "its tokens, or null"
        )
    return int(tokenizer.get_vocab()[token])


def shuffled(first: np.ndarray, second: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the first documents of the pairs in another order, so that none is in its place.

    Both columns keep their documents; only which is beside which changes.

    Args:
        first: d1 of each pair, as numbers of documents, ``[P]``.
        second: d2 of each pair, ``[P]``.
        random: draws the order.

    Returns:
        ``[P]``: at no place the number of ``first`` or of ``second`` there.

    Raises:
        UserError: there is no such order, or none was found: nearly all pairs have the same d1.
    """
    order = random.permutation(len(first))
    for _ in range(1000):
        wrong = np.flatnonzero((first[order] == first) | (first[order] == second))
        if len(wrong) == 0:
            return first[order]
        for place in wrong:  # exchanged with any other place
            other = random.integers(len(order))
            order[[place, other]] = order[[other, place]]
    raise UserError(
        f"the d1 of {len(first)} pairs cannot be shuffled, since {len(np.unique(first))} documents "
        "are all of them; give more pairs, or hubs a smaller max_degree"
    )
