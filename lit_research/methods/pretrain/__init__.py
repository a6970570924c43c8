"""Next-token training: ``Pretrain`` with a corpus.

``Corpus`` is any text, ``MixedCorpus`` real and synthetic text, ``StreamedCorpus`` large text.
"""

from lit_research.methods.pretrain.core import Schedule, decay_mask, param_groups, sums_by_group
from lit_research.methods.pretrain.data import Corpus
from lit_research.methods.pretrain.mixed import MixedCorpus, MixtureCorpus
from lit_research.methods.pretrain.module import Pretrain
from lit_research.methods.pretrain.predictions import LogProbWriter
from lit_research.methods.pretrain.recipe import (
    check_recipe,
    check_sequence_length,
    optimizer_with_schedule,
)
from lit_research.methods.pretrain.streamed import StreamedCorpus

__all__ = [
    "Corpus",
    "LogProbWriter",
    "MixedCorpus",
    "MixtureCorpus",
    "Pretrain",
    "Schedule",
    "StreamedCorpus",
    "check_recipe",
    "check_sequence_length",
    "decay_mask",
    "optimizer_with_schedule",
    "param_groups",
    "sums_by_group",
]
