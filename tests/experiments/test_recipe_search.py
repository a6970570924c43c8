"""The recipe search: ordinary runs, resumable, the same on any executor, refusals in one line."""

import json
import os
import re
import shutil
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.experiments import RecipeSearch, SearchRounds, result_file
from tests.callbacks.board import check_decisive_curves
from tests.helpers import forks, run_apart, tiny, write_tiny

HERE = "tests.experiments.test_recipe_search"
ARGS = "model.init_args"
TRIAL = {
    f"{ARGS}.optimizer": {
        "class_path": "torch.optim.AdamW",
        "init_args": {"lr": 1e-3, "weight_decay": 0.1},
    },
    "data.init_args.max_train_tokens": 700,  # 5 steps are an epoch
    "trainer.max_steps": ...,
    "trainer.val_check_interval": ...,
    "throughput.measure_peak": False,
    "checkpoint.every_n_train_steps": 3,
}


class KillOnce(Callback):
    """Count the trials that begin, in a file; kill the process in the middle of one of them."""

    def __init__(self, counter: str, trial: int) -> None:
        self.counter, self.trial = Path(counter), trial

    def on_train_start(self, trainer, module) -> None:
        with self.counter.open("a") as file:
            file.write("x")

    def on_train_batch_end(self, trainer, module, *args) -> None:
        if len(self.counter.read_text()) == self.trial and trainer.global_step == 4:
            os.kill(os.getpid(), signal.SIGKILL)


def two_processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=forks())


def search(folder: Path, args: dict | None = None, changes: dict | None = None) -> dict:
    """Write the trial; return the config of a search over it."""
    folder.mkdir(exist_ok=True)
    if not (folder / "trial.yaml").exists():
        write_tiny(folder, TRIAL, "trial.yaml")
    config = tiny(folder, {"trainer.max_steps": ..., "trainer.val_check_interval": ...})
    config["model"] = {
        "class_path": "RecipeSearch",
        "init_args": {
            "trial": str(folder / "trial.yaml"),
            "grid": {"lr": [1e-3, 1e-2], "weight_decay": [0.1, 6.4], "epochs": [1, 2]},
            "start": {"lr": 1e-3, "weight_decay": 0.1, "epochs": 1},
            "folder": str(folder / "trials"),
            **(args or {}),
        },
    }
    config["data"] = {"class_path": "SearchRounds"}
    config["trainer"] |= {"max_epochs": 1, "callbacks": [], **(changes or {})}
    config["throughput"] = {"measure_peak": False}
    return config


def run(config: dict):
    return main({"subcommand": "fit", "fit": config})


def read_recipe(folder: Path) -> dict:
    path = max((folder / "runs").rglob("recipe.json"), key=lambda p: p.stat().st_mtime)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, run(search(folder))


# Two axes, four trials: for what is the same however many there are.
SQUARE = {
    "grid": {"lr": [1e-3, 1e-2], "epochs": [1, 2]},
    "start": {"lr": 1e-3, "epochs": 1},
}


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    """The recipe of a search over two axes that was never stopped."""
    folder = tmp_path_factory.mktemp("square")
    run(search(folder, SQUARE))
    return read_recipe(folder)


def test_a_search_writes_the_recipe_that_its_trials_measured(unbroken):
    folder, cli = unbroken
    found = read_recipe(folder)
    assert found["certificate"]
    assert not found["interior"]
    trials = {tuple(t[k] for k in found["best"]): t["loss"] for t in found["trials"]}
    best = tuple(found["best"].values())
    assert trials[best] == found["loss"] == min(trials.values()) == next(iter(trials.values()))
    assert best[0] == 1e-2  # in so few steps, the larger rate learns more
    assert best[2] == 2
    assert len(trials) == len(list((folder / "trials").glob("*/seed-0.json")))
    for point, loss in trials.items():
        path = result_file(cli.model.trials.arm(point), 0, folder / "trials")
        assert json.loads(path.read_text())["metrics"]["val/loss"] == loss
    neighbours = cli.model.grid.neighbours(best)
    assert len(neighbours) == 3
    assert all(trials[n] >= found["loss"] for n in neighbours)


