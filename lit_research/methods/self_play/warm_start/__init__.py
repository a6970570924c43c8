"""The warm start: a small model learns to write proofs and lemmas before the first round.

The paper starts from a prover of 7B parameters. A model built from nothing learns first from
proofs that a search over tactics finds in Lean, of easy statements that are no targets, and from
variations of these statements, so that it can answer both kinds of prompts. Both players start as
it.
"""

from lit_research.methods.self_play.warm_start.search import TacticSearch
from lit_research.methods.self_play.warm_start.settings import WarmStart
from lit_research.methods.self_play.warm_start.training import warm_up

__all__ = ["TacticSearch", "WarmStart", "warm_up"]
