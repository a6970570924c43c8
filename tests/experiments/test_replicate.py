"""The replicas' runner: resumable arm by arm, with one JSON, one figure and the README's rows."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from lit_research.cli import main as command
from lit_research.errors import UserError
from lit_research.experiments import (
    Arm,
    Claim,
    Stage,
    make_executor,
    paired_interval,
    replica_report,
    replicate,
    run_arm,
    run_arms,
)


def test_an_arm_is_run_once_and_read_afterwards(arms, tmp_path):
    first = run_arm(arms[0], 0, tmp_path / "work", command)
    assert first["val/loss"] > 0
    assert first["parameters"] > 0
    assert run_arm(arms[0], 0, tmp_path / "work", None) == first  # a second run would fail


def test_an_arm_whose_options_changed_is_run_again(arms, tmp_path):
    narrow = run_arm(arms[0], 0, tmp_path / "work", command)
    changed = Arm("narrow", "arm.yaml", {**arms[0].options, "trainer.max_steps": 3})
    assert run_arm(changed, 0, tmp_path / "work", command)["val/loss"] != narrow["val/loss"]
    assert run_arm(arms[0], 0, tmp_path / "work", command) == narrow


def test_an_arm_of_an_overlay_brings_its_base_along(arms, tmp_path):
    base, overlay = tmp_path / "arm.yaml", tmp_path / "short.yaml"
    overlay.write_text("# overlay of: arm.yaml\ntrainer: {max_steps: 3}\n")
    arm = Arm("short", "short.yaml")
    configs = ["--config", str(base), "--config", str(overlay)]
    assert arm.command_line(0, tmp_path / "work")[:5] == ["fit", *configs]
    before = arm.folder
    base.write_text(base.read_text() + "# another setting\n")
    assert arm.folder != before


def test_results_are_in_the_order_of_the_seeds_on_any_executor(arms, tmp_path):
    here = run_arms(arms, range(2), tmp_path / "a", command)
    with make_executor("concurrent.futures.ThreadPoolExecutor", 1) as pool:
        read = run_arms(arms, range(2), tmp_path / "a", command, pool)
    assert read == here
    assert len(here["wide"]["val/loss"]) == 2
    assert here["wide"]["val/loss"][0] != here["wide"]["val/loss"][1]


def test_an_arm_that_needs_another_runs_after_it_and_finds_its_folder(arms, tmp_path):
    checkpoint = {"ckpt_path": "{needs}/checkpoints/last.ckpt"}
    score = Stage("predict", "arm.yaml", {**arms[0].options, **checkpoint})
    second = Arm("second", "arm.yaml", arms[0].options, needs=arms[0], before=(score,))
    results = run_arms([second, arms[0]], [3], tmp_path / "work", command)  # not in this order
    assert results["second"]["val/loss"] == results["narrow"]["val/loss"]
    assert (second.run_folder(3, tmp_path / "work") / "log_probs.0.parquet").is_file()
    with pytest.raises(UserError, match="give --only with narrow too"):
        run_arms([second], [3], tmp_path / "elsewhere", command)


def test_seeds_keep_their_logs_and_checkpoints_apart(arms, tmp_path):
    run_arms(arms[:1], [0, 5], tmp_path / "work", command)
    for seed in (0, 5):
        folder = arms[0].run_folder(seed, tmp_path / "work")
        assert (folder / "config.yaml").is_file()
        assert list(folder.glob("events.*"))
    assert not list((tmp_path / "work").rglob("config.resume-*.yaml"))


def test_an_interval_is_students_of_the_seeds():
    low, high = paired_interval([1.0, 2.0, 3.0])
    assert (low, high) == pytest.approx((0.3141, 3.6859), abs=1e-3)  # 2 +- 2.920 * 1 / sqrt(3)
    assert all(value != value for value in paired_interval([1.0]))


def test_the_readme_table_is_made_from_the_json_files(tmp_path):
    claim = Claim("loss falls: alpha", "reproduced", 0.51234, (0.4, 0.6), 3)
    content = replica_report.report("pretrain", [claim], {"a": {"val/loss": [1.0]}}, 2.0)
    (tmp_path / "pretrain.json").write_text(json.dumps(content))
    readme = tmp_path / "README.md"
    readme.write_text(f"head\n{replica_report.ROWS_BEGIN}\nold\n{replica_report.ROWS_END}\ntail\n")
    replica_report.update_readme(readme, tmp_path)
    text = readme.read_text()
    row = "| pretrain | loss falls: alpha | exploratory | reproduced | 0.512 [0.4, 0.6] | 3 |"
    assert row in text
    assert "old" not in text
    assert text.startswith("head")
    assert text.endswith("tail\n")


def test_a_whole_replica_writes_its_files(arms, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    claim = Claim("wide beats narrow", "unresolved", 0.1, (-1.0, 1.0), 1)
    replica = Namespace(
        ARMS=arms, verdicts=lambda results: [claim], figure=lambda results: Figure()
    )
    monkeypatch.setattr(replicate, "load_replica", lambda method: replica)
    replicate.main(command, ["pretrain", "--seeds", "1", "--only", "wide"])
    assert not (tmp_path / "replicas/pretrain.json").exists()
    replicate.main(command, ["pretrain", "--seeds", "1"])
    content = json.loads((tmp_path / "replicas/pretrain.json").read_text())
    assert content["claims"][0]["verdict"] == "unresolved"
    assert set(content["arms"]) == {"narrow", "wide"}
    assert (tmp_path / "replicas/pretrain.png").is_file()
    assert "wide beats narrow" in capsys.readouterr().out


PLAN = {
    "method": "pretrain",
    "seeds": 2,
    "primary": [{"id": "gain", "claim": "wide beats narrow", "unit": "nats", "smallest": 0.01}],
}


def planned(arms):
    """A replica with a claim that a plan can name: narrow's loss minus wide's."""

    def effects(results):
        narrow, wide = (results[name]["val/loss"] for name in ("narrow", "wide"))
        return {"gain": [a - b for a, b in zip(narrow, wide, strict=True)]}

    def findings(results):
        return {"order_of_arms": sorted(results)}

    return Namespace(ARMS=arms, effects=effects, findings=findings, figure=lambda results: Figure())


def test_a_planned_replica_is_judged_by_its_plan_alone(arms, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replicate, "load_replica", lambda method: planned(arms))
    path = Path("replicas/plans/pretrain.yaml")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(PLAN))

    replicate.main(command, ["pretrain", "--pilot", "--seeds", "2"])
    assert "seeds for power 0.9" in capsys.readouterr().out
    found = json.loads(path.with_name("pretrain.pilot.json").read_text())
    assert set(found["pilot"]["gain"]) == {"mean", "sd", "seeds"}
    work = Path("replicas", "work", "pretrain")
    assert {file.name for file in work.rglob("seed-*.json")} == {"seed-1000.json", "seed-1001.json"}

    with pytest.raises(SystemExit):
        replicate.main(command, ["pretrain", "--seeds", "3"])
    assert "3 seeds are not in the plan" in capsys.readouterr().err
    replicate.main(command, ["pretrain"])  # as many seeds as the plan has
    content = json.loads(Path("replicas/pretrain.json").read_text())
    [claim] = content["claims"]
    assert (claim["role"], claim["seeds"], claim["smallest"]) == ("primary", 2, 0.01)
    assert claim["plan"] == found["plan"]
    assert content["findings"] == {"order_of_arms": ["narrow", "wide"]}
    assert 'order of arms: ["narrow", "wide"]' in capsys.readouterr().out

    path.write_text(json.dumps(PLAN | {"alpha": 0.1}))  # a plan that was changed after its runs
    for words in (["pretrain"], ["pretrain", "--judge"]):
        with pytest.raises(SystemExit):
            replicate.main(command, words)
        assert f"was made under the plan {found['plan']}" in capsys.readouterr().err


COMMITTED = Path(__file__).parents[2] / "replicas"


@pytest.mark.parametrize("file", sorted(COMMITTED.glob("*.json")), ids=lambda file: file.stem)
def test_the_committed_arms_give_the_committed_verdicts_again(file, tmp_path):
    shutil.copy(file, tmp_path)
    shutil.copytree(COMMITTED / "plans", tmp_path / "plans")
    replicate.main(command, [file.stem, "--judge", "--out", str(tmp_path)])
    before, after = (json.loads((at / file.name).read_text()) for at in (COMMITTED, tmp_path))
    old, new = before.pop("claims"), after.pop("claims")
    assert after == before
    # Fits end where an optimiser stops, which differs in the tenth digit between processors.
    for claim, again in zip(old, new, strict=True):
        numbers = [claim.pop("effect"), *claim.pop("interval")]
        assert [again.pop("effect"), *again.pop("interval")] == pytest.approx(numbers, rel=1e-6)
        assert again == claim


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["nothing"], "pretrain"),
        (["pretrain", "--judge", "--out", "nowhere"], "nowhere"),
        (["pretrain", "--pilot", "--out", "nowhere"], "write a plan"),
        (["pretrain", "--only", "nothing"], "width-16"),
        (["pretrain", "--executor", "nowhere.Pool"], "nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(args, word, capsys):
    with pytest.raises(SystemExit) as stop:
        replicate.main(command, args)
    assert stop.value.code == 2
    assert word in capsys.readouterr().err
