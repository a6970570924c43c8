"""What TensorBoard's own reader finds: the layout, the explanation, HPARAMS, no stray charts."""

import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import pytest

import lit_research.methods
from lit_research.callbacks import RunLogger
from lit_research.callbacks.board import not_default
from lit_research.cli import main
from lit_research.methods.base import Method
from lit_research.methods.text import TextMethod
from tests.callbacks.board import hparams, layout, short_charts, single_values
from tests.callbacks.toy import events, scalars, texts
from tests.helpers import tiny

RUN_LOGGER = {"trainer.logger.class_path": "lit_research.callbacks.RunLogger"}
LAW = {
    "class_path": "ScalingLawFit",
    "init_args": {"min_points": 4, "every_validation": True, "x": "train/tokens"},
}
SAMPLES = {"class_path": "Samples", "init_args": {"max_new_tokens": 2}}


def fit(folder: Path, changes: dict | None = None, **options) -> Path:
    config = {**tiny(folder, {**RUN_LOGGER, **(changes or {})}), **options}
    return Path(main({"subcommand": "fit", "fit": config}).trainer.log_dir)


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Path:
    """A run of four validations with a law that is fitted once there are four points."""
    changes = {
        "trainer.max_steps": 8,
        "trainer.callbacks+": [LAW, SAMPLES, {"class_path": "LossByPosition"}],
    }
    return fit(tmp_path_factory.mktemp("watched"), changes)


def test_a_run_is_read_at_a_glance(watched):
    tags = events(watched).Tags()["scalars"]
    assert {"train/loss", "val/loss", "train/flops"} <= set(tags)
    assert "epoch" not in tags
    assert layout(watched) == {"loss (nats per token)": ["^train/loss$", "^val/loss$"]}
    assert texts(watched, "about")[0].count(".") == 2


def test_hparams_are_what_is_not_a_default_and_the_metrics_that_decide(watched):
    values, metrics = hparams(watched)
    assert values["lm/hidden_size"] == 16
    assert values["data/source"] == "embedded:topics"
    assert values["model/parameters"] == single_values(watched)["model/parameters"]
    hidden = ("_class_path", "cache_dir", "z_loss", "attention", "warmup")
    assert not [name for name in values if name.endswith(hidden)]
    assert metrics == {"train/loss", "val/loss"}


def test_arguments_of_objects_are_compared_with_their_defaults_too():
    optimizer = {
        "class_path": "torch.optim.AdamW",
        "init_args": {"lr": 0.5, "betas": [0.9, 0.999], "eps": 1e-8, "amsgrad": False},
    }

    class Part:
        hparams = {"optimizer": optimizer, "_class_path": "x", "cache_dir": "y"}

    assert not_default(Part()) == {"optimizer": "AdamW", "optimizer/lr": 0.5}


def test_what_has_one_value_is_no_chart_but_a_table_and_a_file(watched):
    assert short_charts(watched) == []
    single = single_values(watched)
    assert {"model/parameters", "law/E", "law/A", "law/alpha"} <= set(single)
    [table] = texts(watched, "values")
    assert f"| `law/E` | {single['law/E']:.6g} | 8 |" in table


def test_a_law_is_shown_once_for_the_points_that_it_is_of(watched):
    board, name = events(watched), "law/val/loss_vs_train/tokens"
    assert [tag for tag in board.Tags()["images"] if tag.startswith("law/")] == [name]
    assert [event.step for event in board.Images(name)] == [8]
    assert [text.split()[1] for text in texts(watched, name)] == ["8**"]


def test_samples_say_of_which_step_they_are(watched):
    heads = [text.split("\n")[0] for text in texts(watched, "samples")]
    assert heads == [f"**Step {step}**" for step in (2, 4, 6, 8)]


def test_a_test_has_a_table_and_no_charts(watched):
    tested = Path(main(["test", "--run", str(watched)]).trainer.log_dir)
    assert not events(tested).Tags()["scalars"]
    assert single_values(tested)["test/loss"] > 0
    assert "`test/loss`" in texts(tested, "values")[0]


def test_the_first_validation_of_a_short_run_joins_those_of_its_resume(tmp_path):
    changes = {"trainer.max_steps": 2, "checkpoint.every_n_train_steps": 2}
    run = fit(tmp_path, changes)
    first = single_values(run)["val/loss"]
    values, metrics = hparams(run)
    assert values["val/loss"] == pytest.approx(first)
    assert metrics == {"train/loss"}
    changes |= {"trainer.max_steps": 4}
    assert fit(tmp_path, changes, ckpt_path="last") == run
    curve = scalars(run, "val/loss")
    assert list(curve) == [1, 3]
    assert curve[1] == pytest.approx(first)
    assert "val/loss" not in single_values(run)
    assert short_charts(run) == []


def test_a_value_that_is_measured_again_after_a_kill_takes_the_place_of_the_first(tmp_path):
    for step in (5, 3, 3, 7):  # a resume each time
        logger = RunLogger(str(tmp_path), name="", version="")
        logger.log_metrics({"a": float(step), "epoch": 1}, step)
        logger.finalize("failed")
    assert scalars(tmp_path, "a") == {3: 3.0, 7: 7.0}
    assert json.loads((tmp_path / "values.json").read_text()) == {"values": {}, "curves": ["a"]}


def methods() -> list[type[Method]]:
    """Return every method that the package registers."""
    found = set()
    for info in pkgutil.iter_modules(lit_research.methods.__path__, "lit_research.methods."):
        for value in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(value) and issubclass(value, Method):
                found.add(value)
    found -= {Method, TextMethod}
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", methods())
def test_every_method_says_what_decides_and_how_to_read_it(kind):
    """Each method's own tests look at the curves: see ``check_decisive_curves``."""
    assert any("decisive_curves" in vars(k) for k in kind.__mro__[:2])
    assert "reading" in vars(kind)
    assert kind.reading.count(". ") == 1, "two sentences"
    assert kind.reading.endswith(".")
    for title, names in kind.decisive_curves.items():
        assert title.endswith(")"), "a unit"
        assert names
