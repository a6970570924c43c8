"""The mathematics of SGS in one place: rewards, selection, losses, statistics.

Bailey et al. 2026, arXiv 2604.20209. Pure functions on numbers and tensors: what is paid for is in
``rewards.py``, what is minimised in ``objectives.py``.
"""

from lit_research.methods.self_play.objectives import (
    cispo_advantages,
    cispo_loss,
    sampled_entropy,
    stp_weight,
    top_entropy,
    weighted_nll,
)
from lit_research.methods.self_play.rewards import (
    conjecturer_rewards,
    disjunctive_share,
    easiest_allowed,
    expert_targets,
    guide_score,
    in_solver_range,
    interior_share,
    is_interior,
    mean_conclusion_length,
    min_max,
    overlong_weight,
    overlong_weights,
    pass_at_k,
    select_conjectures,
    select_stp_conjectures,
    uses_try,
)

__all__ = [
    "cispo_advantages",
    "cispo_loss",
    "conjecturer_rewards",
    "disjunctive_share",
    "easiest_allowed",
    "expert_targets",
    "guide_score",
    "in_solver_range",
    "interior_share",
    "is_interior",
    "mean_conclusion_length",
    "min_max",
    "overlong_weight",
    "overlong_weights",
    "pass_at_k",
    "sampled_entropy",
    "select_conjectures",
    "select_stp_conjectures",
    "stp_weight",
    "top_entropy",
    "uses_try",
    "weighted_nll",
]
