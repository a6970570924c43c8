"""Stopped at any step in any way, a run ends with the weights of one that was never stopped."""

import random
import signal
from pathlib import Path

import pytest
import torch

from lit_research.cli import main
from tests.helpers import last_checkpoint, run_apart, stop_run, write_tiny

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


def words(folder: Path, workers: int = 0, stop: dict | None = None) -> list[str]:
    """Write the config of a run that goes on in ``folder``; return the words of its command."""
    callbacks = [{"class_path": "tests.helpers.StopAt", "init_args": stop}] if stop else []
    folder.mkdir(exist_ok=True)
    changes = {**CHANGES, "data.init_args.num_workers": workers, "trainer.callbacks": callbacks}
    config = write_tiny(folder, changes, f"run-{len(list(folder.glob('*.yaml')))}.yaml")
    name = "--trainer.logger.init_args.name=run"
    return ["fit", "--config", str(config), name, "--ckpt_path", "last"]


def stopped(folder: Path, step: int, hook: str = "on_train_batch_end", workers: int = 0) -> None:
    """Run until an exception."""
    stop = {"step": step, "hook": hook, "how": "exception"}
    stop_run(words(folder, workers, stop), "exception")


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
    main(words(folder))
    return last_checkpoint(folder)


@pytest.mark.parametrize(("workers", "stops"), [(0, 5), (2, 2)])
def test_stopped_at_random_steps_it_ends_with_the_same_weights(tmp_path, unbroken, workers, stops):
    choose = random.Random(workers)
    for step in sorted(choose.sample(range(1, STEPS), stops)):
        stopped(tmp_path, step, choose.choice(HOOKS[:3]), workers)
    main(words(tmp_path, workers))
    same(last_checkpoint(tmp_path), unbroken)


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_in_a_process_of_its_own_it_ends_with_the_same_weights(tmp_path, unbroken, workers):
    assert run_apart(words(tmp_path, workers, {"step": 23})) == -9
    assert run_apart(words(tmp_path, workers)) == 0
    same(last_checkpoint(tmp_path), unbroken)


AT = {"on_validation_start": 14, "on_train_epoch_end": 15}


@pytest.mark.parametrize("hook", HOOKS)
def test_after_a_signal_it_ends_with_the_same_weights(tmp_path, unbroken, hook):
    with pytest.raises(SystemExit) as stop:
        main(words(tmp_path, 0, {"step": AT.get(hook, 16), "hook": hook, "how": "term"}))
    assert stop.value.code == 128 + signal.SIGTERM
    main(words(tmp_path))
    same(last_checkpoint(tmp_path), unbroken)


@pytest.mark.parametrize("hook", AT)
def test_after_an_exception_it_ends_with_the_same_weights(tmp_path, unbroken, hook):
    stopped(tmp_path, AT[hook], hook)
    main(words(tmp_path))
    same(last_checkpoint(tmp_path), unbroken)


def test_ctrl_c_saves_and_exits_as_a_shell_expects(tmp_path, unbroken):
    assert run_apart(words(tmp_path, 0, {"step": 16, "how": "interrupt"})) == 130
    assert last_checkpoint(tmp_path)["global_step"] == 16
    main(words(tmp_path))
    same(last_checkpoint(tmp_path), unbroken)


def test_a_finished_run_that_is_resumed_changes_nothing(tmp_path, unbroken):
    main(words(tmp_path))
    main(words(tmp_path))
    same(last_checkpoint(tmp_path), unbroken)


def test_a_truncated_checkpoint_is_passed_over_for_the_previous_good_one(tmp_path, unbroken):
    stopped(tmp_path, 20)
    newest = max(tmp_path.rglob("*.ckpt"), key=lambda p: p.stat().st_mtime)
    newest.write_bytes(newest.read_bytes()[:500])
    main(words(tmp_path))
    same(last_checkpoint(tmp_path), unbroken)


def test_a_resumed_run_stays_in_its_folder_and_keeps_its_first_config(tmp_path):
    stopped(tmp_path, 10)
    main(words(tmp_path))
    [version] = (tmp_path / "runs" / "run").glob("version_*")
    names = {p.name for p in version.glob("config*.yaml")}
    assert names == {"config.yaml", "config.resume-1.yaml"}
