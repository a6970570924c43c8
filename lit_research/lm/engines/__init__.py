"""Text generation: one call, two engines, the same records.

``TransformersEngine`` samples from a model of this process and follows its live weights.
``OpenAIEngine`` asks any server that speaks ``/v1/completions``: vLLM, SGLang, llama.cpp,
``transformers serve``.
"""

from lit_research.lm.engines.base import Completion, Engine, Prompts, Sampling
from lit_research.lm.engines.in_process import TransformersEngine
from lit_research.lm.engines.server import OpenAIEngine

__all__ = [
    "Completion",
    "Engine",
    "OpenAIEngine",
    "Prompts",
    "Sampling",
    "TransformersEngine",
]
