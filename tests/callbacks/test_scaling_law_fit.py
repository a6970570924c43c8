"""A law is recovered from logged metrics by name, shown, kept over a resume,
or refused in words."""

import json

import pytest

from lit_research.callbacks import ResearchCheckpoint, ScalingLawFit
from lit_research.errors import UserError
from tests.callbacks.toy import Toy, events, fit, make_trainer, scalars, texts

EVERY = {"val_check_interval": 1, "limit_val_batches": 1}
NAME = "law/b_vs_a"


class Exact(Toy):
    """Logs points of ``2 + 3 / x^0.5`` under names of its own, ``scale`` times as far along x."""

    scale = 1.0

    def validation_step(self, batch, batch_idx):
        x = 100.0 * self.scale * self.trainer.global_step
        self.log("a", x)
        self.log("b", 2 + 3 * x**-0.5)


def exact_fit(**options) -> ScalingLawFit:
    return ScalingLawFit(**({"x": "a", "y": "b", "method": "ls", "noise": 0.01} | options))


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_law_is_recovered_and_shown_as_scalars_figure_and_text(tmp_path):
    law = exact_fit()
    fit(make_trainer(tmp_path, law, **EVERY), Exact())
    assert law.fit.params == pytest.approx({"E": 2, "A": 3, "alpha": 0.5}, rel=1e-3)
    board = events(tmp_path)
    assert {tag for tag in board.Tags()["scalars"] if tag.startswith("law/")} == {
        "law/E",
        "law/A",
        "law/alpha",
    }
    assert scalars(tmp_path, "law/E")[10] == pytest.approx(2, rel=1e-3)
    assert board.Tags()["images"] == [NAME]
    assert "PowerLaw" in texts(tmp_path, NAME)[0]


def test_points_lie_beside_the_run_and_a_resume_repeats_none(tmp_path):
    law, file = exact_fit(), tmp_path / "points.jsonl"
    fit(make_trainer(tmp_path, law, ResearchCheckpoint(every_n_train_steps=4), **EVERY), Exact())
    unbroken = lines(file)
    assert [point["step"] for point in unbroken] == list(range(1, 11))
    assert unbroken[3].keys() == {"step", "a", "b"}
    # From step 8, as if the run had been killed after step 10.
    path = str(tmp_path / "checkpoints/step=8.ckpt")
    law = exact_fit()
    fit(make_trainer(tmp_path, law, ResearchCheckpoint(), **EVERY), Exact(), ckpt_path=path)
    assert lines(file) == law.points == unbroken


def test_a_new_run_in_an_old_folder_begins_its_own_points(tmp_path):
    for _ in range(2):
        fit(make_trainer(tmp_path, exact_fit(), max_steps=6, **EVERY), Exact())
    assert [point["step"] for point in lines(tmp_path / "points.jsonl")] == list(range(1, 7))


def test_runs_that_share_a_file_are_fitted_together_and_a_resume_adds_nothing(tmp_path):
    shared = tmp_path / "sweep" / "points.jsonl"
    for scale in (1.0, 10.0):
        module, law = Exact(), exact_fit(points_file=str(shared), min_points=6)
        module.scale = scale
        checkpoint = ResearchCheckpoint(every_n_train_steps=2, keep=2)
        fit(make_trainer(tmp_path / str(scale), law, checkpoint, max_steps=4, **EVERY), module)
        assert (law.fit is not None) == (scale == 10.0)  # four points, then eight
    assert len(law.fit.points.y) == 8
    module, law = Exact(), exact_fit(points_file=str(shared))
    module.scale = 10.0
    path = str(tmp_path / "10.0/checkpoints/step=2.ckpt")
    trainer = make_trainer(tmp_path / "10.0", law, ResearchCheckpoint(), max_steps=4, **EVERY)
    fit(trainer, module, ckpt_path=path)
    assert len(law.fit.points.y) == 8


def test_too_few_points_are_said_in_words(tmp_path):
    law = exact_fit()
    fit(make_trainer(tmp_path, law, max_steps=3, **EVERY), Exact())
    assert law.fit is None
    [text] = texts(tmp_path, NAME)
    assert "3 points; a fit needs 5" in text
    assert not events(tmp_path).Tags()["images"]


def test_the_first_points_can_be_kept_and_not_fitted(tmp_path):
    law = exact_fit(skip_first=3)
    fit(make_trainer(tmp_path, law, **EVERY), Exact())
    assert len(law.points) == 10
    assert len(law.fit.points.y) == 7


class Rising(Toy):
    """Logs a rate that rises from 0.4 at 200 to 0.7, as a sigmoid of what lies beyond 200."""

    def validation_step(self, batch, batch_idx):
        x = 100.0 * self.trainer.global_step
        self.log("a", x)
        beyond = max(x - 200.0, 1e-9)
        self.log("b", 0.4 + 0.3 / (1 + (300.0 / beyond) ** 0.8) if x >= 200 else 0.0)


def test_a_sigmoid_can_be_measured_from_a_later_origin(tmp_path):
    law = exact_fit(law="Sigmoid", drop_below=150, noise=None)
    fit(make_trainer(tmp_path, law, **EVERY), Rising())
    assert abs(law.fit.law.R0 - 0.4) < 1e-6
    assert law.fit.params == pytest.approx({"A": 0.7, "Cmid": 300, "B": 0.8}, rel=1e-3)
    assert "without the last 30%" in texts(tmp_path, "law/robustness")[0]
    with pytest.raises(UserError, match="Sigmoid alone has an origin"):
        exact_fit(drop_below=150)


def test_it_can_fit_after_each_validation_and_shows_each_fit_once(tmp_path):
    fit(make_trainer(tmp_path, exact_fit(every_validation=True), max_steps=6, **EVERY), Exact())
    board = events(tmp_path)
    assert [event.step for event in board.Scalars("law/E")] == [5, 6]
    assert [event.step for event in board.Images(NAME)] == [5, 6]
    assert len(texts(tmp_path, NAME)) == 2


def test_a_finished_run_that_is_resumed_shows_its_law_no_second_time(tmp_path):
    for path in (None, str(tmp_path / "checkpoints/last.ckpt")):
        law, checkpoint = exact_fit(), ResearchCheckpoint(every_n_train_steps=5)
        trainer = make_trainer(tmp_path, law, checkpoint, **EVERY)
        fit(trainer, Exact(), ckpt_path=path)
        assert law.fit is not None
    assert [event.step for event in events(tmp_path).Images(NAME)] == [10]


def test_a_metric_that_nobody_logs_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(UserError, match=r"the metric 'val/los' is not logged.*val/loss") as refusal:
        fit(make_trainer(tmp_path, ScalingLawFit(x="val/loss", y="val/los")))
    assert "\n" not in str(refusal.value)


def test_laws_of_several_variables_and_unknown_laws_are_refused():
    with pytest.raises(UserError, match="variables"):
        ScalingLawFit(law="Chinchilla")
    with pytest.raises(UserError, match="NoLaw"):
        ScalingLawFit(law="NoLaw")


def test_two_laws_of_one_run_keep_their_states_apart(tmp_path):
    first, second = exact_fit(), exact_fit(law="EnsembleLaw")
    assert first.state_key != second.state_key
    fit(make_trainer(tmp_path, first, logger=False, **EVERY), Exact())
    assert first.fit is not None
    assert not list(tmp_path.rglob("points.jsonl"))
