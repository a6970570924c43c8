"""Recipes of several domains, joined; and the published final flow, as its config builds it."""

import json

import pytest
import yaml

from lit_research.catalogue import config_dir
from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.methods.openthoughts import (
    MixedRecipes,
    ReasoningWorld,
    Recipe,
    RowSource,
    WorldQuestions,
    WorldTeacher,
)
from tests.methods.openthoughts.test_recipe import Program, made, questions

# Published: questions after the filter, answered, and rows, in thousands.
FLOW = {"math": (180, 53, 850), "code": (60, 16, 250), "science": (60, 6, 100)}


def test_rows_of_all_recipes_are_joined(tmp_path):
    teacher = WorldTeacher("T1", seed=0)
    recipes = {
        "sums": Recipe({"good": WorldQuestions(count=50, seed=0)}, teacher, 20),
        "other": Recipe({"q": questions(30)}, Program(), 8, answers=2),
    }
    source = MixedRecipes(recipes, str(tmp_path), seed=1, world=ReasoningWorld(0, 10))
    rows = source.rows()
    assert len(rows) == len({row["id"] for row in rows}) == 28
    assert [row["id"].partition("-")[0] for row in rows] == ["sums"] * 20 + ["other"] * 8
    assert {row["domain"] for row in rows[20:]} == {"other"}  # its source names none
    assert not {"sums", "unknown"} & {row["domain"] for row in rows[:20]}  # this one does
    assert source.cost() == sum(row["teacher_tokens"] for row in rows)
    assert len(source.items("test")) == 10
    with pytest.raises(UserError, match="there are no recipes, in MixedRecipes"):
        MixedRecipes({})


def test_all_questions_of_all_sources_are_used_without_a_pool(tmp_path):
    recipe = Recipe({"a": questions(30, "a"), "b": questions(7, "b")}, Program(), 37, 2, pool=None)
    result, rows = made(recipe, tmp_path)
    assert result.counts["mixed"]["out"] == 37
    assert {row["source"] for row in rows} == {"a", "b"}


def test_the_paper_config_builds_the_published_flow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((config_dir() / "openthoughts/paper.yaml").read_text())
    given = config["data"]["init_args"]["source"]
    (tmp_path / "openthoughts").mkdir()
    sources = [name for one in given["init_args"]["recipes"].values() for name in one["sources"]]
    for name in (*sources, "items"):
        file = tmp_path / "openthoughts" / f"{name}.jsonl"
        file.write_text(json.dumps({"question": f"What is {name}?", "answer": "0"}) + "\n")
    source = make_object(RowSource, given)
    assert sorted(source.parts) == sorted(FLOW)
    for name, (kept, asked, n) in FLOW.items():
        recipe = source.parts[name].recipe
        assert recipe.n == 1000 * n
        assert round(recipe.kept * recipe.questions) == 1000 * kept
        assert recipe.questions == pytest.approx(1000 * asked, rel=0.06)
        assert recipe.questions * recipe.answers == pytest.approx(recipe.n, rel=0.011)
        assert ("duplicates" in recipe.dedup) == (name != "code")
        steps = recipe.steps()
        score = "difficulty" if name == "code" else "response_length"
        assert [step for step in steps if step.startswith("highest")] == [f"highest-{score}"]
        card = steps["answered"].card()["teacher"]
        assert (card["teacher"]["model"], card["licence"]) == ("Qwen/QwQ-32B", "Apache-2.0")
    assert sum(part.recipe.n for part in source.parts.values()) == 1_200_000
