"""An ablation: ordinary runs, resumed from disk, a choice a step, confirmed on fresh seeds."""

import json
from pathlib import Path

import pytest

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.experiments.equal_sizes import check_equal_sizes
from lit_research.experiments.held_out import check_held_out
from lit_research.experiments.trial_config import read_trial
from tests.helpers import read_config, tiny, write_tiny
from tests.methods.openthoughts.test_module import CHANGES

ARGS = "model.init_args"
TEACHER = "data.init_args.source.init_args.teacher"
WORLD = "lit_research.methods.openthoughts.WorldRows"
SOURCE = {"class_path": WORLD, "init_args": {"rows": 30, "evaluation": 6, "teacher": "T1"}}
STEPS = {
    "teacher": {"T0": {TEACHER: "T0"}, "T1": {"data.init_args.source": SOURCE}},
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


ROWS = "data.init_args.source.init_args.rows"


def test_a_strategy_of_other_n_is_shown_and_never_chosen(tmp_path):
    teachers = {**STEPS["teacher"], "T1, more": {TEACHER: "T1", ROWS: 60}}
    given = config(
        tmp_path,
        {
            f"{ARGS}.steps": {"teacher": teachers},
            f"{ARGS}.score": "val/train_rows",  # the most rows would win
            f"{ARGS}.not_compute_controlled": {"teacher": ["T1, more"]},
        },
    )
    main({"subcommand": "fit", "fit": given})
    [file] = (tmp_path / "runs").rglob("ablation.json")
    [step] = json.loads(file.read_text())["steps"]
    assert step["scores"] == {"T0": [30, 30], "T1": [30, 30], "T1, more": [60, 60]}
    assert (step["chosen"], step["tied"]) == ("T0", ["T0", "T1"])
    assert step["not_compute_controlled"] == ["T1, more"]


def test_rows_that_turn_out_unequal_are_refused_after_the_step(tmp_path):
    # Here the number of rows hides in a file.
    rows = [{"question": f"{k}", "trace": "a", "final": "b"} for k in range(12)]
    for name, count in (("few", 8), ("many", 12)):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows[:count])
        (tmp_path / f"{name}.jsonl").write_text(lines)
    (tmp_path / "dev.jsonl").write_text(json.dumps({"question": "q", "answer": "b"}) + "\n")
    source = "data.init_args.source"
    strategies = {name: {source: str(tmp_path / f"{name}.jsonl")} for name in ("few", "many")}
    given = config(tmp_path, {f"{ARGS}.steps": {"source": strategies}})
    write_tiny(
        tmp_path,
        {
            **CHANGES,
            source: str(tmp_path / "few.jsonl"),
            "data.init_args.validation": str(tmp_path / "dev.jsonl"),
            "data.init_args.packing": False,
            f"{ARGS}.samples": 1,
            "throughput.measure_peak": False,
        },
        "trial.yaml",
    )
    message = "'many' of the step 'source' trained on 12 rows and 'few' on 8"
    with pytest.raises(UserError, match=message):
        main({"subcommand": "fit", "fit": given})


UNEQUAL = "strategies are compared at unequal n: 'b' of the step 's' has "
FILTER = "data.init_args.source.init_args.recipe.answer_filter"
UNCUT = "lit_research.methods.openthoughts.AllAnswers"


@pytest.mark.parametrize(
    ("strategies", "marked", "message"),
    [
        ({"a": {}, "b": {ROWS: 60}}, [], f"{UNEQUAL}{ROWS} 60 where 'a' has 30"),
        ({"a": {ROWS: 9, TEACHER: "T0"}, "b": {ROWS: 60}}, [], "60 where 'a' has 9"),
        ({"a": {}, "b": {"trainer.max_steps": 9}}, [], "trainer.max_steps 9 where 'a' has 3"),
        (
            {"a": {}, "b": {"data.init_args.source.init_args": {"recipe": {"n": 5}}}},
            [],
            "recipe.n 5 where 'a' has None",
        ),
        ({"a": {}, "b": {FILTER: {"class_path": UNCUT}}}, [], f"does not end in n rows ({UNCUT})"),
        ({"a": {}, "b": {FILTER: UNCUT}}, ["c"], "has 'c' of the step 's'"),
        ({"a": {}, "b": {FILTER: UNCUT}}, ["a"], "a strategy but the baseline"),
        ({"a": {}, "b": {FILTER: UNCUT}}, ["b"], "leaves one strategy of the step 's'"),
    ],
)
def test_unequal_n_is_refused_before_any_trial(tmp_path, strategies, marked, message):
    changes = {f"{ARGS}.steps": {"s": strategies}, f"{ARGS}.not_compute_controlled": {"s": marked}}
    with pytest.raises(UserError) as refusal:
        main({"subcommand": "fit", "fit": config(tmp_path, changes)})
    assert message in str(refusal.value)
    assert not (tmp_path / "trials").exists()


VALIDATION = "data.init_args.validation"


@pytest.mark.parametrize(
    ("dev", "confirm"),
    [
        ({}, {"data.init_args.validation_of": "validation"}),
        ({}, {"data.init_args.max_items": 3}),
        ({}, {f"{ARGS}.samples": 9}),
        ({VALIDATION: "{dev}"}, {VALIDATION: "{dev}"}),
        ({VALIDATION: "{dev}"}, {VALIDATION: "{copy}"}),
        ({VALIDATION: "{dev}"}, {VALIDATION: "{folder}"}),
        # A file goes before the source's own items, so that this asks it again.
        ({VALIDATION: "{dev}"}, {"data.init_args.validation_of": "test"}),
    ],
)
def test_a_held_out_set_among_the_dev_sets_is_refused_before_any_trial(tmp_path, dev, confirm):
    places = {name: str(tmp_path / f"{name}.jsonl") for name in ("dev", "copy")}
    places["folder"] = str(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    for file in (places["dev"], places["copy"], f"{places['folder']}/a.jsonl"):
        Path(file).write_text('{"question": "q", "answer": "a"}\n')

    def filled(options):
        return {k: v.format(**places) if isinstance(v, str) else v for k, v in options.items()}

    changes = {f"{ARGS}.confirm": filled(confirm), f"{ARGS}.confirm_seeds": 2}
    given = config(tmp_path, changes)
    write_tiny(tmp_path, {**CHANGES, **filled(dev)}, "trial.yaml")
    with pytest.raises(UserError, match="a held-out set is named among the dev sets: confirm asks"):
        main({"subcommand": "fit", "fit": given})
    assert not (tmp_path / "trials").exists()


def test_the_shipped_ablation_is_a_fair_comparison():
    args = read_config(config_dir() / "openthoughts/ablate_tiny.yaml")["model"]["init_args"]
    trial = read_trial(args["trial"], "here")
    assert trial["model"]["class_path"] == "ReasoningSFT"  # of its base
    check_equal_sizes(trial, args["steps"], {}, "here")
    check_held_out(trial, args["steps"], args["confirm"], "here")


def test_a_dev_set_of_a_strategy_is_no_held_out_set(tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"question": "q", "answer": "a"}\n')
    changes = {
        f"{ARGS}.steps": {"s": {"a": {}, "b": {VALIDATION: str(other)}}},
        f"{ARGS}.confirm": {VALIDATION: str(other)},
        f"{ARGS}.confirm_seeds": 2,
    }
    with pytest.raises(UserError, match=f"confirm asks {other}"):
        main({"subcommand": "fit", "fit": config(tmp_path, changes)})


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
        ({f"{ARGS}.trial": "no/such.yaml"}, "there is no trial config"),
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
