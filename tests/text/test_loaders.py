import itertools
import json
import random

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from lit_research.errors import UserError
from lit_research.text import (
    Mixture,
    MixtureComponent,
    ShardedSampler,
    StreamingWindows,
    Windows,
    make_loader,
)

BATCHES = 5  # in an epoch


@pytest.fixture(scope="module")
def windows(store_of):
    return Windows(store_of([f"{number:04}" for number in range(40)]), 9)


def loader_of(windows, workers=0, **options):
    sampler = ShardedSampler(windows, **{"batch_size": 4, "seed": 1, **options})
    return make_loader(windows, sampler=sampler, num_workers=workers)


def numbers(batch):
    return batch["input_ids"].flatten().tolist()


def epochs(loader, first=0):
    """Iterate for ever, setting the epoch as Lightning does: after iter, before next."""
    for epoch in itertools.count(first):
        iterator = iter(loader)
        loader.sampler.set_epoch(epoch)
        yield from map(numbers, iterator)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [0, 1, 3, BATCHES - 1, BATCHES, BATCHES + 1, 2 * BATCHES])
def test_resumed_loader_goes_on_with_the_next_batch(stop, workers, windows):
    unbroken = loader_of(windows, workers)
    assert len(unbroken) == BATCHES
    batches = epochs(unbroken)
    seen = [next(batches) for _ in range(stop)]
    state = json.loads(json.dumps(unbroken.state_dict()))
    expected = [next(batches) for _ in range(2 * BATCHES)]
    assert len(set(map(tuple, seen + expected))) == len(seen) + len(expected)
    resumed = loader_of(windows, workers)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    assert len(resumed) == BATCHES  # Lightning counts from the epoch's beginning
    again = epochs(resumed, first=state["epoch"])
    assert [next(again) for _ in range(2 * BATCHES)] == expected


def test_iterating_again_begins_the_epoch_anew(windows):
    loader = loader_of(windows)
    whole = list(map(numbers, loader))
    assert list(map(numbers, itertools.islice(loader, 2))) == whole[:2]
    assert list(map(numbers, loader)) == whole
    loader.load_state_dict({**loader.state_dict(), "epoch": 0, "batch": 2})
    assert list(map(numbers, loader)) == whole[2:]
    assert list(map(numbers, loader)) == whole


def test_state_moves_between_world_sizes_and_numbers_of_workers(windows):
    one = iter(alone := loader_of(windows, batch_size=4))
    next(one), next(one)
    expected = [batch["input_ids"] for batch in one]
    alone = loader_of(windows, batch_size=4)
    list(itertools.islice(alone, 2))
    state = alone.state_dict()
    ranks = [loader_of(windows, 2 * r, batch_size=2, rank=r, world_size=2) for r in range(2)]
    for rank in ranks:
        rank.load_state_dict(state)
    for whole, *parts in zip(expected, *ranks, strict=True):
        assert torch.equal(whole, torch.cat([part["input_ids"] for part in parts]))


def test_state_of_other_data_is_refused(windows, store_of):
    state = loader_of(windows).state_dict()
    other = Windows(store_of(["a" * 500]), 9)
    for loader, key in [
        (loader_of(other), "windows"),
        (loader_of(windows, batch_size=2), "global_batch_size"),
        (loader_of(windows, seed=2), "seed"),
    ]:
        with pytest.raises(UserError, match=f"the checkpoint's loader has {key}="):
            loader.load_state_dict(state)


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_leaves_the_global_random_numbers_alone(workers, windows):
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    list(loader_of(windows, workers))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


def test_evaluation_sees_the_rest_that_fills_no_batch(windows):
    loader = loader_of(windows, shuffle=False, drop_last=False)
    assert len(loader) == BATCHES + 1
    assert sum(map(len, map(numbers, loader))) == 9 * len(windows)


def test_mixture_is_loaded_in_its_own_order(windows):
    mixture = Mixture(
        [MixtureComponent(windows, passes=2), MixtureComponent(windows, share=0.5)], 0
    )
    loader = loader_of(mixture, 2, shuffle=False, drop_last=False)
    streams = torch.cat([batch["component"] for batch in loader])
    assert streams.tolist() == mixture.locate(range(len(mixture)))[0].tolist()


