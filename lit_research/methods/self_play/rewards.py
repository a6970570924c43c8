"""The rewards of SGS, and the problems that a round trains on.

Bailey et al. 2026, arXiv 2604.20209, section 3, appendices E and G, and the official code. A solve
rate is the share of the k attempts at a problem that Lean accepts, before proofs that use ``try``
or are too long are excluded.

Legend: N problems or conjectures, C conjectures that the Conjecturer trains on.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from lit_research.lean.lexer import without_comments

RELEVANCE, REDUNDANCY, COMPLEXITY = range(6), range(2), range(5)
_UNSCORED_COMPLEXITIES = (3, 4)  # they make the whole score 0

# As a word: no part of `symmetry`, `entry`, `h.try` or `«try»`.
_TRY = re.compile(r"(?<![\w.'?!«])try(?![\w.'?!»])")


def overlong_weight(length: int, limit: int, start: float = 0.8) -> float | None:
    """Return ``-(length - start limit) / ((1 - start) limit)``, in [-1, 0); None if not overlong.

    It replaces the reward, whatever that is. A length of exactly ``start * limit`` is not overlong,
    as in the official code: the formula gives 0 there.

    Args:
        length: generated tokens, without the prompt.
        limit: largest number of generated tokens.
        start: share of ``limit`` above which a text is overlong; 1 disables the penalty.

    Raises:
        ValueError: ``limit`` or ``start`` is out of range.
    """
    if limit < 1 or not 0 <= start <= 1:
        raise ValueError(
            f"limit is {limit} and start is {start}, in the overlong penalty; must be at least 1 "
            "token and from 0 to 1"
        )
    threshold = start * limit
    if start == 1 or length <= threshold:
        return None
    return max(-1.0, -(length - threshold) / (limit - threshold))


def overlong_weights(lengths: Sequence[int], limit: int, start: float = 0.8) -> list[float | None]:
    """Return ``overlong_weight`` of each length, ``[N]``."""
    return [overlong_weight(length, limit, start) for length in lengths]


def in_solver_range(rates: Sequence[float], high: float = 0.5) -> list[bool]:
    """Return which problems the Solver trains on, ``0 < s <= high``, ``[N]``.

    Args:
        rates: solve rates, ``[N]``.
        high: 0.5 is REINFORCE_1/2 (appendix G), 1 is REINFORCE; CISPO uses ``is_interior``.
    """
    return [0 < rate <= high for rate in rates]


def is_interior(rates: Sequence[float]) -> list[bool]:
    """Return which problems are partially solved, ``0 < s < 1``, ``[N]``."""
    return [0 < rate < 1 for rate in rates]


def easiest_allowed(rates: Sequence[float], quantile: float = 0.7) -> float | None:
    """Return the largest solve rate that the Conjecturer is rewarded for; None if there is none.

    ``S[int(quantile |S|)]`` of the sorted interior rates ``S``, ties included.

    Args:
        rates: solve rates of the round's conjectures, ``[N]``.
        quantile: share of the interior rates below it; 1 allows all of them.
    """
    interior = sorted(rate for rate in rates if 0 < rate < 1)
    if not interior:
        return None
    return interior[min(int(quantile * len(interior)), len(interior) - 1)]


def select_conjectures(rates: Sequence[float], quantile: float = 0.7) -> list[int]:
    """Return the indices of the conjectures that the Conjecturer trains on (C in the paper).

    These are partially solved and no easier than ``easiest_allowed``: a conjecture that is always
    solved is never selected, and without interior rates none is.
    """
    threshold = easiest_allowed(rates, quantile)
    if threshold is None:
        return []
    return [index for index, rate in enumerate(rates) if 0 < rate <= threshold]


def uses_try(proof: str, *, substring: bool = False) -> bool:
    """Return whether a proof uses the tactic ``try`` outside of comments.

    Args:
        proof: a block of tactics.
        substring: look for the three letters anywhere, as the official code does; that also
            penalises ``symmetry`` and ``entry``.
    """
    code = without_comments(proof, lenient=True)
    return "try" in code if substring else _TRY.search(code) is not None


def min_max(rewards: Sequence[float]) -> list[float]:
    """Return rewards scaled to [0, 1], ``[C]``; all 1 if they are equal.

    From the official code: the paper's overview only says that rewards lie in [0, 1].
    """
    if not rewards:
        return []
    low, high = min(rewards), max(rewards)
    return [1.0 if low == high else (reward - low) / (high - low) for reward in rewards]


def conjecturer_rewards(
    rates: Sequence[float],
    guide_scores: Sequence[float] | None = None,
    overlong: Sequence[float | None] | None = None,
) -> list[float]:
    """Return the reward of each selected conjecture, ``[C]``.

    ``R_solve R_guide = (1 - s) rho``, scaled over C by ``min_max``; the reward of an overlong
    conjecture is then replaced by its penalty (section 3.2).

    Args:
        rates: solve rates of the selected conjectures, in (0, 1), ``[C]``.
        guide_scores: rho, ``[C]``; None for the ablation without a Guide, ``R_solve`` alone.
        overlong: ``overlong_weight`` of each, ``[C]``.

    Raises:
        ValueError: a rate is 0 or 1: such a conjecture is never selected.
    """
    if not all(is_interior(rates)):
        raise ValueError(
            f"rates are {list(rates)}, in conjecturer_rewards; must be those of selected "
            "conjectures, above 0 and below 1"
        )
    scores = [1.0] * len(rates) if guide_scores is None else guide_scores
    weights = min_max([(1.0 - rate) * score for rate, score in zip(rates, scores, strict=True)])
    if overlong is None:
        return weights
    return [
        weight if penalty is None else penalty
        for weight, penalty in zip(weights, overlong, strict=True)
    ]


def guide_score(relevance: int, redundancy: int, complexity: int) -> int:
    """Return the Guide's score rho, 0 to 8 (appendix E.3).

    ``max(0, relevance + (2 - complexity) + (1 - redundancy))``; 0 for complexity 3 and 4.

    Args:
        relevance: to the target, 0 to 5.
        redundancy: 1 if a premise is unnecessary, else 0.
        complexity: of the conclusion, 0 (atomic) to 4 (many unrelated clauses).

    Raises:
        ValueError: a sub-score is outside its range.
    """
    scores: Sequence[tuple[str, int, range]] = (
        ("relevance", relevance, RELEVANCE),
        ("redundancy", redundancy, REDUNDANCY),
        ("complexity", complexity, COMPLEXITY),
    )
    for name, value, allowed in scores:
        if value not in allowed:
            raise ValueError(
                f"{name} is {value!r}, in a Guide's grade; must be a whole number from 0 to "
                f"{allowed[-1]}"
            )
    if complexity in _UNSCORED_COMPLEXITIES:
        return 0
    return max(0, relevance + (2 - complexity) + (1 - redundancy))


def select_stp_conjectures(
    rates: Sequence[float],
    proof_lengths: Sequence[float],
    statement_lengths: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    *,
    high: float = 0.25,
    drop: float = 0.2,
) -> list[int]:
    """Return the indices of the conjectures that STP trains its Conjecturer on.

    Of those with ``0 < s < high``, each group drops the share ``drop`` (rounded down) with the
    lowest ratios of proof length to statement length: a long statement with a short proof is
    inelegant. Ties are dropped in order. (Dong and Ma 2025, arXiv 2502.00212.)

    Args:
        rates: solve rates, ``[N]``.
        proof_lengths: of the shortest proof of each, ``[N]``; ignored where there is none.
        statement_lengths: in the same unit, ``[N]``.
        groups: what the conjectures were made from (STP: the lemma), ``[N]``; None is one group.
        high: problems with this solve rate or a higher one are too easy.
        drop: share of each group that is dropped, from 0 to 1.
    """
    members: dict[Hashable, list[int]] = {}
    for index, rate in enumerate(rates):
        if 0 < rate < high:
            members.setdefault(None if groups is None else groups[index], []).append(index)
    kept: list[int] = []
    for indices in members.values():
        indices.sort(key=lambda index: proof_lengths[index] / statement_lengths[index])
        kept += indices[int(drop * len(indices)) :]
    return sorted(kept)


def expert_targets(proofs: Sequence[int], cap: int = 16) -> list[int]:
    """Return the indices of the targets that expert iteration samples (appendix G).

    Args:
        proofs: number of correct proofs of each target so far, ``[N]``.
        cap: number of proofs from which on a target is skipped.
    """
    return [index for index, count in enumerate(proofs) if count < cap]
