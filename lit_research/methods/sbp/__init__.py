"""Synthetic bootstrapped pre-training: learn how documents are related, write related ones.

``Synthesizer`` is tuned on ``RelatedPairs`` and writes a ``SyntheticCorpus``, which ``MixedCorpus``
reads for the joint training. ``TwoFormats`` is a world whose relations are known,
``TwoFormatsCorpus`` and ``TwoFormatsPairs`` are its data modules.
"""

from lit_research.methods.sbp.data import RelatedPairs
from lit_research.methods.sbp.filters import Filters
from lit_research.methods.sbp.measures import longest_common_run, recovered_share, repeated_share
from lit_research.methods.sbp.module import Synthesizer
from lit_research.methods.sbp.quality import EngineJudge, Judge, Quality
from lit_research.methods.sbp.synthetic_corpus import SyntheticCorpus
from lit_research.methods.sbp.truth import pair_precision_and_recall
from lit_research.methods.sbp.two_formats import TwoFormats
from lit_research.methods.sbp.two_formats_data import TwoFormatsCorpus, TwoFormatsPairs

__all__ = [
    "EngineJudge",
    "Filters",
    "Judge",
    "Quality",
    "RelatedPairs",
    "Synthesizer",
    "SyntheticCorpus",
    "TwoFormats",
    "TwoFormatsCorpus",
    "TwoFormatsPairs",
    "longest_common_run",
    "pair_precision_and_recall",
    "recovered_share",
    "repeated_share",
]
