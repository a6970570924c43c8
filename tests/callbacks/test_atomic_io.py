"""Checkpoint files are written atomically; a damaged one is named with its replacement."""

import os
import pickle
import resource

import pytest
import torch

from lit_research.callbacks import AtomicCheckpointIO, find_last_checkpoint
from lit_research.errors import UserError
from tests.helpers import call_apart


def content(step: int) -> dict:
    return {"global_step": step, "state_dict": {"w": torch.full((1000,), float(step))}}


def save(folder, step: int, name: str = ""):
    path = folder / (name or f"step={step}.ckpt")
    AtomicCheckpointIO().save_checkpoint(content(step), path)
    return path


def truncate(path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def test_a_checkpoint_comes_back_as_it_was_saved_and_leaves_no_temporary_file(tmp_path):
    path = save(tmp_path / "new" / "folder", 3)
    loaded = AtomicCheckpointIO().load_checkpoint(path)
    assert loaded["global_step"] == 3
    assert torch.equal(loaded["state_dict"]["w"], content(3)["state_dict"]["w"])
    assert os.listdir(path.parent) == [path.name]


def save_on_a_full_disk(path):
    """Save where a file may have 100 bytes, then 300,000; return the refusals."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    refusals = []
    for limit in (100, 300_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            content = {"global_step": 2, "state_dict": {"w": torch.zeros(200_000)}}
            AtomicCheckpointIO().save_checkpoint(content, path)
        except UserError as error:
            refusals.append(str(error))
    return refusals


def test_a_write_that_does_not_fit_leaves_the_checkpoint_before_it(tmp_path):
    path = save(tmp_path, 1, "step.ckpt")
    before = path.read_bytes()
    refusals = call_apart(save_on_a_full_disk, path)  # the limits end with the process
    assert len(refusals) == 2
    assert all(f"{path} could not be written" in refusal for refusal in refusals)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_truncated_checkpoint_is_refused_with_the_newest_whole_one(tmp_path):
    good, bad = save(tmp_path, 4), save(tmp_path, 8)
    save(tmp_path, 2)
    truncate(bad)
    with pytest.raises(UserError, match=r"truncated or corrupt") as refusal:
        AtomicCheckpointIO().load_checkpoint(bad)
    assert str(bad) in str(refusal.value)
    assert f"the newest complete one is {good}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_changed_byte_is_noticed(tmp_path):
    good, bad = save(tmp_path, 4), save(tmp_path, 8)
    data = bytearray(bad.read_bytes())
    data[data.index(content(8)["state_dict"]["w"].numpy().tobytes()) + 100] ^= 1
    bad.write_bytes(data)
    with pytest.raises(UserError, match=r"corrupt .*checksum"):
        AtomicCheckpointIO().load_checkpoint(bad)
    assert AtomicCheckpointIO().load_checkpoint(good)["global_step"] == 4


def test_a_damaged_checkpoint_alone_says_that_there_is_no_other(tmp_path):
    path = tmp_path / "step=1.ckpt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(UserError, match="no other complete checkpoint"):
        AtomicCheckpointIO().load_checkpoint(path)


def test_a_missing_checkpoint_is_refused_with_the_newest_whole_one(tmp_path):
    good = save(tmp_path, 4)
    with pytest.raises(UserError, match="there is no checkpoint") as refusal:
        AtomicCheckpointIO().load_checkpoint(tmp_path / "step=5.ckpt")
    assert str(good) in str(refusal.value)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("was-unpickled",)


@pytest.mark.parametrize("weights_only", [None, False])
def test_a_pickled_object_is_refused_whatever_is_asked_for(tmp_path, monkeypatch, weights_only):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "step=1.ckpt"
    torch.save({"global_step": 1, "evil": Evil()}, path)
    with pytest.raises(UserError):
        AtomicCheckpointIO().load_checkpoint(path, weights_only=weights_only)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError):
        AtomicCheckpointIO().load_checkpoint(path, weights_only=weights_only)
    assert find_last_checkpoint(tmp_path) is None
    assert not (tmp_path / "was-unpickled").exists()


def test_the_check_sees_the_content_and_the_path_before_anyone_uses_them(tmp_path):
    def refuse(loaded, path):
        raise UserError(f"{path} is of step {loaded['global_step']}")

    path = save(tmp_path, 5)
    with pytest.raises(UserError, match=r"step=5.ckpt is of step 5"):
        AtomicCheckpointIO(check=refuse).load_checkpoint(path)


def test_the_last_checkpoint_is_that_of_the_most_steps_not_the_latest_written(tmp_path):
    assert find_last_checkpoint(tmp_path) is None
    save(tmp_path, 9)
    newest = save(tmp_path, 10)  # by name, step=10 comes before step=9
    save(tmp_path, 3)
    assert find_last_checkpoint(tmp_path) == newest


def test_damaged_files_are_passed_over_in_the_search_for_the_last(tmp_path):
    good, bad = save(tmp_path, 1), save(tmp_path, 2)
    truncate(bad)
    (tmp_path / "step=3.ckpt").write_bytes(b"")
    torch.save([1, 2], tmp_path / "step=4.ckpt")  # whole, but no checkpoint
    (tmp_path / ".step=5.ckpt.tmp").write_bytes(good.read_bytes())
    (tmp_path / "step=6.ckpt").mkdir()
    assert find_last_checkpoint(tmp_path) == good


def test_a_link_to_a_checkpoint_is_that_checkpoint_and_a_dangling_one_is_nothing(tmp_path):
    (tmp_path / "last.ckpt").symlink_to("step=2.ckpt")
    assert find_last_checkpoint(tmp_path) is None
    newest = save(tmp_path, 2)
    save(tmp_path, 1)
    assert find_last_checkpoint(tmp_path) == newest.resolve()


def test_of_two_files_of_the_same_step_the_later_written_counts(tmp_path):
    first, second = save(tmp_path, 2, "b.ckpt"), save(tmp_path, 2, "a.ckpt")
    os.utime(first, ns=(1, 1))
    assert find_last_checkpoint(tmp_path) == second
