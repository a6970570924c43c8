"""The step that ``benchmarks.stages --near`` measures: near-duplicates among very many questions.

    python -m benchmarks.stages_near write ROWS FILE     # questions, with a tenth of copies
    python -m benchmarks.stages_near run FILE FOLDER

The second runs the step once, with candidates by MinHash at any size, and prints a line of JSON:
what was found of each kind of copy, seconds of the processor and the peak of the memory in MiB.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.pairing import own_peak_mib
from lit_research.methods.openthoughts import NearDuplicates, Questions, WordedWorld
from lit_research.methods.openthoughts.worded_world import GRADES
from lit_research.stages import Pipeline
from lit_research.stages.sources import Files


def write(rows: int, file: Path) -> None:
    """Write questions of ``WordedWorld``, with the kind of a copy in it and in its original."""
    each = rows // (10 * len(GRADES))
    made, planted = WordedWorld(0).duplicated(each, rows - 2 * each * len(GRADES))
    kinds = {name: copy.kind for new, copy in planted.items() for name in (new, copy.of)}
    with file.open("w") as lines:
        for row in made:
            shown = {"id": row["id"], "question": row["question"], "kind": kinds.get(row["id"])}
            lines.write(json.dumps(shown) + "\n")


def run(file: str, folder: str) -> dict[str, Any]:
    """Run the step and return what it took."""
    near = NearDuplicates(numbers_must_match=True, all_pairs=0)
    steps = {"rows": Files(file), "questions": Questions(), "near": near}
    pipeline = Pipeline(steps, folder)
    pipeline.run("questions", shown=False)
    before, cpu, wall = own_peak_mib(), time.process_time(), time.perf_counter()
    outcome = pipeline.run(shown=False).outcome
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    memory = {"before_mib": before, "peak_mib": own_peak_mib()}
    kinds = Counter(str(record["row"]["kind"]) for record in outcome.rejected())
    return {**spent, **memory, "counts": outcome.counts, "rejected": kinds}


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(json.dumps(run(*sys.argv[2:])))
