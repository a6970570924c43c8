"""The ideation-execution gap: ideas of two arms, rated before and after they were executed.

``IdeaStudy`` with ``IdeaReviews`` is the command; the tables are functions of a ``Study``.
"""

from lit_research.methods.idea_study.adjusted import Ancova, ancova, hc3
from lit_research.methods.idea_study.agreement import Agreement, agreement
from lit_research.methods.idea_study.analysis import Results, analyse, as_json
from lit_research.methods.idea_study.comparisons import Comparison, Moments, compare
from lit_research.methods.idea_study.components import Components, Design, fit_components
from lit_research.methods.idea_study.conclusions import Conclusion, conclude
from lit_research.methods.idea_study.core import (
    Correlation,
    Fall,
    by_idea,
    by_review,
    change_scores,
    change_scores_without,
    changes,
    correlations,
    falls,
    other_metrics,
)
from lit_research.methods.idea_study.data import IdeaReviews
from lit_research.methods.idea_study.duplicates import MINILM, DuplicateIdea, distinct_ideas
from lit_research.methods.idea_study.filled_forms import read_forms
from lit_research.methods.idea_study.forms import Forms, write_forms
from lit_research.methods.idea_study.ideas import Idea, IdeaFile, IdeaSource
from lit_research.methods.idea_study.intercepts import Intercepts, random_intercept
from lit_research.methods.idea_study.judges import JUDGE_PROMPT, EngineJudge, PairJudge
from lit_research.methods.idea_study.judging import Judgement, Position, judge_pairs, position
from lit_research.methods.idea_study.mixed import Mixed, mixed_models
from lit_research.methods.idea_study.module import IdeaStudy
from lit_research.methods.idea_study.options import Analysis, check_frozen, freeze
from lit_research.methods.idea_study.pictures import fall_figure, gap_figure
from lit_research.methods.idea_study.powers import Power, power
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
from lit_research.methods.idea_study.reviews import Reviews
from lit_research.methods.idea_study.simulated import simulate_p, simulated_study
from lit_research.methods.idea_study.simulated_reviews import SimulatedReviews
from lit_research.methods.idea_study.sources import (
    FilledForms,
    PublishedMeans,
    ReviewFiles,
    ReviewSource,
)
from lit_research.methods.idea_study.study import Study, make_study
from lit_research.methods.idea_study.style import StyleGap, strip_style, style_gaps
from lit_research.methods.idea_study.template_ideas import TemplateIdeas
from lit_research.methods.idea_study.tournament import Tournament, swiss
from lit_research.methods.idea_study.wording import paragraph

__all__ = [
    "FIRST_STUDY",
    "JUDGE_PROMPT",
    "LLM_JUDGED",
    "MINILM",
    "MIXED_MODEL",
    "Agreement",
    "Analysis",
    "Ancova",
    "Comparison",
    "Components",
    "Conclusion",
    "Correlation",
    "Design",
    "DuplicateIdea",
    "EngineJudge",
    "Fall",
    "FilledForms",
    "Forms",
    "Idea",
    "IdeaFile",
    "IdeaReviews",
    "IdeaSource",
    "IdeaStudy",
    "Intercepts",
    "Judgement",
    "Mixed",
    "Moments",
    "PairJudge",
    "Position",
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
    "Tournament",
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
    "distinct_ideas",
    "fall_figure",
    "falls",
    "fit_components",
    "freeze",
    "gap_figure",
    "hc3",
    "judge_pairs",
    "make_study",
    "mixed_models",
    "other_metrics",
    "paragraph",
    "position",
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
    "swiss",
    "write_forms",
    "write_reviews",
]
