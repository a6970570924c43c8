"""Evaluations: multiple choice, exact match, pass@k, repeated sampling.

Each returns a ``Result``: n questions, the value, its standard error, parse failures, truncations.
"""

from lit_research.evals.accumulate import GroupAccuracy, Perplexity
from lit_research.evals.choice_scores import Choices, ChoiceScores
from lit_research.evals.cloze import cloze_items
from lit_research.evals.exact_match import (
    Answer,
    collapse_space,
    exact_match,
    last_match,
    matches,
    parse_answers,
)
from lit_research.evals.items import Item
from lit_research.evals.option_rows import ChoiceRows, OptionRow, encode_items, items_with_room
from lit_research.evals.option_scores import choice_accuracy
from lit_research.evals.passes import mean_pass_at_k, pass_at_k
from lit_research.evals.published import published_items
from lit_research.evals.repeated import clustered_mean, repeated_sampling
from lit_research.evals.results import Result, mean_of_sums, results_table, share_stderr

__all__ = [
    "Answer",
    "ChoiceRows",
    "ChoiceScores",
    "Choices",
    "GroupAccuracy",
    "Item",
    "OptionRow",
    "Perplexity",
    "Result",
    "choice_accuracy",
    "cloze_items",
    "clustered_mean",
    "collapse_space",
    "encode_items",
    "exact_match",
    "items_with_room",
    "last_match",
    "matches",
    "mean_of_sums",
    "mean_pass_at_k",
    "parse_answers",
    "pass_at_k",
    "published_items",
    "repeated_sampling",
    "results_table",
    "share_stderr",
]
