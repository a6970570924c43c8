"""TTT-E2E: ``TTTE2E``, a model that keeps learning while it reads, with its data modules."""

from lit_research.methods.ttt.data import Permutations
from lit_research.methods.ttt.long_documents import LongDocuments, LongWindows
from lit_research.methods.ttt.module import TTTE2E
from lit_research.methods.ttt.needles import Needles

__all__ = ["TTTE2E", "LongDocuments", "LongWindows", "Needles", "Permutations"]