def test_a_trial_is_the_ordinary_run_of_its_config(unbroken, tmp_path):
    folder, _ = unbroken
    found = read_recipe(folder)["trials"][0]
    options = {
        f"{ARGS}.optimizer.init_args.lr": found["lr"],
        f"{ARGS}.optimizer.init_args.weight_decay": found["weight_decay"],
        "trainer.max_epochs": int(found["epochs"]),
        "seed_everything": 0,
    }
    cli = run(tiny(tmp_path, {**TRIAL, **options}))
    assert cli.trainer.global_step == 10
    [scores] = cli.trainer.validate(cli.model, cli.datamodule, verbose=False)
    assert scores["val/loss"] == found["loss"]


def test_tensorboard_has_the_search_by_round_and_all_trials(unbroken):
    folder, cli = unbroken
    check_decisive_curves(Path(cli.trainer.log_dir), cli.model)
    events = EventAccumulator(str(cli.trainer.log_dir)).Reload()
    steps = {name: [e.step for e in events.Scalars(name)] for name in events.Tags()["scalars"]}
    rounds = list(range(1, read_recipe(folder)["rounds"] + 1))
    for name in ("best_loss", "round", "lr", "weight_decay", "epochs"):
        assert steps[f"search/{name}"] == rounds
    assert events.Scalars("search/epochs")[-1].value == 2
    assert "search/axes" in events.Tags()["images"]
    assert any("search/trials" in tag for tag in events.Tags()["tensors"])


def test_a_finished_search_that_is_run_again_trains_nothing(unbroken):
    folder, _ = unbroken
    before = read_recipe(folder)
    config = search(folder, {"executor": f"{HERE}.nothing_there"})  # never asked for
    run(config)
    assert read_recipe(folder) == before
    ray = {"class_path": "lit_research.experiments.executors.RayExecutor", "init_args": {"jobs": 3}}
    cli = run({**search(folder, {"executor": ray}), "ckpt_path": "last"})
    assert read_recipe(folder) == before
    assert cli.model.hparams["executor"]["init_args"]["jobs"] == 3


def test_killed_in_the_middle_of_a_trial_it_ends_as_one_never_stopped(square, tmp_path):
    folder, killed = tmp_path / "search", tmp_path / "killed"
    folder.mkdir()
    kill = {"counter": str(folder / "begun"), "trial": 3}
    callback = {"class_path": f"{HERE}.KillOnce", "init_args": kill}
    write_tiny(folder, {**TRIAL, "trainer.callbacks": [callback]}, "trial.yaml")
    config = folder / "search.yaml"
    config.write_text(yaml.safe_dump(search(folder, SQUARE)))
    assert run_apart(["fit", "--config", str(config)]) == -signal.SIGKILL
    folder.rename(killed)
    for again in ([], ["--ckpt_path", "last"]):  # both from where the kill left it
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(killed, folder)
        finished = {p: p.stat().st_mtime_ns for p in folder.rglob("seed-0.json")}
        assert len(finished) == 2
        main(["fit", "--config", str(config), *again])
        assert {p: p.stat().st_mtime_ns for p in finished} == finished
        assert read_recipe(folder) == square
        # The interrupted trial went on from its checkpoint; no other was begun twice.
        begun = len((folder / "begun").read_text())
        assert begun == len(square["trials"]) + 1
        assert len(list((folder / "trials").rglob("config.resume-1.yaml"))) == 1


def test_an_executor_of_two_processes_gives_the_same(square, tmp_path):
    run(search(tmp_path, {**SQUARE, "executor": f"{HERE}.two_processes"}))
    assert read_recipe(tmp_path) == square


def test_the_loss_is_the_mean_over_seeds_and_frozen_axes_stay(tmp_path):
    args = {"seeds": [3, 5], "frozen": ["weight_decay", "epochs"]}
    run(search(tmp_path, args))
    found = read_recipe(tmp_path)
    assert len(found["trials"]) == 2
    for trial in found["trials"]:
        assert (trial["weight_decay"], trial["epochs"]) == (0.1, 1)
        assert trial["losses"][0] != trial["losses"][1]
        assert trial["loss"] == sum(trial["losses"]) / 2
    assert found["frozen"] == ["weight_decay", "epochs"]


def test_a_diverged_trial_is_a_bad_one_and_no_crash(tmp_path):
    grid = {"lr": [1e-3, 1e30]}
    write_tiny(tmp_path, {**TRIAL, "trainer.max_epochs": 2}, "trial.yaml")
    run(search(tmp_path, {"grid": grid, "start": {"lr": 1e30}}))
    found = read_recipe(tmp_path)
    assert found["best"] == {"lr": 1e-3}
    assert found["certificate"]
    assert found["trials"][1]["loss"] is None


