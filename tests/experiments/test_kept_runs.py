"""Arms that were run on another machine are not run again."""

import json
import shutil
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from lit_research.cli import main as command
from lit_research.experiments import Arm, Claim, replicate, run_arms
from lit_research.experiments.arm_runs import result_file
from lit_research.experiments.kept_runs import keep, restore

RECORD = {"metrics": {"val/loss": 1.0}, "seconds": 2.0, "plan": None}


def test_arms_of_several_days_are_one_replica(arms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    claim = Claim("wide beats narrow", "unresolved", 0.1, (-1.0, 1.0), 1)
    replica = Namespace(
        ARMS=arms, verdicts=lambda results: [claim], figure=lambda results: Figure()
    )
    monkeypatch.setattr(replicate, "load_replica", lambda method: replica)
    kept = Path("replicas/runs/pretrain.json")
    for arm in arms:
        replicate.main(command, ["pretrain", "--seeds", "1", "--only", arm.name])
        shutil.rmtree("replicas/work")  # another machine
    assert set(json.loads(kept.read_text())) == {arm.folder for arm in arms}
    replicate.main(lambda words: pytest.fail("a run"), ["pretrain", "--seeds", "1"])
    assert set(json.loads(Path("replicas/pretrain.json").read_text())["arms"]) == {"narrow", "wide"}
    assert not kept.exists()  # the replica has it


def test_an_interrupted_replica_keeps_what_was_done(arms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replicate, "load_replica", lambda method: Namespace(ARMS=arms))

    def interrupted(words):
        if any("wide" in word for word in words):
            raise KeyboardInterrupt
        return command(words)

    with pytest.raises(KeyboardInterrupt):
        replicate.main(interrupted, ["pretrain", "--seeds", "1"])
    assert set(json.loads(Path("replicas/runs/pretrain.json").read_text())) == {arms[0].folder}


def test_after_a_run_that_fails_no_more_are_begun(arms, tmp_path):
    begun = []

    def failing(words):
        begun.append(words)
        if len(begun) > 1:  # the caller has time to see that the first one failed
            time.sleep(0.2)
        raise RuntimeError("no space")

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="no space"):
        run_arms(arms, range(20), tmp_path / "work", failing, pool)
    assert len(begun) < 10  # of 40


def of_three(tmp_path, monkeypatch):
    (tmp_path / "arm.yaml").write_text("{}\n")
    monkeypatch.setattr("lit_research.methods.arms.config_dir", lambda: tmp_path)
    base = Arm("base", "arm.yaml")
    tuned = Arm("tuned", "arm.yaml", needs=base)
    return [Arm("written", "arm.yaml", needs=tuned), tuned, base, Arm("alone", "arm.yaml")]


def write(path, arms, seed=0):
    path.write_text(json.dumps({arm.folder: {str(seed): RECORD} for arm in arms}))


@pytest.mark.parametrize(
    ("done", "restored"),
    [
        (["written", "tuned", "base", "alone"], ["written", "tuned", "base", "alone"]),
        (["tuned", "base", "alone"], ["alone"]),  # written starts from what tuned trained
        (["written", "base"], ["written"]),  # tuned starts from what base trained
    ],
)
def test_an_arm_that_another_starts_from_is_run_again(tmp_path, monkeypatch, done, restored):
    arms, kept, work = of_three(tmp_path, monkeypatch), tmp_path / "runs.json", tmp_path / "work"
    write(kept, [arm for arm in arms if arm.name in done])
    assert restore(kept, arms, [0, 1], work) == len(restored)
    found = [arm.name for arm in arms if result_file(arm, 0, work).is_file()]
    assert found == restored
    assert restore(kept, arms, [0, 1], work) == 0


def test_results_of_other_seeds_and_configs_stay_in_the_file(tmp_path, monkeypatch):
    arms, kept, work = of_three(tmp_path, monkeypatch), tmp_path / "runs.json", tmp_path / "work"
    write(kept, [arms[3]], seed=7)
    before = arms[3].folder
    restore(kept, arms, [7], work)
    (tmp_path / "arm.yaml").write_text("{seed_everything: 1}\n")
    assert restore(kept, arms, [7], tmp_path / "elsewhere") == 0
    file = result_file(arms[3], 10, work)
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(RECORD))
    keep(kept, arms, [10], work)
    found = json.loads(kept.read_text())
    assert {name: list(records) for name, records in found.items()} == {
        before: ["7"],
        arms[3].folder: ["10"],
    }


@pytest.mark.parametrize("text", ["", "[]", '{"a": {"0": {}}}', '{"a": {"x": {"metrics": 1}}}'])
def test_a_damaged_file_is_refused(arms, tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replicate, "load_replica", lambda method: Namespace(ARMS=arms))
    path = Path("replicas/runs/pretrain.json")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(SystemExit):
        replicate.main(lambda words: pytest.fail("a run"), ["pretrain", "--seeds", "1"])
    assert "is no file of runs" in capsys.readouterr().err
