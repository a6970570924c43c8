"""Rows of a recipe reach the student; duplicates, leaks and wrong answers do not."""

import json

import pytest

from lit_research.cli import main
from lit_research.evals import Verdict, Verifier
from lit_research.methods.openthoughts import (
    Decontaminate,
    ExactDuplicates,
    NearDuplicates,
    ReasoningWorld,
    Recipe,
    RecipeRows,
    VerifiedAnswers,
    Verify,
    WorldQuestions,
    WorldTeacher,
)
from lit_research.stages import Pipeline
from lit_research.stages.sources import Rows

TINY = "configs/openthoughts/tiny.yaml"
OVERLAY = "configs/openthoughts/recipe_tiny.yaml"


class Exact(Verifier):
    """Right if the final answer is the key."""

    def card(self):
        return {"name": type(self).__name__}

    def verify(self, attempts):
        return [Verdict("right" if one.final == one.key else "wrong") for one in attempts]


def chosen(stage, questions, folder):
    rows = [{"id": str(place), "question": text} for place, text in enumerate(questions)]
    result = Pipeline({"rows": Rows(rows), "kept": stage}, folder).run(shown=False)
    rejected = {record["row"]["id"]: record for record in result.outcome.rejected()}
    return result.outcome.table()["id"].to_pylist(), rejected


def test_duplicates_are_rejected_and_name_their_original(tmp_path):
    asked = [
        "What is the sum of 12 and 30, if the first is doubled before they are added?",
        "what is  the SUM of 12 and 30, if the first is doubled before they are added?",
        "What is the sum of 12 and 30, if the first is doubled before they are added!",
        "What is the sum of 12 and 31, if the first is doubled before they are added?",
    ]
    kept, rejected = chosen(ExactDuplicates(), asked, tmp_path / "a")
    assert kept == ["0", "2", "3"]
    assert rejected["1"]["reason"] == "an exact duplicate"
    assert rejected["1"]["detail"].startswith("of 0")
    kept, _ = chosen(NearDuplicates(), asked, tmp_path / "b")
    assert kept == ["0"]
    kept, _ = chosen(NearDuplicates(numbers_must_match=True), asked, tmp_path / "c")
    assert kept == ["0", "3"]


def test_leaks_are_rejected_and_name_the_item(tmp_path):
    item = "a farmer has nine cows and sells two of them to his brother on a Monday"
    (tmp_path / "exam.jsonl").write_text(json.dumps({"id": "e7", "question": item}) + "\n")
    stage = Decontaminate({"exam": str(tmp_path / "exam.jsonl")}, "bytes", n=20)
    asked = ["Tell me: " + item + " at noon?", "quite another question with other words"]
    kept, rejected = chosen(stage, asked, tmp_path / "out")
    assert kept == ["1"]
    assert rejected["0"]["reason"] == "in exam"
    assert "with e7" in rejected["0"]["detail"]


def test_only_verified_answers_are_kept(tmp_path):
    recipe = Recipe(
        {"good": WorldQuestions(count=300, seed=0)},
        WorldTeacher("T3", seed=0),
        100,
        answer_filter=VerifiedAnswers(Exact()),
    )
    result = recipe.pipeline(tmp_path).run(shown=False)
    assert result.counts["right"] == {"in": 200, "out": 160, "rejected": {"wrong": 40}}
    rows = result.outcome.table().to_pylist()
    assert len(rows) == 100
    assert all(row["final"] == row["answer"] for row in rows)


def test_keys_are_checked_before_answers(tmp_path):
    rows = [
        {"id": "a", "question": "1 + 1?", "answer": "2", "trace": "", "final": "2"},
        {"id": "b", "question": "1 + 2?", "answer": None, "trace": "", "final": "3"},
    ]
    rows = [{**row, "question_id": row["id"]} for row in rows]
    result = Pipeline({"rows": Rows(rows), "verified": Verify(Exact())}, tmp_path).run(shown=False)
    assert result.counts["verified"] == {"in": 2, "out": 1, "rejected": {"no answer key": 1}}

    class Never(Exact):
        def verify(self, attempts):
            return [Verdict("wrong") for _ in attempts]

    with pytest.raises(ValueError, match="the answer key '2' of 'a' is refused by Never"):
        Pipeline({"rows": Rows(rows), "verified": Verify(Never())}, tmp_path).run(shown=False)


def test_rows_are_made_once_and_cost_what_the_teacher_wrote(tmp_path):
    recipe = Recipe({"good": WorldQuestions(count=50, seed=0)}, WorldTeacher("T2", seed=0), 40)
    source = RecipeRows(recipe, str(tmp_path), seed=3, world=ReasoningWorld(0, 10))
    rows = list(source.rows())
    assert source.cost() == sum(len(row["trace"]) for row in rows)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.arrow")}
    assert list(RecipeRows(recipe, str(tmp_path), seed=3).rows()) == rows
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert list(RecipeRows(recipe, str(tmp_path), seed=4).rows()) != rows
    assert len(source.items("test")) == 10


def test_the_command_trains_on_a_recipe(tmp_path, capsys):
    recipe = "--data.init_args.source.init_args"
    run = main(
        [
            "fit",
            "--config",
            TINY,
            "--config",
            OVERLAY,
            "--trainer.max_steps=2",
            "--trainer.log_every_n_steps=1",
            "--trainer.val_check_interval=2",
            "--data.init_args.max_items=2",
            "--model.init_args.max_new_tokens=4",
            f"{recipe}.folder={tmp_path / 'recipes'}",
            f"{recipe}.recipe.n=64",
            f"--trainer.logger.init_args.save_dir={tmp_path}",
        ]
    )
    assert len(run.datamodule.rows) == 64
    assert "val/accuracy" in run.trainer.callback_metrics
    assert (tmp_path / "recipes").is_dir()


def test_a_strategy_that_starves_the_recipe_is_one_line(tmp_path):
    recipe = Recipe({"good": WorldQuestions(count=50, seed=0)}, WorldTeacher("T2", seed=0), 60)
    with pytest.raises(ValueError, match="50 rows of source 0 where 60 are needed"):
        RecipeRows(recipe, str(tmp_path)).rows()
