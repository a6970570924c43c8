"""The ideation-execution gap: ideas of two arms, rated before and after they were executed.

``IdeaStudy`` with ``IdeaReviews`` is the command; the tables are functions of a ``Study``.
"""

from lit_research.methods.idea_study.adjusted import Ancova, ancova, hc3
from lit_research.methods.idea_study.agreement import Agreement, agreement
from lit_research.methods.idea_study.analysis import (
    Analysis,
    Results,
    analyse,
    as_json,
    check_frozen,
    freeze,
)
from lit_research.methods.idea_study.conclusions import Conclusion, conclude, paragraph
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
from lit_research.methods.idea_study.data import IdeaReviews
from lit_research.methods.idea_study.forms import Forms, read_forms, write_forms
from lit_research.methods.idea_study.ideas import Idea, IdeaFile, IdeaSource, TemplateIdeas
from lit_research.methods.idea_study.mixed import Intercepts, Mixed, mixed_models, random_intercept
from lit_research.methods.idea_study.module import IdeaStudy
from lit_research.methods.idea_study.published import (
    FIRST_STUDY,
    LLM_JUDGED,
    MIXED_MODEL,
    published_by_review,
    published_study,
)
from lit_research.methods.idea_study.readers import read_reviews, write_reviews
from lit_research.methods.idea_study.report import render
from lit_research.methods.idea_study.resampled import Resampled, resample
from lit_research.methods.idea_study.reviews import Reviews, Study, make_study
from lit_research.methods.idea_study.simulated import (
    Components,
    Design,
    Power,
    fit_components,
    power,
    simulate_p,
    simulated_study,
)
from lit_research.methods.idea_study.sources import (
    FilledForms,
    PublishedMeans,
    ReviewFiles,
    ReviewSource,
    SimulatedReviews,
)
from lit_research.methods.idea_study.style import StyleGap, strip_style, style_gaps

__all__ = [
    "FIRST_STUDY",
    "LLM_JUDGED",
    "MIXED_MODEL",
    "Agreement",
    "Analysis",
    "Ancova",
    "Comparison",
    "Components",
    "Conclusion",
    "Correlation",
    "Design",
    "Fall",
    "FilledForms",
    "Forms",
    "Idea",
    "IdeaFile",
    "IdeaReviews",
    "IdeaSource",
    "IdeaStudy",
    "Intercepts",
    "Mixed",
    "Moments",
    "Power",
    "PublishedMeans",
    "Resampled",
    "Results",
    "ReviewFiles",
    "ReviewSource",
    "Reviews",
    "SimulatedReviews",
    "Study",
    "StyleGap",
    "TemplateIdeas",
    "agreement",
    "analyse",
    "ancova",
    "as_json",
    "by_idea",
    "by_review",
    "change_scores",
    "change_scores_without",
    "changes",
    "check_frozen",
    "compare",
    "conclude",
    "correlations",
    "falls",
    "fit_components",
    "freeze",
    "hc3",
    "make_study",
    "mixed_models",
    "other_metrics",
    "paragraph",
    "power",
    "published_by_review",
    "published_study",
    "random_intercept",
    "read_forms",
    "read_reviews",
    "render",
    "resample",
    "simulate_p",
    "simulated_study",
    "strip_style",
    "style_gaps",
    "write_forms",
    "write_reviews",
]
