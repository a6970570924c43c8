"""Our side of the three stages that ``benchmarks.stages`` compares."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.stages_graph import BATCH, is_kept, question
from lit_research.lm.engines import Completion, Engine, OpenAIEngine, StoredEngine
from lit_research.lm.engines.base import Prompts, Sampling
from lit_research.methods.openthoughts.question_rows import Questions
from lit_research.methods.openthoughts.teachers import Annotate, EngineTeacher
from lit_research.stages import Filter, Pipeline, Reasons
from lit_research.stages.sources import Rows

Work: TypeAlias = Callable[[int, str], dict[str, Any]]
"""Runs a job of so many rows, by its name: ``wall_s``, ``cpu_s``, and the ``texts`` it keeps."""


class Stub(Engine):
    """Answers with the question."""

    def card(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": "stub"}

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return an answer to each."""
        return [
            [Completion(f"{prompt} None 0", (), (), "stop", 0, place, 0, 3, 5)]
            for place, prompt in enumerate(prompts)
        ]


class Kept(Filter):
    """Leaves out one in five."""

    def card(self) -> dict[str, Any]:
        """Return nothing: there are no arguments."""
        return {}

    def reasons(self, rows: Any) -> Reasons:
        """Return which answers are left out."""
        finals = rows["final"].to_pylist()
        return Reasons([None if is_kept(text) else "one in five" for text in finals])


def _run(engine: Engine, count: int, tag: str) -> dict[str, Any]:
    rows = [{"id": str(number), "question": question(tag, number)} for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        steps = {
            "rows": Rows(rows, name=tag, rows_per_shard=BATCH),
            "questions": Questions(),
            "answered": Annotate(EngineTeacher(engine, licence="none", max_new_tokens=4)),
            "kept": Kept(),
        }
        texts = Pipeline(steps, folder).run(shown=False).outcome.table()["final"].to_pylist()
        spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    return {**spent, "texts": texts}


def in_process() -> Work:
    """Return what runs a job with a stub in the process."""
    return partial(_run, Stub())


def with_server(url: str, concurrency: int, folder: Path) -> Work:
    """Return what runs a job with a server, each answer kept as it comes."""
    engine = OpenAIEngine(url, "m", max_concurrency=concurrency, chat=True)
    return partial(_run, StoredEngine(engine, str(folder / "answers.sqlite")))
