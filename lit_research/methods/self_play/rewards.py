"""Rewards of SGS, what a round trains on, and the statistics that it is watched by.

Bailey et al. 2026, arXiv 2604.20209, section 3, figure 2, appendices E and G, read with the
official code. A solve rate is the share of the k proofs of a problem that Lean accepts, before
those with ``try`` or of too many tokens are left out.

Legend: N problems or conjectures, C conjectures that are trained on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence

from lit_research.lean.lexer import without_comments
from lit_research.lean.statements import Statement

RELEVANCE, REDUNDANCY, COMPLEXITY = range(6), range(2), range(5)
_MESSY = (3, 4)  # complexities that take the whole score

# As a word: no part of `symmetry`, `entry`, `h.try` or `«try»`.
_TRY = re.compile(r"(?<![\w.'?!«])try(?![\w.'?!»])")


def overlong_weight(length: int, limit: int, start: float = 0.8) -> float | None:
    """Return ``-(length - start limit) / ((1 - start) limit)``, in [-1, 0); None if not overlong.

    It takes the place of the reward, whatever that is. A length of exactly ``start * limit`` is not
    overlong, as in the official code: the formula gives 0 there.

    Args:
        length: generated tokens alone, without the prompt.
        limit: tokens that a generation may have.
        start: share of ``limit`` from which on it is overlong; 1 switches the penalty off.

    Raises:
        ValueError: ``limit`` or ``start`` is out of range.
    """
    if limit < 1 or not 0 <= start <= 1:
        raise ValueError(
            f"limit={limit} and start={start} of the overlong penalty: give a limit of 1 token or "
            "more and a start from 0 to 1"
        )
    first = start * limit
    if start == 1 or length <= first:
        return None
    return max(-1.0, -(length - first) / (limit - first))


def overlong_weights(lengths: Sequence[int], limit: int, start: float = 0.8) -> list[float | None]:
    """Return ``overlong_weight`` of each length, ``[N]``."""
    return [overlong_weight(length, limit, start) for length in lengths]


def in_solver_range(rates: Sequence[float], high: float = 0.5) -> list[bool]:
    """Return which problems the Solver trains on, ``0 < s <= high``, ``[N]``.

    Args:
        rates: solve rates, ``[N]``.
        high: 0.5 is REINFORCE_1/2 (appendix G), 1 is REINFORCE; CISPO takes ``is_interior``.
    """
    return [0 < rate <= high for rate in rates]


def is_interior(rates: Sequence[float]) -> list[bool]:
    """Return which problems are solved at times, ``0 < s < 1``, ``[N]``."""
    return [0 < rate < 1 for rate in rates]


def easiest_allowed(rates: Sequence[float], quantile: float = 0.7) -> float | None:
    """Return the largest solve rate that the Conjecturer is paid for; None if there is none.

    ``S[int(quantile |S|)]`` of the sorted interior rates ``S``, ties and all.

    Args:
        rates: solve rates of the round's conjectures, ``[N]``.
        quantile: share of the interior rates that lie below; 1 allows all of them.
    """
    interior = sorted(rate for rate in rates if 0 < rate < 1)
    if not interior:
        return None
    return interior[min(int(quantile * len(interior)), len(interior) - 1)]


def select_conjectures(rates: Sequence[float], quantile: float = 0.7) -> list[int]:
    """Return the numbers of the conjectures that the Conjecturer trains on (C in the paper).

    Those that are solved at times and are no easier than ``easiest_allowed``: never one that is
    always solved, and none at all without interior rates.
    """
    threshold = easiest_allowed(rates, quantile)
    if threshold is None:
        return []
    return [place for place, rate in enumerate(rates) if 0 < rate <= threshold]


def uses_try(proof: str, *, substring: bool = False) -> bool:
    """Return whether a proof uses the tactic ``try``, comments left out.

    Args:
        proof: a block of tactics.
        substring: look for the three letters anywhere, as the official code does; that punishes
            ``symmetry`` and ``entry`` too.
    """
    code = without_comments(proof, lenient=True)
    return "try" in code if substring else _TRY.search(code) is not None


def min_max(rewards: Sequence[float]) -> list[float]:
    """Return rewards stretched to [0, 1], ``[C]``; all 1 if they are equal, none of none.

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
    """Return the weights of the Conjecturer's generations, ``[C]``.

    ``R_solve R_guide = (1 - s) rho``, stretched over C by ``min_max``; then the weight of an
    overlong generation is replaced by its negative value (section 3.2).

    Args:
        rates: solve rates of the selected conjectures, in (0, 1), ``[C]``.
        guide_scores: rho, ``[C]``; None for the variant without a Guide, ``R_solve`` alone.
        overlong: of ``overlong_weight``, ``[C]``.

    Raises:
        ValueError: a rate is 0 or 1: such a conjecture is never selected.
    """
    if not all(is_interior(rates)):
        raise ValueError(
            f"solve rates {list(rates)} of conjectures: give those of selected ones, in (0, 1)"
        )
    scores = [1.0] * len(rates) if guide_scores is None else guide_scores
    weights = min_max([(1.0 - rate) * score for rate, score in zip(rates, scores, strict=True)])
    late = [None] * len(rates) if overlong is None else overlong
    return [weight if value is None else value for weight, value in zip(weights, late, strict=True)]


