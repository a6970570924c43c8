"""The errors of a recipe's verifier stand in its card, measured on labelled answers."""

import json

import pytest
import yaml

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.evals import Verdict, Verifier
from lit_research.methods.openthoughts import (
    LabelledFile,
    MixedRecipes,
    PlantedAnswers,
    Recipe,
    RecipeRows,
    RowSource,
    VerifiedAnswers,
    WorldQuestions,
    WorldTeacher,
)
from lit_research.stats import wilson

RECIPE = """
class_path: lit_research.methods.openthoughts.RecipeRows
init_args:
  folder: {folder}/recipes
  seed: 0
  recipe:
    sources:
      good:
        class_path: lit_research.methods.openthoughts.WorldQuestions
        init_args: {{count: 60, seed: 0}}
    teacher:
      class_path: lit_research.methods.openthoughts.WorldTeacher
      init_args: {{name: T3, seed: 0}}
    n: 20
    answer_filter:
      class_path: lit_research.methods.openthoughts.VerifiedAnswers
      init_args:
        verifier:
          class_path: tests.methods.openthoughts.test_labelled.Lenient
        labelled:
          class_path: lit_research.methods.openthoughts.LabelledFile
          init_args: {{path: {folder}/labelled.jsonl}}
"""
LABELLED = [
    # of the key, the final answer, and whether it is right
    ("12", "12", True),
    ("12", "13", False),  # accepted: the same first digit
    ("30", "31", False),
    ("41", "7", False),
    ("2", "unsure", True),
]


class Lenient(Verifier):
    """Compares first digits alone, and cannot tell without any."""

    def card(self):
        return {"name": type(self).__name__}

    def verify(self, attempts):
        return [
            Verdict("right" if one.final[0] == one.key[0] else "wrong")
            if one.final[0].isdigit()
            else Verdict.cannot_tell("no digit")
            for one in attempts
        ]


def write_labelled(folder, rows=LABELLED):
    names = ("answer", "final", "right")
    lines = [json.dumps({"question": "?", **dict(zip(names, row, strict=True))}) for row in rows]
    (folder / "labelled.jsonl").write_text("".join(line + "\n" for line in lines))
    return str(folder / "labelled.jsonl")


def world_recipe(**options):
    answer_filter = VerifiedAnswers(Lenient(), **options)
    questions = {"good": WorldQuestions(count=60, seed=0)}
    return Recipe(questions, WorldTeacher("T3", seed=0), 20, answer_filter=answer_filter)


def test_a_recipe_from_yaml_says_how_often_its_verifier_errs(tmp_path):
    write_labelled(tmp_path)
    source = make_object(RowSource, yaml.safe_load(RECIPE.format(folder=tmp_path)))
    quality = source.card()["measured"]["verified"]["quality"]
    low, high = wilson(2, 3)
    assert quality["false_accept"] == {
        "count": 2,
        "of": 3,
        "share": 2 / 3,
        "low": low,
        "high": high,
    }
    assert (quality["false_reject"]["count"], quality["false_reject"]["of"]) == (0, 2)
    assert quality["cannot_tell_right"]["count"] == 1
    assert quality["verifier"] == {"name": "Lenient"}
    assert source.card()["counts"]["examples"]["out"] == 20
    # It is kept with the rows.
    again = make_object(RowSource, yaml.safe_load(RECIPE.format(folder=tmp_path)))
    assert again.card() == source.card()
    assert json.dumps(source.card())


def test_planted_answers_have_a_known_share_of_wrong_ones(tmp_path):
    planted = PlantedAnswers(100, seed=3)
    assert sum(not row["right"] for row in planted.rows()) == 20
    recipe = world_recipe(labelled=planted)
    found = recipe.pipeline(tmp_path).run(shown=False).cards["verified"]
    quality = found["measured"]["quality"]
    assert (quality["false_accept"]["of"], quality["false_reject"]["of"]) == (20, 80)
    assert quality["false_reject"]["count"] == 0
    # A digit off, and often not the first one.
    assert 0 < quality["false_accept"]["count"] < 20
    assert found["stage"]["labelled"] == {
        "answers": 100,
        "teacher": "T3",
        "seed": 3,
        "largest": 9,
    }


def test_without_labelled_answers_nothing_is_measured_and_rows_are_the_same(tmp_path):
    plain = RecipeRows(world_recipe(), str(tmp_path), seed=0)
    measured = RecipeRows(world_recipe(labelled=PlantedAnswers(50, seed=0)), str(tmp_path), seed=0)
    assert "measured" not in plain.card()
    assert "measured" in measured.card()
    lineage = {"config"}  # a hash of all that is in the cards
    first, second = (
        [{k: v for k, v in row.items() if k not in lineage} for row in one.rows()]
        for one in (plain, measured)
    )
    assert first == second


def test_the_card_of_mixed_recipes_has_each_of_them(tmp_path):
    mixed = MixedRecipes({"a": world_recipe(labelled=PlantedAnswers(50, seed=0))}, str(tmp_path), 0)
    assert "quality" in mixed.card()["a"]["measured"]["verified"]


def test_a_label_must_be_true_or_false(tmp_path):
    path = write_labelled(tmp_path, [("1", "1", "yes")])
    with pytest.raises(UserError, match=r"right is 'yes', of the row .* must be true or false"):
        LabelledFile(path)


def test_a_key_that_the_verifier_refuses_is_named(tmp_path):
    path = write_labelled(tmp_path, [("none", "1", False)])
    recipe = world_recipe(labelled=LabelledFile(path))
    with pytest.raises(UserError, match=r"'none'.*answer' of the labelled answers"):
        recipe.pipeline(tmp_path / "out").run(shown=False)
