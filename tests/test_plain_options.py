"""Options below a key of plain data are all set, and nothing beside them is lost."""

import pytest
import yaml

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from tests.helpers import Parsed, config_arguments, write_tiny

ROPE = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1000.0}
RECIPE = "--data.init_args.source.init_args.recipe"
WORLD = "lit_research.methods.openthoughts"


def parsed_recipe(*options):
    arguments = config_arguments(config_dir() / "openthoughts/recipe_tiny.yaml")
    config = Parsed(["fit", *arguments, *options]).config.fit
    return yaml.safe_load(yaml.safe_dump(plain(config.data.init_args.source)))["init_args"]


def plain(node):
    """A parsed config as mappings alone."""
    if hasattr(node, "as_dict"):
        node = node.as_dict()
    return {k: plain(v) for k, v in node.items()} if isinstance(node, dict) else node


def test_all_options_below_plain_data_reach_it():
    before = parsed_recipe()
    found = parsed_recipe(
        f"{RECIPE}.answers=16",
        f"{RECIPE}.teacher.init_args.name",
        "T1",
        f"{RECIPE}.sources.good.init_args.count=7000",
        f"{RECIPE}.dedup={{}}",
        "--trainer.max_steps=3",
    )
    expected = {**before["recipe"], "answers": 16, "dedup": {}}
    expected["teacher"]["init_args"]["name"] = "T1"
    expected["sources"]["good"]["init_args"]["count"] = 7000
    assert found == {**before, "recipe": expected}


def test_another_class_loses_the_arguments_of_the_one_before():
    other = f"{WORLD}.TopQuestions"
    score = f"{WORLD}.WorldDifficulty"
    found = parsed_recipe(
        f"{RECIPE}.question_filter={other}",
        f"{RECIPE}.question_filter.init_args.score={score}",
        f"{RECIPE}.question_filter.order=lowest",
        f"{RECIPE}.teacher.class_path=own.Teacher",
        f"{RECIPE}.teacher.init_args.wise=true",
    )["recipe"]
    assert found["question_filter"]["class_path"] == other
    assert found["question_filter"]["init_args"]["order"] == "lowest"
    assert score in str(found["question_filter"]["init_args"]["score"])
    assert found["teacher"] == {"class_path": "own.Teacher", "init_args": {"wise": True}}


def test_the_settings_of_a_model_keep_what_an_option_does_not_name(tmp_path):
    config = write_tiny(tmp_path, {"model.init_args.lm.rope_parameters": ROPE})
    lm = "--model.init_args.lm"
    arguments = ["fit", "--config", str(config), f"{lm}.rope_parameters.factor=4.0"]
    cli = main([*arguments, f"{lm}.hidden_size=24", "--trainer.max_steps=1"])
    assert cli.model.lm.config.rope_parameters == {**ROPE, "factor": 4.0}
    assert cli.model.lm.config.hidden_size == 24


def test_a_wrong_option_below_plain_data_is_named():
    arguments = config_arguments(config_dir() / "openthoughts/recipe_tiny.yaml")
    with pytest.raises(UserError, match="nmae"):
        main(["fit", *arguments, f"{RECIPE}.teacher.init_args.nmae=T1"])
