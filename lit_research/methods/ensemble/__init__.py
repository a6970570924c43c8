"""Ensembles and distillation: the best loss that a fixed corpus can give."""

from lit_research.methods.ensemble.asymptotes import Measured, Study, read_points, study
from lit_research.methods.ensemble.choices import MultipleChoice
from lit_research.methods.ensemble.core import (
    combine_log_probs,
    distillation_loss,
    retained_share,
    scores_by_size,
)
from lit_research.methods.ensemble.data import MemberCorpus
from lit_research.methods.ensemble.descent import PAPER_GRID, Grid, coordinate_descent
from lit_research.methods.ensemble.distill import Distill, DistillCorpus
from lit_research.methods.ensemble.module import Ensemble
from lit_research.methods.ensemble.pool import TeacherPool
from lit_research.methods.ensemble.search import RecipeSearch, SearchRounds

__all__ = [
    "PAPER_GRID",
    "Distill",
    "DistillCorpus",
    "Ensemble",
    "Grid",
    "Measured",
    "MemberCorpus",
    "MultipleChoice",
    "RecipeSearch",
    "SearchRounds",
    "Study",
    "TeacherPool",
    "combine_log_probs",
    "coordinate_descent",
    "distillation_loss",
    "read_points",
    "retained_share",
    "scores_by_size",
    "study",
]
