"""Text-writing jobs: prompts in, a ``datasets`` folder out, with any engine of ``lm.engines``.

``write_texts`` runs a job: sharded, resumable, on any number of processes. ``TextJob`` is for a
caller with its own loop; ``shard_loader`` and ``finish_together`` run one in Lightning's
``predict``.

    prompts = [Prompt(question, id=str(i), columns={"answer": a}) for i, (question, a) in ...]
    write_texts(engine, prompts, "answers", Sampling(512, n=4, seed=1), kind="answer")
"""

from lit_research.generation.job import TextJob
from lit_research.generation.predict import finish_together, shard_loader
from lit_research.generation.rows import OWN_COLUMNS, Prompt, Refuse, row_seed
from lit_research.generation.write import write_texts

__all__ = [
    "OWN_COLUMNS",
    "Prompt",
    "Refuse",
    "TextJob",
    "finish_together",
    "row_seed",
    "shard_loader",
    "write_texts",
]
