"""Ensembles and distillation: the lowest loss that a fixed corpus allows."""

from lit_research.methods.ensemble.asymptotes import Measured, Study, read_points, study
from lit_research.methods.ensemble.choices import MultipleChoice
from lit_research.methods.ensemble.core import (
    combine_log_probs,
    distillation_loss,
    retained_share,
    scores_by_size,
)
from lit_research.methods.ensemble.data import MemberCorpus
from lit_research.methods.ensemble.distill import Distill, DistillCorpus
from lit_research.methods.ensemble.module import Ensemble
from lit_research.methods.ensemble.pool import TeacherPool

__all__ = [
    "Distill",
    "DistillCorpus",
    "Ensemble",
    "Measured",
    "MemberCorpus",
    "MultipleChoice",
    "Study",
    "TeacherPool",
    "combine_log_probs",
    "distillation_loss",
    "read_points",
    "retained_share",
    "scores_by_size",
    "study",
]
