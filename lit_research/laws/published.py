"""Laws with published parameters, for comparison and tests.

A floor ``E`` depends on its validation set and tokenizer: compare exponents and gains rather than
losses.
"""

import math

from lit_research.laws.one_variable import PowerLaw, Sigmoid
from lit_research.laws.parameters_and_data import Chinchilla, DataConstrained
from lit_research.laws.result import Curve

# Kim, Kotha, Liang, Hashimoto 2025 (arXiv 2509.14786): loss on DCLM; D in billions of unique
# tokens, N in billions of parameters.
STANDARD_RECIPE = Curve(PowerLaw(), {"E": 1.89, "A": 1.30, "alpha": 0.23})
"""Loss in D of the tuned standard recipe (weight decay 0.1)."""

REGULARIZED_RECIPE = Curve(PowerLaw(), {"E": 1.96, "A": 1.03, "alpha": 0.23})
"""Asymptote in N, as a law in D, of the recipe with tuned weight decay."""

JOINT_RECIPE = Curve(PowerLaw(), {"E": 1.90, "A": 0.88, "alpha": 0.24})
"""Asymptote in members and N, as a law in D, of ensembles with tuned weight decay."""

CHINCHILLA_REFIT = Curve(
    Chinchilla(), {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
)
"""Besiroglu et al. 2024 (arXiv 2404.10102), refit of Hoffmann et al.; N and D are counts."""

MUENNIGHOFF_C4 = Curve(
    DataConstrained(),
    {
        "E": math.exp(0.6254804),
        "A": math.exp(6.255414),
        "alpha": 0.3526596,
        "B": math.exp(7.3049974),
        "beta": 0.3526596,
        "R_D": 15.387756,
        "R_N": 5.309743,
    },
)
"""Muennighoff et al. 2023 (arXiv 2305.16264), appendix A, on C4; N and U are counts."""

# Bailey et al. 2026 (arXiv 2604.20209), section 4.2 and appendix A: cumulative solve rate on the
# 3323 problems of D_3k in generations (conjectures and proofs).
SGS_RATE = Curve(Sigmoid(), {"A": 0.671, "Cmid": 1_252_336.0, "B": 0.585})
"""The fit of SGS. Its R0, the first kept observation, is not printed; here it is 0."""

SGS_ASYMPTOTES = {
    "sgs": 0.671,
    "no_guide": 0.655,
    "frozen_conjecturer": 0.622,
    "no_conditioning": 0.603,
    "reinforce_half": 0.603,
    "expert_iteration": 0.600,
    "cispo": 0.575,
    "sgs_cispo": 0.575,
}
"""Fitted ``A`` of every run; gaps below 0.011 are noise (``SGS_SUBSETS``)."""

SGS_TAIL_DROPS = {0.0: 0.671, 0.1: 0.670, 0.2: 0.666, 0.3: 0.659}
"""Share of the last points left out of the fit of SGS -> its ``A``."""

SGS_SUBSETS = (0.676, 0.011)
"""Mean and s.d. of ``A`` of SGS over 100 random halves of the points."""
