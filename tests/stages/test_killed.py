"""Runs that are killed at any point, or whose files a power cut tears, end in the same rows."""

from __future__ import annotations

import os
import random
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from lit_research.errors import UserError
from lit_research.stages import Pipeline
from lit_research.stages.sources import Rows
from tests.stages.examples import Copies, LastRows, pool, run_slowly, slow_pipeline

KILLS = 10


def finished(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return when each finished shard was written, and its inode."""
    states = {path: path.stat() for path in folder.rglob("[0-9]*.json")}
    return {path: (state.st_mtime_ns, state.st_ino) for path, state in states.items()}


def content(folder: Path) -> list[dict[str, object]]:
    return slow_pipeline(str(folder)).run(shown=False).outcome.table().to_pylist()


def test_a_run_killed_at_ten_points_repeats_no_finished_shard(tmp_path):
    unbroken, broken = content(tmp_path / "unbroken"), tmp_path / "broken"
    shards = len(finished(tmp_path / "unbroken"))
    context, seen = get_context("forkserver"), dict[Path, tuple[int, int]]()
    context.set_forkserver_preload(["tests.stages.examples", "pyarrow"])
    for point in sorted(random.Random(0).sample(range(1, shards), KILLS)):
        process = context.Process(target=run_slowly, args=(str(broken),))
        process.start()
        while len(finished(broken)) < point:
            assert process.is_alive()
            time.sleep(0.001)
        process.kill()
        process.join()
        now = finished(broken)
        assert point <= len(now) < shards
        assert now.items() >= seen.items()
        seen = now
    assert content(broken) == unbroken
    assert finished(broken).items() >= seen.items()


@pytest.mark.parametrize("torn", ["empty", "other bytes", "mark"])
def test_a_shard_that_a_power_cut_tore_is_computed_again(tmp_path, torn):
    whole = content(tmp_path)
    files = slow_pipeline(str(tmp_path)).files("copies")
    (files.folder / "card.json").unlink()  # the step was not complete
    rows, mark = files.folder / "000003.arrow", files.folder / "000003.json"
    others = {path: when for path, when in finished(tmp_path).items() if path != mark}
    if torn == "mark":
        mark.write_text(mark.read_text()[:9])
    else:
        rows.write_bytes(b"" if torn == "empty" else rows.read_bytes()[:-1] + b"x")
    assert not files.has(3)
    assert content(tmp_path) == whole
    assert finished(tmp_path).items() >= others.items()
    assert files.has(3)


def test_all_shards_are_on_the_disk_before_the_card_says_that_they_are_there(tmp_path, monkeypatch):
    synced, fsync = list[Path](), os.fsync

    def note(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    pipeline = Pipeline({"pool": Rows(pool(20), rows_per_shard=4), "last": LastRows(9)}, tmp_path)
    pipeline.run(shown=False)
    for name in pipeline.steps:
        folder = pipeline.files(name).folder
        shards = {path for path in folder.iterdir() if path.name != "card.json"}
        assert len(shards) == {"pool": 10, "last": 13}[name]
        (card,) = (k for k, path in enumerate(synced) if path.match(f"{folder.name}/.card.json*"))
        assert shards | {folder} <= set(synced[:card])


def test_rejected_rows_of_a_killed_run_do_not_stay(tmp_path):
    pipeline = Pipeline({"pool": Rows(pool(5)), "copies": Copies(1, failing="none")}, tmp_path)
    folder = pipeline.files("copies").folder
    folder.mkdir()
    # Written before the kill, when a server was down, and its shard not finished.
    (folder / "000000.rejected.jsonl").write_text('{"reason": "down", "detail": "", "row": {}}')
    assert list(pipeline.run(shown=False).outcome.rejected()) == []


def test_two_rows_of_different_shards_with_one_id_stop_the_run(tmp_path):
    rows = [{"id": str(number % 7)} for number in range(8)]
    pipeline = Pipeline({"pool": Rows(rows, rows_per_shard=4)}, tmp_path)
    with pytest.raises(UserError, match="two rows have the id '0', in the step 'pool'"):
        pipeline.run(shown=False)
