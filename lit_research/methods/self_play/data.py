"""``Theorems``: the targets of self-play, theorems held out, and easy ones to warm up with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from lit_research.errors import UserError
from lit_research.lean import tokens
from lit_research.lean.corpus import (
    FAMILIES,
    LEANDOJO,
    LEVELS,
    WORDS,
    Theorem,
    embedded_targets,
    read_theorems,
    word_tokenizer,
)
from lit_research.methods.self_play.formats import SPECIAL_WORDS
from lit_research.methods.text import TextDataModule
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range
from lit_research.seeds import resolve_seed
from lit_research.text import (
    ShardedSampler,
    load_tokenizer,
    make_loader,
    permutation,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WHERE = "in data.init_args of Theorems"
EMBEDDED = "embedded"
TARGETS, HELD_OUT, WARM = 600, 150, 1500  # default sizes of the embedded set
EVALUATION_BATCH = 64  # theorems of a batch of validation, test and predict


class Rounds(torch.utils.data.Dataset[Any]):
    """The targets of each round, a function of (seed, round).

    Rounds go through all targets in a new order, pass after pass; the last round of a pass has the
    rest. No target is twice in a round. Their numbers have no end: see ``RoundSampler``.

    Args:
        targets: number of them.
        batch_size: targets of a round; None is all of them.
        rounds: of an epoch.
        seed: of the orders.
    """

    def __init__(self, targets: int, batch_size: int | None, rounds: int, seed: int) -> None:
        self.targets, self.rounds, self.seed = targets, rounds, seed
        self.batch_size = min(batch_size or targets, targets)

    def __len__(self) -> int:
        """Return the number of rounds of an epoch."""
        return self.rounds

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return a batch: ``round`` and the numbers of its ``targets``, in ascending order."""
        assert len(indices) == 1, "a batch is one round"
        number, place = divmod(indices[0], -(-self.targets // self.batch_size))
        order = permutation(self.targets, seed=self.seed, epoch=number)
        chosen = order[place * self.batch_size : (place + 1) * self.batch_size]
        return {"round": indices[0], "targets": sorted(int(i) for i in chosen)}


class RoundSampler(ShardedSampler):
    """Gives the numbers of an epoch's rounds, which go on from epoch to epoch.

    The same for every process, so the sampler is told that there is one.

    Args:
        rounds: those of one epoch.
    """

    def __init__(self, rounds: Rounds) -> None:
        super().__init__(rounds, batch_size=1, shuffle=False, drop_last=False, rank=0, world_size=1)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the rounds of the epoch."""
        first = self.epoch * len(self)
        return (first + index for index in super().__iter__())


class _Every(torch.utils.data.Dataset[Any]):
    """Theorems by their numbers, once, in batches; one empty batch where there are none."""

    def __init__(self, count: int, which: str) -> None:
        self.count, self.which = count, which

    def __len__(self) -> int:
        return max(1, -(-self.count // EVALUATION_BATCH))

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        start = indices[0] * EVALUATION_BATCH
        numbers = range(start, min(start + EVALUATION_BATCH, self.count))
        return {"targets": list(numbers), "which": self.which}


class Theorems(TextDataModule):
    """Theorems to prove.

    Every process gets the same batches: self-play itself shares out the work.

    Args:
        source: ``embedded`` (families of true statements that need no library), or a path: a JSONL
            file of records ``id``, ``theorem``, ``header``, ``tag``, ``source``, ``proofs``, a
            ``.lean`` file, a folder of such files, or a folder of LeanDojo's benchmark.
        size: targets at most; None is 600 embedded ones, or all of a file.
        held_out: theorems that are never trained on, for validation and test: a number, or a share
            of the file below 1; None is 150 embedded ones, 0 of a file, and of LeanDojo's benchmark
            its ``val`` and ``test``. ``predict`` attempts all theorems of a file.
        warm: embedded statements, easier than the targets, to learn from before the first round;
            None is 1500 with the embedded targets and 0 with a file.
        families: of the embedded targets; None is all.
        levels: of the embedded targets, 1 (a tactic or two) to 5; None is all.
        tokenizer: ``lean-words`` (a token is a word of the embedded families; others are unknown),
            ``own-words`` (these and the words of the source's theorems), ``bpe:1024`` (trained on
            the targets), ``bytes``, or a transformers folder or hub name.
        batch_size: targets of a round; None is all of them.
        rounds: in an epoch.
        seed: of the draws, the split and the orders; None takes ``seed_everything``.
    """

    def __init__(
        self,
        source: str = EMBEDDED,
        size: int | None = None,
        held_out: int | float | None = None,
        warm: int | None = None,
        families: list[str] | None = None,
        levels: list[int] | None = None,
        tokenizer: str = "lean-words",
        batch_size: int | None = None,
        rounds: int = 100,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_range(COUNT, WHERE, size=size, batch_size=batch_size, rounds=rounds)
        check_range(NOT_NEGATIVE, WHERE, held_out=held_out, warm=warm)
        if held_out is not None and held_out % 1 and (source == EMBEDDED or held_out > 1):
            raise UserError(
                f"held_out is {held_out}, {WHERE}: give a whole number, or, with a file, a share "
                "below 1"
            )
        if source != EMBEDDED and (families is not None or levels is not None):
            raise UserError(
                f"families or levels are given with source {source!r}, {WHERE}: they choose "
                "embedded targets; leave them out"
            )
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)

    @cached_property
    def _sets(self) -> dict[str, list[Theorem]]:
        args = self.hparams
        if args["source"] == EMBEDDED:
            families, levels = args["families"] or FAMILIES, args["levels"] or LEVELS
            sizes = {
                "train": _or(args["size"], TARGETS),
                "held_out": int(_or(args["held_out"], HELD_OUT)),
            }
            return {
                split: embedded_targets(args["seed"], size, families, levels, split) if size else []
                for split, size in sizes.items()
            }
        train, held_out = self._split(self._found)
        return {"train": train[: args["size"]], "held_out": held_out}

    @cached_property
    def _found(self) -> list[Theorem]:
        """The theorems of a file."""
        return read_theorems(self.hparams["source"])

    def _split(self, found: list[Theorem]) -> tuple[list[Theorem], list[Theorem]]:
        """Split the theorems of a file, both parts in the file's order."""
        held_out = self.hparams["held_out"]
        train = [theorem for theorem in found if theorem.tag == "train"]
        if found[0].source == LEANDOJO and train:
            rest = [theorem for theorem in found if theorem.tag != "train"]
            return train, rest[: _count(held_out, len(found), len(rest))]
        count = _count(held_out, len(found), 0)
        order = permutation(len(found), seed=self.hparams["seed"], epoch=0)
        chosen = set(order[:count].tolist())
        parts: tuple[list[Theorem], list[Theorem]] = ([], [])
        for number, theorem in enumerate(found):
            parts[number in chosen].append(theorem)
        return parts

    @property
    def targets(self) -> list[Theorem]:
        """The theorems that self-play tries to prove."""
        return self._sets["train"]

    @property
    def held_out(self) -> list[Theorem]:
        """The theorems of validation and test."""
        return self._sets["held_out"]

    @cached_property
    def attempted(self) -> list[Theorem]:
        """The theorems that ``predict`` attempts.

        Those are the targets; of a file that has no splits, those held out too, in its order.
        """
        if self.hparams["source"] == EMBEDDED or self._found[0].source == LEANDOJO:
            return self.targets
        wanted = {id(theorem) for theorem in [*self.targets, *self.held_out]}
        return [theorem for theorem in self._found if id(theorem) in wanted]

    def setup(self, stage: str) -> None:
        """Refuse to train without targets.

        Raises:
            UserError: the verb is ``fit``, and all theorems are held out.
        """
        super().setup(stage)
        if stage == "fit" and not self.targets:
            raise UserError(
                f"held_out is {self.hparams['held_out']} and there are {len(self.held_out)} "
                f"theorems, {WHERE}: leave some as targets"
            )

    @cached_property
    def warm(self) -> list[Theorem]:
        """Easy statements, to learn from before the first round."""
        args = self.hparams
        count = _or(args["warm"], WARM if args["source"] == EMBEDDED else 0)
        families = args["families"] or FAMILIES
        return embedded_targets(args["seed"], count, families, split="warm") if count else []

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer of both players."""
        spec = self.hparams["tokenizer"]
        if spec in ("lean-words", "own-words"):
            own = self._own_words() if spec == "own-words" else ()
            return word_tokenizer([*WORDS, *own], markers=SPECIAL_WORDS)
        if not spec.startswith("bpe:"):
            return load_tokenizer(spec)
        from datasets import Dataset

        texts = [_text(theorem) for theorem in [*self.targets, *self.warm]]
        if not texts:
            raise UserError(
                f"tokenizer is {spec!r}, {WHERE}: it is trained on the targets, and all theorems "
                "are held out; leave some as targets, or give another tokenizer"
            )
        ids = [str(i) for i in range(len(texts))]
        return load_tokenizer(spec, documents=Dataset.from_dict({"text": texts, "id": ids}))

    def _own_words(self) -> list[str]:
        """Return the words of all theorems of a file, whatever the split: the frequent first."""
        if self.hparams["source"] == EMBEDDED:
            return []
        counts = Counter(word for theorem in self._found for word in tokens(_text(theorem)))
        return sorted(counts, key=lambda word: (-counts[word], word))

    @property
    def batches_per_epoch(self) -> int:
        """Rounds in an epoch."""
        return int(self.hparams["rounds"])

    def _loader(self, data: _Every) -> Any:
        # The same for every process, so the sampler is told that there is one.
        sampler = ShardedSampler(
            data, batch_size=1, shuffle=False, drop_last=False, rank=0, world_size=1
        )
        return make_loader(data, sampler=sampler)

    def train_dataloader(self) -> Any:
        """Return the rounds: ``{"round": int, "targets": [numbers]}``."""
        args = self.hparams
        rounds = Rounds(len(self.targets), args["batch_size"], args["rounds"], args["seed"])
        return make_loader(rounds, sampler=RoundSampler(rounds))

    def val_dataloader(self) -> Any:
        """Return the theorems held out: ``{"targets": [numbers], "which": "held_out"}``."""
        return self._loader(_Every(len(self.held_out), "held_out"))

    def test_dataloader(self) -> Any:
        """Return the same as ``val_dataloader``."""
        return self.val_dataloader()

    def predict_dataloader(self) -> Any:
        """Return all that is to be attempted, ``which`` is ``attempted``."""
        return self._loader(_Every(len(self.attempted), "attempted"))


def _or(value: Any, default: int) -> int:
    return default if value is None else value


def _count(held_out: float | None, of: int, default: int) -> int:
    """Return how many theorems are held out, from a number or a share of all."""
    if held_out is None:
        return default
    return round(held_out * of) if 0 < held_out < 1 else int(held_out)


def _text(theorem: Theorem) -> str:
    return "\n".join([theorem.statement, *theorem.proofs])
