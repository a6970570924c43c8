"""The warm start: supervised training on proofs and lemmas before the first round.

The paper starts from a prover of 7B parameters. A randomly initialised model is first trained on
proofs of easy statements that are not targets, found by a search over tactics in Lean, and on
variations of these statements as lemmas. Both players start with its weights.
"""

from lit_research.methods.self_play.warm_start.search import TacticSearch
from lit_research.methods.self_play.warm_start.settings import WarmStart
from lit_research.methods.self_play.warm_start.training import warm_up

__all__ = ["TacticSearch", "WarmStart", "warm_up"]
