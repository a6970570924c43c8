"""distilabel's side of ``benchmarks.stages``; its stages are pickled, so they stand in a module."""

import tempfile
from typing import Any

from distilabel.models.llms import LLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, StepInput, step
from distilabel.steps.tasks import TextGeneration

from benchmarks.stages_graph import BATCH, is_kept, question


class Stub(LLM):
    """Answers with the question."""

    @property
    def model_name(self) -> str:
        """The name."""
        return "stub"

    def generate(self, inputs: list[Any], num_generations: int = 1) -> list[Any]:
        """Return an answer to each."""
        texts = [given[-1]["content"] for given in inputs]
        counts = {"input_tokens": [3], "output_tokens": [5]}
        return [{"generations": [f"{text} None 0"], "statistics": counts} for text in texts]


@step(inputs=["generation"], outputs=["generation"])
def keep(inputs: StepInput) -> Any:
    """Leave out one in five."""
    yield [row for row in inputs if is_kept(row["generation"])]


def run(count: int, tag: str) -> list[str]:
    """Run a job; return the answers that are kept."""
    rows = [{"instruction": question(tag, number)} for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        with Pipeline(name=tag, cache_dir=folder) as pipeline:
            load = LoadDataFromDicts(data=rows, batch_size=BATCH)
            write = TextGeneration(llm=Stub(), input_batch_size=BATCH)
            load >> write >> keep(input_batch_size=BATCH)
        return list(pipeline.run()["default"]["train"]["generation"])