def test_a_search_that_runs_out_of_rounds_says_so_and_goes_on_later(square, tmp_path, caplog):
    config = search(tmp_path, SQUARE)
    config["data"] = {"class_path": "SearchRounds", "init_args": {"max_rounds": 1}}
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        run(config)
    assert not read_recipe(tmp_path)["certificate"]
    assert "max_rounds" in caplog.text
    del config["data"]["init_args"]
    run(config)
    assert read_recipe(tmp_path) == square


BAD = {
    "no such trial": ({"trial": "/nowhere/trial.yaml"}, {}, ["/nowhere/trial.yaml", "relative"]),
    "no such trial of the package": ({"trial": "no/trial.yaml"}, {}, ["configs/no/trial.yaml"]),
    "unknown axis": ({"grid": {"width": [1]}, "start": {"width": 1}}, {}, ["width", "lr"]),
    "half an epoch": (
        {"grid": {"epochs": [1, 1.5]}, "start": {"epochs": 1}},
        {},
        ["epochs", "1.5", "whole"],
    ),
    "start not on the grid": (
        {"grid": {"lr": [1, 2]}, "start": {"lr": 1.5}},
        {},
        ["start", "lr 1.5", "1, 2"],
    ),
    "a share of all": (
        {"grid": {"share": [0.5, 1.0]}, "start": {"share": 0.5}},
        {},
        ["share", "1.0", "between 0 and 1"],
    ),
    "more trials than points": ({"budget": 9}, {}, ["budget is 9", "from 1 to 8"]),
    "an option that the search sets": (
        {"options": {"trainer.max_epochs": 3}},
        {},
        ["trainer.max_epochs", "the axis epochs"],
    ),
    "jobs beside an executor": ({"jobs": 2, "executor": "a.b"}, {}, ["jobs", "a.b"]),
    "the same seed twice": ({"seeds": [1, 1]}, {}, ["seeds", "[1, 1]"]),
    "an executor that is not there": ({"executor": "nowhere.Pool"}, {}, ["nowhere"]),
    "steps": ({}, {"max_steps": 3}, ["max_steps", "max_rounds"]),
    "epochs of rounds": ({}, {"max_epochs": 2}, ["max_epochs", "max_rounds"]),
    "precision": ({}, {"precision": "bf16-mixed"}, ["precision", "trial"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_line(name, tmp_path):
    args, changes, words = BAD[name]
    with pytest.raises(UserError) as refused:
        run(search(tmp_path, args, changes))
    assert all(word in str(refused.value) for word in words), refused.value
    assert not (tmp_path / "trials").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trainer.max_steps": 7}, ["max_steps is 7", "trial.yaml", "epochs"]),
        ({"model": ...}, ["trial.yaml", "no model"]),
    ],
)
def test_a_trial_config_that_cannot_be_searched_is_refused_at_once(tmp_path, changes, words):
    write_tiny(tmp_path, {**TRIAL, **changes}, "trial.yaml")
    with pytest.raises(UserError) as refused:
        run(search(tmp_path))
    assert all(word in str(refused.value) for word in words), refused.value


def test_the_order_of_the_axes_in_the_config_does_not_matter(tmp_path):
    args = search(tmp_path)["model"]["init_args"]
    turned = {**args, "grid": dict(reversed(args["grid"].items()))}
    arms = [
        m.trials.arm(m.grid.point(args["start"]))
        for m in (RecipeSearch(**args), RecipeSearch(**turned))
    ]
    assert arms[0] == arms[1]


def test_several_processes_of_one_search_are_refused(tmp_path, monkeypatch):
    config = search(tmp_path)["model"]["init_args"]
    module = RecipeSearch(**config)
    trainer = type("Trainer", (), {"world_size": 2})()
    monkeypatch.setattr(RecipeSearch, "trainer", trainer)
    with pytest.raises(UserError, match=re.compile("2 processes.*executor")):
        module.setup("fit")


def test_a_trainer_that_runs_no_command_is_refused(tmp_path):
    module = RecipeSearch(**search(tmp_path)["model"]["init_args"])
    trainer = Trainer(max_epochs=1, logger=False, default_root_dir=tmp_path)
    with pytest.raises(UserError, match=r"plain Trainer.*cli\.main"):
        trainer.fit(module, SearchRounds())
