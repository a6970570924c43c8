"""The ideation-execution gap: the same ideas, rated before and after they were carried out."""

from lit_research.methods.idea_study.adjusted import Ancova, ancova, hc3
from lit_research.methods.idea_study.core import (
    Comparison,
    Correlation,
    Fall,
    Moments,
    by_idea,
    by_review,
    change_scores,
    change_scores_without,
    changes,
    compare,
    correlations,
    falls,
    other_metrics,
)
from lit_research.methods.idea_study.published import (
    FIRST_STUDY,
    LLM_JUDGED,
    published_by_review,
    published_study,
)
from lit_research.methods.idea_study.readers import read_reviews, write_reviews
from lit_research.methods.idea_study.resampled import Resampled, resample
from lit_research.methods.idea_study.reviews import Reviews, Study, make_study

__all__ = [
    "FIRST_STUDY",
    "LLM_JUDGED",
    "Ancova",
    "Comparison",
    "Correlation",
    "Fall",
    "Moments",
    "Resampled",
    "Reviews",
    "Study",
    "ancova",
    "by_idea",
    "by_review",
    "change_scores",
    "change_scores_without",
    "changes",
    "compare",
    "correlations",
    "falls",
    "hc3",
    "make_study",
    "other_metrics",
    "published_by_review",
    "published_study",
    "read_reviews",
    "resample",
    "write_reviews",
]
