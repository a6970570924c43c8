"""The results of a replica's runs in one file to be committed: ``replicas/runs/METHOD.json``.

The folder of the runs is large and stays on its machine. With the file, arms that were run another
day or on another machine (``--only``) are not run again: copy it, or merge two of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.experiments.arm_runs import result_file
from lit_research.files import write_atomic
from lit_research.methods.arms import Arm

# {folder of an arm: {seed: its result file}}
Runs = dict[str, dict[str, Any]]


def runs_file(out: Path, method: str) -> Path:
    """Return the path of the file."""
    return out / "runs" / f"{method}.json"


def gather(arms: Iterable[Arm], seeds: Sequence[int], work: Path) -> Runs:
    """Return the results that are there, of arms as they are configured today."""
    found: Runs = {}
    for arm in arms:
        for seed in seeds:
            file = result_file(arm, seed, work)
            if file.is_file():
                found.setdefault(arm.folder, {})[str(seed)] = json.loads(file.read_text())
    return found


def keep(path: Path, arms: Iterable[Arm], seeds: Sequence[int], work: Path) -> None:
    """Add the results that are there to the file, which keeps those of other arms and seeds."""
    found = gather(arms, seeds, work)
    if not found:
        return
    kept = _read(path)
    for folder, records in found.items():
        kept[folder] = {**kept.get(folder, {}), **records}
    ordered = {
        folder: dict(sorted(kept[folder].items(), key=lambda record: int(record[0])))
        for folder in sorted(kept)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(ordered, indent=1) + "\n")


def restore(path: Path, arms: Sequence[Arm], seeds: Sequence[int], work: Path) -> int:
    """Write the result files of the runs in the file that are missing; return how many.

    An arm that another one needs is only taken for done if that one is done too: what it trained is
    not in the file.

    Args:
        path: the file, which may be missing.
        arms: as they are configured today; results of other configs are left alone.
        seeds: of each arm.
        work: folder of the runs.

    Raises:
        UserError: the file is damaged.
    """
    kept, restored = _read(path), 0
    for seed in seeds:
        to_run = [arm for arm in arms if not _known(kept, arm, seed)]
        wanted = {needed.folder for arm in to_run for needed in _all_needed(arm)}
        for arm in arms:
            file = result_file(arm, seed, work)
            if arm in to_run or arm.folder in wanted or file.is_file():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, json.dumps(kept[arm.folder][str(seed)], indent=1))
            restored += 1
    return restored


def _all_needed(arm: Arm) -> list[Arm]:
    return [] if arm.needs is None else [arm.needs, *_all_needed(arm.needs)]


def _known(kept: Runs, arm: Arm, seed: int) -> bool:
    return str(seed) in kept.get(arm.folder, {})


def _read(path: Path) -> Runs:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
        for records in found.values():
            for seed, record in records.items():
                int(seed), record["metrics"].items(), record["seconds"]
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is no file of runs ({type(error).__name__}: {error}), for replicate; restore "
            "it, or remove it and run its arms again"
        ) from error
    return found
