"""``TextMethod`` and ``TextDataModule``: bases of the methods whose batches are tokens."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightning.pytorch.trainer.states import TrainerFn

from lit_research.lm import export_hf
from lit_research.lm.engines import Engine, EngineCallable, TransformersEngine
from lit_research.methods.base import DataModule, Method, datamodule
from lit_research.text import ShardedSampler, load_tokenizer, make_loader, vocabulary_size

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Split = Literal["train", "validation", "test", "predict"]


class TextMethod(Method):
    """A method whose language models write text and are exported; ``lm`` is one of transformers.

    A subclass with other models, or several, says so in ``models``.

    Attributes:
        engine: makes what the models write with; set it in ``__init__`` from an argument of the
            same name, so that a config can name another by class path.
    """

    lm: PreTrainedModel
    engine: EngineCallable = TransformersEngine
    needs = {"sample": ("tokenizer",), "export_hf": ("tokenizer",)}

    def models(self) -> Generator[tuple[str, PreTrainedModel], None, None]:
        """Iterate over the language models that are exported, each with the name of its folder.

        The first is the one that samples are drawn from. A model is valid until the next is asked
        for. An empty name is the folder of the export itself.
        """
        yield "", self.lm

    def engine_of(self, lm: PreTrainedModel) -> Engine:
        """Return the engine of a model, with the data's tokenizer and the weights' version.

        Those of the two models asked for last are kept: an engine may be dear to make.
        """
        engines: list[tuple[PreTrainedModel, Any, Engine]]
        engines = self.__dict__.setdefault("_engines", [])
        tokenizer = datamodule(self.trainer).tokenizer
        engine = next((e for model, t, e in engines if model is lm and t is tokenizer), None)
        if engine is None:
            engine = self.engine(lm, tokenizer)
            engines[:] = [(lm, tokenizer, engine), *engines[:1]]
        engine.weight_version = self.global_step
        return engine

    def sample(
        self, prompts: list[str], *, max_new_tokens: int, temperature: float, seed: int
    ) -> list[str]:
        """Continue ``prompts`` with the live weights; one text each."""
        with closing(self.models()) as models:
            _, lm = next(models)
            written = self.engine_of(lm).generate(
                prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed
            )
            return [completion.text for completion, *_ in written]

    def export_hf(self, folder: str) -> None:
        """Write the models, with the tokenizer where the data have one, as transformers folders."""
        tokenizer = getattr(datamodule(self.trainer), "tokenizer", None)
        for name, lm in self.models():
            place = str(Path(folder) / name)
            if tokenizer is None:
                lm.save_pretrained(place)
            else:
                export_hf(lm, tokenizer, place)


class TextDataModule(DataModule):
    """A data module that knows its tokens, and makes the four loaders from its data sets.

    A subclass needs ``dataset``; of its ``__init__`` arguments, ``tokenizer``, ``batch_size``,
    ``seed`` and ``num_workers`` are used here. Loaders resume exactly, and their order depends on
    the seed and the epoch alone.

    Attributes:
        sequence_length: tokens of a sequence, T; None where sequences have no common length.
        shuffles: whether training reads its data set in another order in each epoch.
    """

    sequence_length: int | None = None
    shuffles = True

    def dataset(self, split: Split) -> Any:
        """Return a data set whose ``__getitems__`` returns a batch.

        Args:
            split: ``predict`` reads the test split where a subclass says nothing else.
        """
        raise NotImplementedError(f"{type(self).__name__} must define dataset(split)")

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer."""
        return load_tokenizer(self.hparams["tokenizer"])

    @property
    def vocab_size(self) -> int:
        """Number of tokens, V."""
        return vocabulary_size(self.tokenizer)

    @property
    def batches_per_epoch(self) -> int:
        """Training batches of one rank in an epoch."""
        return len(self.dataset("train")) // (self.hparams["batch_size"] * self.world_size)

    def loader(self, dataset: Any, *, train: bool = False, batch_size: int | None = None) -> Any:
        """Return a loader over this rank's share of a data set.

        Args:
            dataset: as ``dataset`` returns it.
            train: shuffle, and drop the last batch that is not full on every rank.
            batch_size: of one rank; None is that of ``__init__``.
        """
        sampler = ShardedSampler(
            dataset,
            batch_size=batch_size or self.hparams["batch_size"],
            seed=self.hparams.get("seed", 0),
            shuffle=train and self.shuffles,
            drop_last=train,
            rank=self.rank,
            world_size=self.world_size,
        )
        return make_loader(dataset, sampler=sampler, num_workers=self.hparams.get("num_workers", 0))

    def train_dataloader(self) -> Any:
        """Return the training batches."""
        return self.loader(self.dataset("train"), train=True)

    def val_dataloader(self) -> Any:
        """Return the validation batches in order; during ``fit``, nothing where there are none."""
        fitting = self.trainer is not None and self.trainer.state.fn == TrainerFn.FITTING
        if fitting and not self.has_validation:
            warnings.filterwarnings("ignore", "Total length of `list` across ranks is zero")
            return []
        return self.loader(self.dataset("validation"))

    def test_dataloader(self) -> Any:
        """Return the test batches in order."""
        return self.loader(self.dataset("test"))

    def predict_dataloader(self) -> Any:
        """Return what ``predict`` reads, in order."""
        return self.loader(self.dataset("predict"))
