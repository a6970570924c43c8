"""Text generation: one call, several engines, the same records.

``TransformersEngine`` samples from a model of this process and follows its live weights.
``FolderEngine`` does so with a model that it loads from a folder, frozen.
``OpenAIEngine`` asks any server that speaks ``/v1/completions`` or ``/v1/chat/completions``: vLLM,
SGLang, llama.cpp, ``transformers serve``.
``StoredEngine`` keeps what another engine answers, so that nothing is asked for twice.
"""

from lit_research.lm.engines.base import (
    Completion,
    Engine,
    EngineCallable,
    LiveEngine,
    Prompts,
    Sampling,
    collect,
)
from lit_research.lm.engines.folder import FolderEngine
from lit_research.lm.engines.in_process import TransformersEngine
from lit_research.lm.engines.server import OpenAIEngine
from lit_research.lm.engines.stored import StoredEngine

__all__ = [
    "Completion",
    "Engine",
    "EngineCallable",
    "FolderEngine",
    "LiveEngine",
    "OpenAIEngine",
    "Prompts",
    "Sampling",
    "StoredEngine",
    "TransformersEngine",
    "collect",
]
