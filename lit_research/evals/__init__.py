"""Evaluations: multiple choice by option log-likelihood, results with n and standard error."""

from lit_research.evals.choice_scores import Choices, ChoiceScores
from lit_research.evals.cloze import cloze_items
from lit_research.evals.items import Item
from lit_research.evals.option_rows import ChoiceRows, Row, encode_items, items_with_room
from lit_research.evals.option_scores import OptionScores, choice_accuracy, option_scores
from lit_research.evals.published import LAYOUTS, published_items
from lit_research.evals.results import Result, results_table

__all__ = [
    "LAYOUTS",
    "ChoiceRows",
    "ChoiceScores",
    "Choices",
    "Item",
    "OptionScores",
    "Result",
    "Row",
    "choice_accuracy",
    "cloze_items",
    "encode_items",
    "items_with_room",
    "option_scores",
    "published_items",
    "results_table",
]
