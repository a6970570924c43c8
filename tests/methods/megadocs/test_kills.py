"""``predict``, killed on its way: the same command goes on, and ends with the same folders."""

from __future__ import annotations

import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

from lit_research.methods.megadocs import AnswerReader
from tests.helpers import forks
from tests.methods.megadocs.helpers import CountingEngine, predict, read, write_source

THREE_SHARDS = {"data.init_args.batch_size": 3}
SIMPLE = {**THREE_SHARDS, "model.init_args.building": {"form": "simple"}}


def run_and_die(folder: Path, changes: dict[str, Any], point: str, number: int) -> None:
    """Run the command; kill the process where it comes to a point for the n-th time.

    The points are the engine's texts (``ask``), the answers that are read (``read``), and the
    renames that put a shard or a folder in its place (``rename``); the killed call is not made.
    """
    owners = {"ask": (CountingEngine, "_one"), "read": (AnswerReader, "read")}
    owner, name = owners.get(point, (os, "replace"))
    call, times = getattr(owner, name), count(1)

    def dying(*args: Any, **options: Any) -> Any:
        output = point != "rename" or Path(args[1]).relative_to(folder).parts[0].startswith(
            ("texts", "megadocs", ".megadocs")
        )
        if output and next(times) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **options)

    setattr(owner, name, dying)
    predict(folder, changes)


def kill(folder: Path, point: str, number: int, changes: dict[str, Any] = THREE_SHARDS) -> None:
    process = forks().Process(target=run_and_die, args=(folder, changes, point, number))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL


def shards(folder: Path) -> dict[str, int]:
    """Return the finished shards, each with the time of its only writing."""
    files = (folder / "texts.shards").glob("[0-9]*.arrow")
    return {file.name: file.stat().st_mtime_ns for file in files}


def result(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the cards of both folders, with the hashes of their content."""
    return read(folder / "texts")[1], read(folder / "megadocs")[1]


def test_killed_at_any_point_it_ends_as_one_that_was_not(tmp_path):
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    for each in (whole, folder):
        each.mkdir()
        write_source(each)
    predict(whole, THREE_SHARDS)

    known: dict[str, int] = {}
    for point, number, finished in (
        ("ask", 3, 0),  # in the first shard
        ("rename", 2, 1),  # at the second shard, written under its temporary name
        ("ask", 5, 1),
        ("rename", 3, 3),  # at the folder of the texts
        ("rename", 2, 3),  # at that of the megadocs, when the texts are in their place
        ("read", 5, 3),
    ):
        kill(folder, point, number)
        after = shards(folder)
        assert after.items() >= known.items()
        assert len(after) == finished, (point, number)
        known = after
        assert not (folder / "megadocs").exists()
    CountingEngine.asked.clear()
    predict(folder, THREE_SHARDS)
    assert not CountingEngine.asked
    assert shards(folder) == known
    assert result(folder) == result(whole)

    # Another form in the place of the first: killed between the two renames of a replacement.
    predict(whole, SIMPLE)
    kill(folder, "rename", 2, SIMPLE)
    predict(folder, SIMPLE)
    assert result(folder) == result(whole)
    assert not [*folder.glob(".megadocs*")]
    assert not CountingEngine.asked
