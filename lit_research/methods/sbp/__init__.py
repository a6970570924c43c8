"""Synthetic bootstrapped pre-training: learn how documents are related, write related ones.

``TwoFormats`` is the world whose ceiling is known, ``TwoFormatsCorpus`` its corpus.
"""

from lit_research.methods.sbp.data import TwoFormatsCorpus
from lit_research.methods.sbp.filters import Filters
from lit_research.methods.sbp.measures import longest_common_run, recovered_share, repeated_share
from lit_research.methods.sbp.two_formats import TwoFormats, pair_precision_and_recall
from lit_research.methods.sbp.writing import SyntheticCorpus

__all__ = [
    "Filters",
    "SyntheticCorpus",
    "TwoFormats",
    "TwoFormatsCorpus",
    "longest_common_run",
    "pair_precision_and_recall",
    "recovered_share",
    "repeated_share",
]
