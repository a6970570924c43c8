"""What waits for a validation is refused where there will be none, before the first step."""

import pytest
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from lit_research.callbacks import ResearchCheckpoint, Samples, ScalingLawFit
from lit_research.callbacks.needs import CheckMonitors
from lit_research.errors import UserError
from lit_research.methods.base import Method
from tests.callbacks.toy import Toy, ToyData, fit, make_trainer

WAITING = {
    "law": lambda: ScalingLawFit(x="train/tokens", y="val/loss"),
    "monitor": lambda: ResearchCheckpoint(monitor="val/loss"),
    "early stopping": lambda: EarlyStopping("val/loss"),
    "checkpoint of Lightning": lambda: ModelCheckpoint(monitor="val/loss"),
}


class NoSplit(ToyData):
    """Holds nothing out."""

    @property
    def has_validation(self):
        return False

    def val_dataloader(self):
        return []


class NoStep(Toy):
    """Cannot validate."""

    validation_step = Method.validation_step


WITHOUT = {
    "no split": ({}, Toy, NoSplit, "there is no validation split, in data.init_args of NoSplit"),
    "no step": ({}, NoStep, ToyData, "NoStep has no validation_step"),
    "no batches": ({"limit_val_batches": 0}, Toy, ToyData, "trainer.limit_val_batches is 0"),
}


@pytest.mark.filterwarnings("ignore:.*but have no `validation_step`")
@pytest.mark.parametrize("waiting", WAITING)
@pytest.mark.parametrize("without", WITHOUT)
def test_what_waits_for_a_validation_is_refused_where_there_is_none(tmp_path, waiting, without):
    options, module, data, reason = WITHOUT[without]
    trainer = make_trainer(tmp_path, CheckMonitors(), WAITING[waiting](), **options)
    with pytest.raises(UserError, match=f"'val/loss' is read after each validation.*{reason}"):
        fit(trainer, module, data=data())
    assert trainer.global_step == 0


@pytest.mark.parametrize("waiting", ["monitor", "early stopping"])
def test_it_is_taken_where_there_is_a_validation(tmp_path, waiting):
    trainer = make_trainer(tmp_path, CheckMonitors(), WAITING[waiting](), max_steps=5)
    fit(trainer)
    assert trainer.global_step == 5


@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero")
def test_what_does_not_wait_needs_no_validation(tmp_path):
    trainer = make_trainer(tmp_path, CheckMonitors(), ResearchCheckpoint(), max_steps=5)
    fit(trainer, data=NoSplit())
    assert trainer.global_step == 5


def test_an_export_and_samples_are_asked_of_the_verbs_that_make_them(tmp_path):
    for callback in (ResearchCheckpoint(export_hf=True), Samples()):
        trainer = make_trainer(tmp_path, callback)
        trainer.test(Toy(), datamodule=ToyData(), verbose=False)
        with pytest.raises(UserError, match="Toy has no"):
            fit(make_trainer(tmp_path, callback))
