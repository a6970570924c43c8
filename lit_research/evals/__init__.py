"""Evaluations: multiple choice, exact match, pass@k, repeated sampling; verifiers of answers.

Each evaluation returns a ``Result``: n questions, the value, its standard error, parse failures,
truncations. A ``Verifier`` says of each answer ``right``, ``wrong`` or ``cannot tell``.
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
from lit_research.evals.final_answers import Final, parse_final
from lit_research.evals.items import Item
from lit_research.evals.option_rows import ChoiceRows, OptionRow, encode_items, items_with_room
from lit_research.evals.option_scores import choice_accuracy
from lit_research.evals.passes import mean_pass_at_k, pass_at_k
from lit_research.evals.program_cases import read_cases
from lit_research.evals.programs import Program, parse_program
from lit_research.evals.published import published_items
from lit_research.evals.repeated import clustered_mean, repeated_sampling
from lit_research.evals.results import Result, mean_of_sums, results_table, share_stderr
from lit_research.evals.verdicts import Attempt, Outcome, Verdict, Verifier, count_verdicts
from lit_research.evals.verify_code import CodeVerifier
from lit_research.evals.verify_judge import JUDGE_PROMPTS, JUDGE_SCHEMA, JudgeVerifier
from lit_research.evals.verify_majority import MajorityVote
from lit_research.evals.verify_math import MathVerifier

__all__ = [
    "JUDGE_PROMPTS",
    "JUDGE_SCHEMA",
    "Answer",
    "Attempt",
    "ChoiceRows",
    "ChoiceScores",
    "Choices",
    "CodeVerifier",
    "Final",
    "GroupAccuracy",
    "Item",
    "JudgeVerifier",
    "MajorityVote",
    "MathVerifier",
    "OptionRow",
    "Outcome",
    "Perplexity",
    "Program",
    "Result",
    "Verdict",
    "Verifier",
    "choice_accuracy",
    "cloze_items",
    "clustered_mean",
    "collapse_space",
    "count_verdicts",
    "encode_items",
    "exact_match",
    "items_with_room",
    "last_match",
    "matches",
    "mean_of_sums",
    "mean_pass_at_k",
    "parse_answers",
    "parse_final",
    "parse_program",
    "pass_at_k",
    "published_items",
    "read_cases",
    "repeated_sampling",
    "results_table",
    "share_stderr",
]
