"""OpenThoughts: recipes for reasoning data, found by controlled experiment.

``ReasoningWorld`` has questions, sources with planted faults and teachers whose truth is known.
"""

from lit_research.methods.openthoughts.reasoning_world import Planted, ReasoningWorld

__all__ = ["Planted", "ReasoningWorld"]
