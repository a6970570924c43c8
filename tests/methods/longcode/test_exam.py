"""The exam: asked by the command at every length, graded, kept, resumed, and reported."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.methods.longcode import (
    CodeExam,
    Graded,
    ItemSet,
    LongCodeExam,
    RandomLetter,
    report_of,
)
from tests.methods.longcode.exams import write_items

SOLVER = "tests.methods.longcode.exams.Reads"
SLOW = "model.init_args.solver.init_args"


@pytest.fixture
def items(tmp_path):
    return write_items(tmp_path / "items")


def words(tmp_path, items, verb="test", **options):
    given = {
        "model": "LongCodeExam",
        "model.init_args.solver": SOLVER,
        "model.init_args.solver.init_args.asked": str(tmp_path / "asked.txt"),
        "model.init_args.folder": str(tmp_path / "exam"),
        "data": "CodeExam",
        "data.init_args.items": str(items),
        "data.init_args.lengths": "[1024, 2048]",
        "data.init_args.batch_size": "3",
        "trainer.logger.init_args.save_dir": str(tmp_path / "runs"),
        "trainer.enable_progress_bar": "false",
        **({"trainer.max_steps": 1} if verb == "fit" else {}),
        **options,
    }
    return [verb, *(f"--{key}={value}" for key, value in given.items())]


def records(tmp_path):
    lines = (tmp_path / "exam/answers.0.jsonl").read_text().splitlines()
    return [Graded(**json.loads(line)) for line in lines]


def test_every_question_is_asked_at_every_length_with_every_rotation(tmp_path, items):
    main(words(tmp_path, items))
    found = records(tmp_path)
    assert len(found) == 8 * 2 * 4
    assert all(record.right and record.status == "answered" for record in found)
    assert {record.letter for record in found} == set("ABCD")
    for bucket in (1024, 2048):
        assert all(r.tokens <= bucket for r in found if r.bucket == bucket)
    assert all(0 <= record.depth <= 1 for record in found)
    assert all(record.details["letter_paper"] == record.letter for record in found)
    report = json.loads((tmp_path / "exam/report.json").read_text())
    assert json.dumps(report, sort_keys=True) == json.dumps(
        json.loads(json.dumps(report_of(found).as_json())), sort_keys=True
    )


def test_an_exam_that_was_stopped_asks_only_what_is_missing(tmp_path, items):
    for stop in (5, 17, 40):
        with pytest.raises(RuntimeError, match="stopped"):
            main(words(tmp_path, items, **{"model.init_args.solver.init_args.stop_after": stop}))
    main(words(tmp_path, items))
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    kept = [(r.item, r.bucket, r.rotation, r.repeat) for r in records(tmp_path)]
    assert len(kept) == len(set(kept)) == 64
    # A batch of 3 items, 12 answers, is kept as a whole: what a stop loses is part of one.
    assert len(set(asked)) == 64
    assert len(asked) <= 64 + 3 * 11


def test_an_exam_that_is_complete_asks_nothing(tmp_path, items):
    main(words(tmp_path, items))
    main(words(tmp_path, items))
    assert len((tmp_path / "asked.txt").read_text().splitlines()) == 64


def test_predict_asks_and_does_not_mix_with_what_is_graded(tmp_path, items):
    main(words(tmp_path, items, "predict"))
    assert len(records(tmp_path)) == 64
    assert not (tmp_path / "exam/report.json").exists()
    with pytest.raises(UserError, match="another graded was begun"):
        main(words(tmp_path, items))


def test_the_same_exam_has_the_same_folder_and_another_has_another(tmp_path, items):
    own = {"model.init_args.folder": "null"}
    for seed in (0, 0, 1):
        main(words(tmp_path, items, **own, **{"data.init_args.seed": seed}))
    folders = list((tmp_path / "runs").rglob("exams/*/report.json"))
    assert len(folders) == 2
    assert len((tmp_path / "asked.txt").read_text().splitlines()) == 128


def test_a_prompt_that_does_not_fit_is_refused_and_counted(tmp_path, items):
    main(words(tmp_path, items, **{"data.init_args.lengths": "[128, 1024]"}))
    refused = [r for r in records(tmp_path) if r.bucket == 128]
    assert {(r.status, r.right, r.details["refusal"]) for r in refused} == {
        ("refused", False, "context")
    }
    assert len(refused) == 32


def test_without_code_nothing_is_shown(tmp_path, items):
    data = CodeExam(str(items), lengths=[1024], questions="without", rotations=1)
    [asked] = data.asked(0)
    assert "def " not in asked.prompt
    assert asked.item.question in asked.prompt


def test_a_context_is_the_same_at_every_rotation(items):
    data = CodeExam(str(items), lengths=[1024], rotations=4)
    asked = data.asked(0)
    assert len({one.context for one in asked}) == 1
    assert [one.letter for one in asked] == [
        "ABCD"[(asked[0].item.answer + rotation) % 4] for rotation in range(4)
    ]


@pytest.mark.parametrize("verb", ["fit", "validate"])
def test_there_is_nothing_to_train(tmp_path, items, verb):
    with pytest.raises(UserError, match=f"LongCodeExam has no {verb}; it has test and predict"):
        main(words(tmp_path, items, verb))


def test_a_repairer_without_faults_is_refused(tmp_path, items):
    repairer = {"model.init_args.repairer": "lit_research.methods.longcode.NullPatch"}
    with pytest.raises(UserError, match="there are 0 items for it"):
        main(words(tmp_path, items, **repairer))


def test_bad_options_are_refused(tmp_path):
    with pytest.raises(UserError, match="give one of them or both"):
        LongCodeExam()
    with pytest.raises(UserError, match="rule is 'papr'"):
        LongCodeExam(RandomLetter(), rule="papr")
    with pytest.raises(UserError, match="rotations is 5"):
        CodeExam("items", rotations=5)
    ItemSet([], {}).save(tmp_path / "empty")
    with pytest.raises(UserError, match="there are no items"):
        _ = CodeExam(str(tmp_path / "empty")).item_set


@pytest.mark.replica
def test_an_exam_that_is_killed_ten_times_ends_in_the_report_of_an_unbroken_one(tmp_path, items):
    asked, command = tmp_path / "asked.txt", [sys.executable, "-m", "lit_research"]
    for kill in range(10):
        process = subprocess.Popen(
            [*command, *words(tmp_path, items, **{f"{SLOW}.pause_s": 0.05})],
            cwd=Path(__file__).parents[3],
        )
        seen = _lines(asked)
        while process.poll() is None and _lines(asked) < seen + 3 + kill % 4:
            time.sleep(0.01)
        process.kill()
        process.wait()
    main(words(tmp_path, items))
    kept = [(r.item, r.bucket, r.rotation, r.repeat) for r in records(tmp_path)]
    assert len(kept) == len(set(kept)) == 64
    broken = (tmp_path / "exam/report.json").read_text()
    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    main(words(unbroken, items))
    assert (unbroken / "exam/report.json").read_text() == broken


def _lines(file):
    return len(file.read_text().splitlines()) if file.exists() else 0
