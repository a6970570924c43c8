"""Evaluations: multiple choice, exact match, pass@k, repeated sampling; what they accumulate.

Each gives a ``Result``: n questions, the value, its standard error, and what could not be scored.
"""

from lit_research.evals.accumulate import GroupAccuracy, Mean, Perplexity
from lit_research.evals.choice_scores import Choices, ChoiceScores
from lit_research.evals.cloze import cloze_items
from lit_research.evals.exact_match import (
    Answer,
    collapse_space,
    exact_match,
    last_match,
    matches,
    read_answers,
)
from lit_research.evals.items import Item
from lit_research.evals.option_rows import ChoiceRows, Row, encode_items, items_with_room
from lit_research.evals.option_scores import OptionScores, choice_accuracy, option_scores
from lit_research.evals.passes import mean_pass_at_k, pass_at_k
from lit_research.evals.published import published_items
from lit_research.evals.repeated import clustered_mean, repeated_sampling
from lit_research.evals.results import Result, results_table, share_stderr

__all__ = [
    "Answer",
    "ChoiceRows",
    "ChoiceScores",
    "Choices",
    "GroupAccuracy",
    "Item",
    "Mean",
    "OptionScores",
    "Perplexity",
    "Result",
    "Row",
    "choice_accuracy",
    "cloze_items",
    "clustered_mean",
    "collapse_space",
    "encode_items",
    "exact_match",
    "items_with_room",
    "last_match",
    "matches",
    "mean_pass_at_k",
    "option_scores",
    "pass_at_k",
    "published_items",
    "read_answers",
    "repeated_sampling",
    "results_table",
    "share_stderr",
]
