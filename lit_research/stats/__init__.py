"""Is one arm better than another? Tests, intervals, corrections and power for comparing arms.

The independent unit of an experiment is nearly always the seed: arms of a seed share their data and
their initial weights, so their differences are compared (``paired_t``), and items of one model are
resampled only together with seeds (``crossed_bootstrap``). Decide what is claimed, the smallest
effect of interest and the number of seeds (``seeds_needed``) before the runs, and correct for the
number of claims (``holm``). Needs numpy and scipy only.
"""

from lit_research.stats.choice import Choice, choose
from lit_research.stats.corrections import benjamini_hochberg, bonferroni, holm
from lit_research.stats.correlation import kendall, spearman
from lit_research.stats.means import equivalent, no_worse, paired_t, welch_t
from lit_research.stats.power import seeds_needed, smallest_effect, t_power
from lit_research.stats.proportions import mcnemar, wilson, wilson_of_share
from lit_research.stats.ranking import Pair, rank_pairs
from lit_research.stats.resampling import (
    crossed_bootstrap,
    permutation,
    ratio_bootstrap,
    sign_flips,
)
from lit_research.stats.result import Alternative, Inference

__all__ = [
    "Alternative",
    "Choice",
    "Inference",
    "Pair",
    "benjamini_hochberg",
    "bonferroni",
    "choose",
    "crossed_bootstrap",
    "equivalent",
    "holm",
    "kendall",
    "mcnemar",
    "no_worse",
    "paired_t",
    "permutation",
    "rank_pairs",
    "ratio_bootstrap",
    "seeds_needed",
    "sign_flips",
    "smallest_effect",
    "spearman",
    "t_power",
    "welch_t",
    "wilson",
    "wilson_of_share",
]