class Recorder(pl.LightningModule):
    """A module that learns nothing and remembers the batches that it was given."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []

    def training_step(self, batch, _):
        self.seen.append(numbers(batch))
        return self.weight * 0.0

    def validation_step(self, batch, _):
        pass

    def predict_step(self, batch, _):
        return batch["input_ids"]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class SaveEverywhere(pl.Callback):
    """Saves a checkpoint in the hooks in which callbacks do, and how far the module was.

    Not in ``on_train_epoch_start``: Lightning itself takes such a one for the end of that epoch.
    """

    def __init__(self, folder):
        self.folder = folder
        self.saved = {}

    def save(self, trainer, module, hook):
        path = self.folder / f"{len(self.saved)}-{hook}.ckpt"
        trainer.save_checkpoint(path)
        self.saved[path] = len(module.seen)

    def on_train_batch_end(self, trainer, module, *_):
        self.save(trainer, module, "batch_end")

    def on_validation_end(self, trainer, module):
        self.save(trainer, module, "validation_end")

    def on_train_epoch_end(self, trainer, module):
        self.save(trainer, module, "epoch_end")


def fit(*loaders, datamodule=None, callbacks=(), ckpt_path=None, **options):
    module = Recorder()
    trainer = pl.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=list(callbacks),
        **options,
    )
    trainer.fit(module, *loaders, datamodule=datamodule, ckpt_path=ckpt_path, weights_only=True)
    return module.seen


pytestmark = [
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no"),
]


@pytest.mark.parametrize(
    ("workers", "options"),
    [(0, {}), (2, {}), (0, {"limit_train_batches": 3}), (0, {"val_check_interval": 2})],
)
def test_trainer_resumed_anywhere_sees_the_batches_of_an_unbroken_run(
    workers, options, windows, tmp_path
):
    def fit_windows(**more):
        evaluation = loader_of(windows, shuffle=False, drop_last=False)
        return fit(loader_of(windows, workers), evaluation, **options, **more)

    save = SaveEverywhere(tmp_path)
    seen = fit_windows(callbacks=[save])
    assert (
        len(set(map(tuple, seen))) == len(seen) == 3 * options.get("limit_train_batches", BATCHES)
    )
    paths = list(save.saved)
    for path in paths[:: 4 if workers else 1]:
        assert seen[: save.saved[path]] + fit_windows(ckpt_path=path) == seen, path.name


def test_trainer_predicts_every_window_in_order(windows):
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False)
    loader = loader_of(windows, shuffle=False, drop_last=False)
    found = torch.cat(trainer.predict(Recorder(), loader))
    assert torch.equal(found, windows.__getitems__(range(len(windows)))["input_ids"])


class StreamData(pl.LightningDataModule):
    """Saves the loader's state itself: Lightning loads none from a checkpoint of an epoch's end."""

    def __init__(self, documents, tokenizer):
        super().__init__()
        self.documents, self.tokenizer, self.state = documents, tokenizer, None

    def train_dataloader(self):
        stream = self.documents.to_iterable_dataset()
        windows = StreamingWindows(
            stream, self.tokenizer, 9, batch_size=4, batches_per_epoch=BATCHES
        )
        self.loader = make_loader(windows)
        if self.state is not None:
            self.loader.load_state_dict(self.state)
        return self.loader

    def state_dict(self):
        return {"loader": self.loader.state_dict()}

    def load_state_dict(self, state_dict):
        self.state = state_dict["loader"]


@pytest.mark.filterwarnings("ignore:Your `IterableDataset` has `__len__` defined")
def test_trainer_resumes_a_stream_exactly(documents_of, byte_tokenizer, tmp_path):
    documents = documents_of([f"{number:04}" for number in range(120)])
    save = SaveEverywhere(tmp_path)
    seen = fit(datamodule=StreamData(documents, byte_tokenizer), callbacks=[save])
    assert len(set(map(tuple, seen))) == len(seen) == 3 * BATCHES
    for path in save.saved:
        rest = fit(datamodule=StreamData(documents, byte_tokenizer), ckpt_path=path)
        assert seen[: save.saved[path]] + rest == seen, path.name
