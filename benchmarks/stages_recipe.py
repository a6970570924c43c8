"""The recipe that ``benchmarks.stages`` measures: all six steps, with programs in place of models.

    python -m benchmarks.stages_recipe ROWS FOLDER

Runs it once and prints a line of JSON: counts, a hash of the last rows, seconds of the processor
and the peak of the memory in MiB.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.pairing import own_peak_mib
from lit_research.evals import Attempt, Verdict, Verifier
from lit_research.methods.openthoughts import (
    ExactDuplicates,
    Recipe,
    TopQuestions,
    VerifiedAnswers,
    WorldQuestions,
    WorldTeacher,
)
from lit_research.methods.openthoughts.question_scores import Score
from lit_research.stages import Pipeline, Row
from lit_research.storage import content_hash


class Signs(Score):
    """The difficulty of a question, as far as its signs show it."""

    column = "difficulty"

    def card(self) -> dict[str, Any]:
        """Return nothing: there are no arguments."""
        return {}

    def scores(self, rows: Sequence[Row], seed: int) -> Sequence[float | str]:
        """Return the number of signs in each question."""
        return [float(sum(map(row["question"].count, "+-*"))) for row in rows]


class Equal(Verifier):
    """Right if the final answer is the key."""

    def card(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": "equal"}

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict on each answer."""
        right, wrong = Verdict("right"), Verdict("wrong", "another answer")
        return [right if one.final == one.key else wrong for one in attempts]


def recipe(rows: int) -> Recipe:
    """Return the recipe that so many rows enter, half of them from each of two sources.

    The easiest tenth is left out, then what is equal to an earlier question; half of the rows are
    asked, a fifth of the answers is wrong, and half of the answers are kept.
    """
    half = rows // 2
    return Recipe(
        {
            "good": WorldQuestions("good", half, seed=0),
            "duplicated": WorldQuestions("duplicated", half, seed=0),
        },
        WorldTeacher("T3", seed=0),
        n=rows // 4,
        m=2,
        question_filter=TopQuestions(Signs()),
        dedup={"exact": ExactDuplicates()},
        answer_filter=VerifiedAnswers(Equal()),
        pool=2.0,
        kept=1.8,
        spare=2.0,
    )


def content(pipeline: Pipeline) -> str:
    """Return a hash of the rows of the last step."""
    import pyarrow as pa

    table, sink = pipeline.run(shown=False).outcome.table(), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return content_hash(bytes(memoryview(sink.getvalue())))


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("folder")
    options = parser.parse_args()
    idle_mib, wall, cpu = own_peak_mib(), time.perf_counter(), time.process_time()
    pipeline = recipe(options.rows).pipeline(options.folder)
    result = pipeline.run(shown=False)
    done = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "idle_mib": idle_mib,
        "peak_mib": own_peak_mib(),
        "counts": {name: dict(counts) for name, counts in result.counts.items()},
        "hash": content(pipeline),
    }
    print(json.dumps(done))


if __name__ == "__main__":
    main()
