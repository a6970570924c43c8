"""TTT-E2E: ``TTTE2E`` with ``Permutations``; a model that goes on learning while it reads."""

from lit_research.methods.ttt.data import Permutations
from lit_research.methods.ttt.module import TTTE2E

__all__ = ["TTTE2E", "Permutations"]