def guide_score(relevance: int, redundancy: int, complexity: int) -> int:
    """Return the Guide's score rho, 0 to 8 (appendix E.3).

    ``max(0, relevance + (2 - complexity) + (1 - redundancy))``; 0 for complexity 3 and 4.

    Args:
        relevance: to the target, 0 to 5.
        redundancy: 1 if a premise is not needed, else 0.
        complexity: of the conclusion, 0 (atomic) to 4 (many unrelated clauses).

    Raises:
        ValueError: a sub-score is outside its range.
    """
    given: Sequence[tuple[str, int, range]] = (
        ("relevance", relevance, RELEVANCE),
        ("redundancy", redundancy, REDUNDANCY),
        ("complexity", complexity, COMPLEXITY),
    )
    for name, value, allowed in given:
        if value not in allowed:
            raise ValueError(
                f"{name} is {value!r}, of a Guide's grade: give a whole number from 0 to "
                f"{allowed[-1]}"
            )
    if complexity in _MESSY:
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
    """Return the numbers of the conjectures that STP trains its conjecturer on.

    First ``0 < s < high``; then each group loses the share ``drop`` (rounded down) with the lowest
    ratios of proof to statement: a long statement with a short proof is inelegant. Of equal ratios
    the earlier one goes. (Dong and Ma 2025, arXiv 2502.00212.)

    Args:
        rates: solve rates, ``[N]``.
        proof_lengths: of the shortest proof of each, ``[N]``; read where it is proved.
        statement_lengths: in the same unit, ``[N]``.
        groups: what the conjectures were made from (STP: the lemma), ``[N]``; None is one group.
        high: solve rates from here on are too easy.
        drop: share of each group that is left out, from 0 to 1.
    """
    members: dict[Hashable, list[int]] = {}
    for place, rate in enumerate(rates):
        if 0 < rate < high:
            members.setdefault(None if groups is None else groups[place], []).append(place)
    kept: list[int] = []
    for places in members.values():
        places.sort(key=lambda place: proof_lengths[place] / statement_lengths[place])
        kept += places[int(drop * len(places)) :]
    return sorted(kept)


def expert_targets(proofs: Sequence[int], cap: int = 16) -> list[int]:
    """Return the numbers of the targets that expert iteration samples (appendix G).

    Args:
        proofs: correct proofs of each target so far, ``[N]``.
        cap: proofs after which a target is left alone.
    """
    return [place for place, count in enumerate(proofs) if count < cap]


def disjunctive_share(conjectures: Sequence[Statement]) -> float:
    """Return the share of statements with a disjunction in their conclusion (figure 2)."""
    return _mean([statement.disjuncts > 1 for statement in conjectures])


def mean_conclusion_length(conjectures: Sequence[Statement]) -> float:
    """Return the mean length of the conclusions in tokens of Lean (figure 2); nan of no data."""
    return _mean([statement.conclusion_length for statement in conjectures])


def interior_share(rates: Sequence[float]) -> float:
    """Return the share of problems that are solved at times, ``0 < s < 1``; nan of no data."""
    return _mean(is_interior(rates))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
