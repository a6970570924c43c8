"""Stopped at any step in any way, a run ends with the weights of one that was never stopped."""

import random
from pathlib import Path

import pytest
import torch

from tests.helpers import last_checkpoint, run_apart, write_tiny

STEPS = 40
CHANGES = {
    # GPT-2 has dropout: the random state counts.
    "model.init_args.lm": {
        "model_type": "gpt2",
        "n_embd": 16,
        "n_layer": 1,
        "n_head": 2,
        "n_positions": 32,
    },
    "trainer.max_steps": STEPS,  # 2.7 passes over the 15 batches of an epoch
    "trainer.val_check_interval": 7,
    "checkpoint.every_n_train_steps": 3,
}
HOOKS = [
    "on_train_batch_start",
    "on_before_optimizer_step",
    "on_train_batch_end",
    "on_validation_start",
    "on_train_epoch_end",
]


def run(folder: Path, workers: int, *options: str, stop: dict | None = None) -> int:
    callbacks = [{"class_path": "tests.helpers.StopAt", "init_args": stop}] if stop else []
    folder.mkdir(exist_ok=True)
    changes = {**CHANGES, "data.init_args.num_workers": workers, "trainer.callbacks": callbacks}
    config = write_tiny(folder, changes, f"run-{len(list(folder.glob('*.yaml')))}.yaml")
    name = "--trainer.logger.init_args.name=run"
    return run_apart(["fit", "--config", str(config), name, "--ckpt_path", "last", *options])


def same(left: dict, right: dict) -> None:
    """Assert that two checkpoints hold the same weights and optimiser state, bit for bit."""
    assert left["global_step"] == right["global_step"] == STEPS
    for name, weight in left["state_dict"].items():
        assert torch.equal(weight, right["state_dict"][name]), name
    states = [c["optimizer_states"][0]["state"] for c in (left, right)]
    for key, state in states[0].items():
        for name, value in state.items():
            assert torch.equal(value, states[1][key][name]), (key, name)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("unbroken")
    assert run(folder, 0) == 0
    return last_checkpoint(folder)


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_at_ten_random_steps_it_ends_with_the_same_weights(tmp_path, unbroken, workers):
    choose = random.Random(workers)
    kills = 0
    for step in sorted(choose.sample(range(1, STEPS), 10)):
        hook = choose.choice(HOOKS[:3])
        kills += run(tmp_path, workers, stop={"step": step, "hook": hook}) == -9
    assert kills == 10
    assert run(tmp_path, workers) == 0
    same(last_checkpoint(tmp_path), unbroken)


@pytest.mark.parametrize("how", ["term", "exception"])
@pytest.mark.parametrize("hook", HOOKS)
def test_after_a_signal_or_an_exception_it_ends_with_the_same_weights(
    tmp_path, unbroken, how, hook
):
    step = {"on_validation_start": 14, "on_train_epoch_end": 15}.get(hook, 16)
    assert run(tmp_path, 0, stop={"step": step, "hook": hook, "how": how}) != 0
    assert run(tmp_path, 0) == 0
    same(last_checkpoint(tmp_path), unbroken)


def test_ctrl_c_saves_and_exits_as_a_shell_expects(tmp_path, unbroken):
    assert run(tmp_path, 0, stop={"step": 16, "how": "interrupt"}) == 130
    assert last_checkpoint(tmp_path)["global_step"] == 16
    assert run(tmp_path, 0) == 0
    same(last_checkpoint(tmp_path), unbroken)


def test_a_finished_run_that_is_resumed_changes_nothing(tmp_path, unbroken):
    assert run(tmp_path, 0) == 0
    assert run(tmp_path, 0) == 0
    same(last_checkpoint(tmp_path), unbroken)


def test_a_truncated_checkpoint_is_passed_over_for_the_previous_good_one(tmp_path, unbroken):
    assert run(tmp_path, 0, stop={"step": 20}) == -9
    newest = max(tmp_path.rglob("*.ckpt"), key=lambda p: p.stat().st_mtime)
    newest.write_bytes(newest.read_bytes()[:500])
    assert run(tmp_path, 0) == 0
    same(last_checkpoint(tmp_path), unbroken)


def test_a_resumed_run_stays_in_its_folder_and_keeps_its_first_config(tmp_path):
    assert run(tmp_path, 0, stop={"step": 10}) == -9
    assert run(tmp_path, 0) == 0
    [version] = (tmp_path / "runs" / "run").glob("version_*")
    names = {p.name for p in version.glob("config*.yaml")}
    assert names == {"config.yaml", "config.resume-1.yaml"}
