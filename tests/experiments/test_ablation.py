"""An ablation: ordinary runs, resumed from disk, a choice a step, confirmed on fresh seeds."""

import json

import pytest

from lit_research.cli import main
from lit_research.errors import UserError
from tests.helpers import tiny, write_tiny
from tests.methods.openthoughts.test_module import CHANGES

ARGS = "model.init_args"
TEACHER = "data.init_args.source.init_args.teacher"
STEPS = {
    "teacher": {"T0": {TEACHER: "T0"}, "T1": {TEACHER: "T1"}},
    "width": {"narrow": {f"{ARGS}.lm.hidden_size": 16}, "wide": {f"{ARGS}.lm.hidden_size": 32}},
}


def config(folder, changes=None):
    folder.mkdir(exist_ok=True)
    write_tiny(
        folder, {**CHANGES, f"{ARGS}.samples": 1, "throughput.measure_peak": False}, "trial.yaml"
    )
    return tiny(
        folder,
        {
            "model": {
                "class_path": "lit_research.experiments.Ablation",
                "init_args": {
                    "trial": str(folder / "trial.yaml"),
                    "steps": STEPS,
                    "seeds": 2,
                    "score": "val/answer_tokens",
                    "folder": str(folder / "trials"),
                },
            },
            "data": {"class_path": "SearchRounds"},
            "trainer.max_steps": ...,
            "trainer.max_epochs": 1,
            "trainer.val_check_interval": ...,
            "trainer.callbacks": [],
            "throughput.measure_peak": False,
            **(changes or {}),
        },
    )


def test_an_ablation_chooses_confirms_and_is_read_again(tmp_path):
    given = config(
        tmp_path,
        {
            f"{ARGS}.beside": {"longer": {"trainer.max_steps": 4}},
            f"{ARGS}.confirm": {"data.init_args.validation_of": "test"},
            f"{ARGS}.confirm_seeds": 2,
        },
    )
    run = main({"subcommand": "fit", "fit": given})
    [file] = (tmp_path / "runs").rglob("ablation.json")
    found = json.loads(file.read_text())
    assert [step["step"] for step in found["steps"]] == ["teacher", "width"]
    for step in found["steps"]:
        assert all(len(scores) == 2 for scores in step["scores"].values())
        assert step["chosen"] in step["scores"]
        assert list(step["beside"]) == ["longer"]
    assert set(found["confirmation"]["scores"]) == {"chosen", "baseline"}
    assert {len(scores) for scores in found["confirmation"]["scores"].values()} == {2}
    assert run.trainer.should_stop
    results = {path: path.stat().st_mtime_ns for path in (tmp_path / "trials").rglob("seed-*.json")}
    assert {int(path.stem.partition("-")[2]) for path in results} == {0, 1, 10_000, 10_001}
    main({"subcommand": "fit", "fit": given})
    again = {path: path.stat().st_mtime_ns for path in (tmp_path / "trials").rglob("seed-*.json")}
    assert again == results


def test_a_baseline_that_stays_is_confirmed_once(tmp_path):
    given = config(
        tmp_path,
        {
            f"{ARGS}.steps": {"teacher": STEPS["teacher"]},
            f"{ARGS}.score": "val/truncated_share",  # 1 for both: a tie, and the first is cheaper
            f"{ARGS}.confirm": {"data.init_args.validation_of": "test"},
            f"{ARGS}.confirm_seeds": 2,
        },
    )
    main({"subcommand": "fit", "fit": given})
    [file] = (tmp_path / "runs").rglob("ablation.json")
    found = json.loads(file.read_text())
    assert found["steps"][0]["chosen"] == "T0"
    assert found["confirmation"]["scores"]["chosen"] == found["confirmation"]["scores"]["baseline"]
    assert len(found["confirmation"]["scores"]["chosen"]) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{ARGS}.seeds": 1}, "seeds is 1"),
        ({f"{ARGS}.confirm_seeds": 2}, "confirm_seeds is 2 without confirm"),
        ({f"{ARGS}.confirm": {"a": 1}}, "confirm is given with confirm_seeds 0"),
        ({f"{ARGS}.steps": {"x": {"a": {}}}}, "the step 'x' has 1 strategies"),
        ({"trainer.max_epochs": 2}, "max_epochs 2, in trainer of Ablation"),
    ],
)
def test_what_is_no_experiment_is_refused(tmp_path, changes, message):
    with pytest.raises((UserError, SystemExit)) as refusal:
        main({"subcommand": "fit", "fit": config(tmp_path, changes)})
    assert message in str(refusal.value) or isinstance(refusal.value, SystemExit)


def test_a_score_that_no_trial_logs_is_named_with_those_that_are(tmp_path):
    given = config(tmp_path, {f"{ARGS}.score": "val/accurcy"})
    with pytest.raises(UserError, match=r"a trial logs no 'val/accurcy'.*val/accuracy"):
        main({"subcommand": "fit", "fit": given})
