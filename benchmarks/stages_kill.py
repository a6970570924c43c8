"""A recipe that is killed at random points, each time begun again, against one that is not.

    python -m benchmarks.stages_kill            # 100,000 rows, ten points; some minutes
    python -m benchmarks.stages_kill 2000 3

A kill comes when so many shards of all steps are finished; the numbers are drawn. The rows at the
end must be those of the unbroken run, and no shard that was finished may be written again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MARKS = "[0-9]*.json"  # written last of a shard


def killed(rows: int, kills: int) -> dict[str, Any]:
    """Return how many shards were finished at each kill, and how many of them came again.

    Args:
        rows: that enter the recipe.
        kills: how often it is killed.
    """
    with tempfile.TemporaryDirectory() as name:
        unbroken, broken = Path(name) / "unbroken", Path(name) / "broken"
        expected = json.loads(subprocess.check_output(_command(rows, unbroken), text=True))
        shards = len(list(unbroken.rglob(MARKS)))
        points = sorted(random.Random(0).sample(range(1, shards), kills))
        repeated, at = 0, []
        for point in points:
            before = _finished(broken)
            with subprocess.Popen(_command(rows, broken), stdout=subprocess.DEVNULL) as process:
                while len(list(broken.rglob(MARKS))) < point:
                    assert process.poll() is None, "the run ended before it was killed"
                    time.sleep(0.002)
                os.kill(process.pid, signal.SIGKILL)
            after = _finished(broken)
            repeated += sum(after.get(path) != mark for path, mark in before.items())
            at.append(len(after))
        before = _finished(broken)
        done = json.loads(subprocess.check_output(_command(rows, broken), text=True))
        after = _finished(broken)
    repeated += sum(after.get(path) != mark for path, mark in before.items())
    same = (done["hash"], done["counts"]) == (expected["hash"], expected["counts"])
    return {"rows": rows, "shards": shards, "killed_at": at, "repeated": repeated, "same": same}


def _command(rows: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.stages_recipe", str(rows), str(folder)]


def _finished(folder: Path) -> dict[str, tuple[int, int]]:
    """Return when each finished shard was written, and its inode."""
    states = {str(path): path.stat() for path in folder.rglob(MARKS)}
    return {path: (state.st_mtime_ns, state.st_ino) for path, state in states.items()}


def main() -> None:
    """Kill it, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=100_000)
    parser.add_argument("kills", type=int, nargs="?", default=10)
    options = parser.parse_args()
    print(json.dumps(killed(options.rows, options.kills)))


if __name__ == "__main__":
    main()
