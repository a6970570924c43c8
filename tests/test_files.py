"""Files and folders are replaced in one step: after a crash the old one is there, whole."""

import json
import os
import signal
import subprocess
import sys
import threading

import pyarrow as pa
import pytest
from pyarrow import parquet

from lit_research import files
from lit_research.files import (
    append_line,
    replacing,
    replacing_folder,
    write_atomic,
    write_json,
    write_parquet,
)

# Write, what is written, and how it is read back.
KINDS = {
    "text": (write_atomic, "é\n", lambda path: path.read_text("utf-8")),
    "bytes": (write_atomic, b"\0\xff", lambda path: path.read_bytes()),
    "json": (write_json, {"b": 1, "a": [2]}, lambda path: json.loads(path.read_text())),
    "parquet": (write_parquet, pa.table({"x": [1, 2]}), parquet.read_table),
}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def synced(monkeypatch):
    """Return the paths that were made durable, in order, while they still have their names."""
    paths, fsync = [], os.fsync

    def note(descriptor):
        paths.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return paths


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_and_its_folder_are_durable_whatever_it_holds(kind, tmp_path, synced):
    write, content, read = KINDS[kind]
    path = tmp_path / "new" / "file"
    write(path, content)
    write(path, content)
    assert read(path) == content
    assert names(path.parent) == ["file"]
    assert len(synced) == 4
    assert set(synced[1::2]) == {str(path.parent)}  # the folder last: it holds the new name
    assert all(os.path.dirname(temporary) == str(path.parent) for temporary in synced[::2])


@pytest.mark.parametrize("only_writer", [False, True])
def test_after_an_error_the_old_file_is_there_and_nothing_else(only_writer, tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write():
        with replacing(path, only_writer=only_writer) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_what_was_not_written_does_not_replace_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_a_link_is_replaced_and_not_what_it_points_to(tmp_path):
    for name in ("1", "2"):
        (tmp_path / name).write_text(name)
        with replacing(tmp_path / "last", only_writer=True) as temporary:
            temporary.symlink_to(name)
    assert (tmp_path / "last").read_text() == "2"
    write_atomic(tmp_path / "last", "3")
    assert [(tmp_path / name).read_text() for name in ("1", "2", "last")] == ["1", "2", "3"]


KILLED = """
import os, signal, sys
from pathlib import Path
from lit_research.files import replacing, replacing_folder
folder = Path(sys.argv[1])
with replacing(folder / "file", only_writer=True) as file:
    file.write_text("ne")
    with replacing_folder(folder / "folder", only_writer=True) as new:
        (new / "part").write_text("ne")
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_the_old_and_the_next_one_takes_away_what_it_left(tmp_path):
    write_atomic(tmp_path / "file", "old")
    with replacing_folder(tmp_path / "folder") as new:
        (new / "part").write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "file").read_text() == (tmp_path / "folder/part").read_text() == "old"
    assert len(names(tmp_path)) == 4
    with replacing(tmp_path / "file", only_writer=True) as temporary:
        temporary.write_text("new")
    with replacing_folder(tmp_path / "folder", only_writer=True) as new:
        assert names(new) == []
        (new / "other").write_text("new")
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == ["other"]  # and no part of the old one


def test_two_writers_of_a_file_do_not_mix_their_texts(tmp_path):
    path, texts = tmp_path / "file", [character * 100_000 for character in "ab"]
    write_atomic(path, texts[0])
    both = threading.Barrier(2)

    def write(text):
        both.wait()
        for _ in range(10):
            write_atomic(path, text)

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_text() in texts
    assert path.read_text() in texts
    assert names(tmp_path) == ["file"]


def test_a_folder_is_durable_with_all_that_is_in_it(tmp_path, synced):
    folder = tmp_path / "folder"
    with replacing_folder(folder) as new:
        (new / "deep").mkdir()
        (new / "deep" / "file").write_text("x")
    assert (folder / "deep" / "file").read_text() == "x"
    assert names(tmp_path) == ["folder"]
    below = [os.path.relpath(path, new) for path in synced[:-1]]
    assert sorted(below) == [".", "deep", "deep/file"]
    assert below[-1] == "."
    assert synced[-1] == str(tmp_path)


@pytest.mark.parametrize("moment", ["build", "rename"])
def test_a_folder_that_fails_leaves_the_old_one(moment, tmp_path, monkeypatch):
    folder, replace = tmp_path / "folder", os.replace
    folder.mkdir()
    (folder / "file").write_text("old")

    def full(source, target):
        if moment == "rename" and target == folder and not source.name.endswith(".old"):
            raise OSError("no space")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", full)

    def write():
        with replacing_folder(folder) as new:
            (new / "file").write_text("new")
            if moment == "build":
                raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write()
    assert (folder / "file").read_text() == "old"
    assert names(tmp_path) == ["folder"]


def test_appended_lines_are_durable_and_so_is_the_name_of_a_new_file(tmp_path, synced):
    path = tmp_path / "new" / "lines.jsonl"
    append_line(path, "1")
    append_line(path, "2")
    assert path.read_text() == "1\n2\n"
    assert synced == [str(path), str(path.parent), str(path)]
