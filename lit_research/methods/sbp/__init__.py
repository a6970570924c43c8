"""Synthetic bootstrapped pre-training: learn how documents are related, write related ones.

``TwoFormats`` is the world whose ceiling is known, ``TwoFormatsCorpus`` its corpus.
"""

from lit_research.methods.sbp.data import TwoFormatsCorpus
from lit_research.methods.sbp.two_formats import TwoFormats, pair_precision_and_recall

__all__ = ["TwoFormats", "TwoFormatsCorpus", "pair_precision_and_recall"]
