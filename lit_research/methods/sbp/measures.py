"""Pure functions of synthetic bootstrapped pre-training: copied runs, repetition, recovered share.

"Synthetic bootstrapped pretraining" (Yang et al. 2025, arXiv 2509.15248).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.stats import Inference, ratio_bootstrap


def longest_common_run(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the longest run of tokens that stands in both sequences.

    By a suffix automaton of the first sequence (Blumer et al. 1985): exact, and linear in the
    length of both.

    Args:
        first: token ids, ``[T1]``.
        second: token ids, ``[T2]``.
    """
    following, links, lengths = _suffix_automaton(first)
    state = length = longest = 0
    for token in second:
        while state and token not in following[state]:
            state = links[state]
            length = lengths[state]
        if token in following[state]:
            state = following[state][token]
            length += 1
            longest = max(longest, length)
    return longest


def _suffix_automaton(
    tokens: Sequence[int],
) -> tuple[list[dict[int, int]], list[int], list[int]]:
    """Return the transitions, the suffix link and the longest run of each state; 0 is the start."""
    following: list[dict[int, int]] = [{}]
    links, lengths, last = [-1], [0], 0
    for token in tokens:
        new = len(following)
        following.append({})
        links.append(0)
        lengths.append(lengths[last] + 1)
        state, last = last, new
        while state >= 0 and token not in following[state]:
            following[state][token] = new
            state = links[state]
        if state < 0:
            continue
        after = following[state][token]
        if lengths[after] != lengths[state] + 1:
            clone = len(following)
            following.append(dict(following[after]))
            links.append(links[after])
            lengths.append(lengths[state] + 1)
            links[after] = clone
            while state >= 0 and following[state].get(token) == after:
                following[state][token] = clone
                state = links[state]
            after = clone
        links[new] = after
    return following, links, lengths


def repeated_share(tokens: Sequence[int], ngram: int) -> float:
    """Return the share of the tokens that lie in an n-gram which stood earlier in the text.

    A token in several of them counts once (Rae et al. 2021, appendix A.1.1). The first occurrence
    of an n-gram does not count.

    Args:
        tokens: token ids of a text, ``[T]``.
        ngram: tokens of an n-gram, n.
    """
    seen: set[tuple[int, ...]] = set()
    covered, end = 0, 0  # `end`: of the last repeated n-gram
    for start in range(len(tokens) - ngram + 1):
        gram = tuple(tokens[start : start + ngram])
        if gram in seen:
            covered += start + ngram - max(start, end)
            end = start + ngram
        seen.add(gram)
    return covered / len(tokens) if len(tokens) else 0.0


def recovered_share(
    base: ArrayLike, method: ArrayLike, oracle: ArrayLike, *, confidence: float = 0.9
) -> Inference:
    """Return the share of the oracle's gain that a method recovers: 1 for the oracle itself.

    ``(base - method) / (base - oracle)`` of the mean losses, with an interval by a bootstrap of the
    seeds. Any fresh text recovers some of it where repetition over-fits, so show it only next to
    that of a control (random pairs).

    Args:
        base: losses of the tuned baseline, one a seed, ``[S]``.
        method: those of the method, of the same seeds.
        oracle: those of the oracle.
        confidence: of the interval.

    Raises:
        UserError: the oracle is no better than the baseline, or the numbers of seeds differ.
    """
    losses = [np.asarray(values, dtype=np.float64) for values in (base, method, oracle)]
    base_S, method_S, oracle_S = losses
    if len({values.shape for values in losses}) > 1:
        sizes = ", ".join(str(list(values.shape)) for values in losses)
        raise UserError(
            f"base, method and oracle have the shapes {sizes}, in recovered_share; must be losses "
            "of the same seeds"
        )
    if not oracle_S.mean() < base_S.mean():
        raise UserError(
            f"the oracle's loss {oracle_S.mean():.6g} is not below the tuned baseline's "
            f"{base_S.mean():.6g}, in recovered_share; there is no gain to recover a share of, so "
            "compare the losses themselves"
        )
    return ratio_bootstrap(base_S - method_S, base_S - oracle_S, confidence=confidence)
