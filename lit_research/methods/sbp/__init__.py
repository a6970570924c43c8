"""Synthetic bootstrapped pre-training: learn how documents are related, write related ones.

``Synthesizer`` is tuned on ``RelatedPairs``. ``TwoFormats`` is a world whose relations are known,
``TwoFormatsCorpus`` and ``TwoFormatsPairs`` are its data modules.
"""

from lit_research.methods.sbp.data import RelatedPairs
from lit_research.methods.sbp.module import Synthesizer
from lit_research.methods.sbp.two_formats import TwoFormats, pair_precision_and_recall
from lit_research.methods.sbp.two_formats_data import TwoFormatsCorpus, TwoFormatsPairs

__all__ = [
    "RelatedPairs",
    "Synthesizer",
    "TwoFormats",
    "TwoFormatsCorpus",
    "TwoFormatsPairs",
    "pair_precision_and_recall",
]
