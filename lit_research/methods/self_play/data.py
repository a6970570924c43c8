"""``Theorems``: targets of self-play, held-out theorems, and easy statements for the warm start."""

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
TARGETS, HELD_OUT, WARM = 600, 150, 1500  # default sizes of the embedded sets
EVALUATION_BATCH = 64  # theorems per batch of validation, test and predict


class Rounds(torch.utils.data.Dataset[Any]):
    """The targets of each round, as a function of seed and round.

    Each pass over the targets has a new order and is cut into rounds, the last of which may be
    smaller. No target is twice in a round. Rounds are numbered across epochs: see ``RoundSampler``.

    Args:
        targets: number of targets.
        batch_size: targets of a round; None is all of them.
        rounds: rounds of an epoch.
        seed: of the orders.
    """

    def __init__(self, targets: int, batch_size: int | None, rounds: int, seed: int) -> None:
        self.targets, self.rounds, self.seed = targets, rounds, seed
        self.batch_size = min(batch_size or targets, targets)

    def __len__(self) -> int:
        """Return the number of rounds of an epoch."""
        return self.rounds

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return a batch: ``round``, and ``targets``, the ascending indices of its targets."""
        [round_] = indices  # a batch is one round
        pass_, round_of_pass = divmod(round_, -(-self.targets // self.batch_size))
        order = permutation(self.targets, seed=self.seed, epoch=pass_)
        first = round_of_pass * self.batch_size
        chosen = order[first : first + self.batch_size]
        return {"round": round_, "targets": sorted(int(i) for i in chosen)}


class RoundSampler(ShardedSampler):
    """Yields the numbers of the rounds of an epoch, which continue from epoch to epoch.

    Every process gets all rounds, so rank and world size are those of a single process.

    Args:
        rounds: the rounds of an epoch.
    """

    def __init__(self, rounds: Rounds) -> None:
        super().__init__(rounds, batch_size=1, shuffle=False, drop_last=False, rank=0, world_size=1)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the rounds of the epoch."""
        first = self.epoch * len(self)
        return (first + index for index in super().__iter__())


class _EvaluationBatches(torch.utils.data.Dataset[Any]):
    """Batches of the indices of all theorems of a set; one empty batch for an empty set."""

    def __init__(self, count: int, which: str) -> None:
        self.count, self.which = count, which

    def __len__(self) -> int:
        return max(1, -(-self.count // EVALUATION_BATCH))

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        first = indices[0] * EVALUATION_BATCH
        theorems = range(first, min(first + EVALUATION_BATCH, self.count))
        return {"targets": list(theorems), "which": self.which}


class Theorems(TextDataModule):
    """Theorems to prove.

    Every process gets the same batches: self-play itself distributes the work.

    Args:
        source: ``embedded`` (families of true statements that need no library), or a path: a JSONL
            file of records ``id``, ``theorem``, ``header``, ``tag``, ``source``, ``proofs``, a
            ``.lean`` file, a folder of such files, or a folder of LeanDojo's benchmark.
        size: largest number of targets; None is 600 embedded ones, or all of a file.
        held_out: theorems for validation and test, which are never trained on: a number, or a share
            of the file below 1; None is 150 embedded ones, 0 of a file, and the ``val`` and
            ``test`` splits of LeanDojo's benchmark. ``predict`` attempts all theorems of a file.
        warm: number of embedded statements for the warm start, easier than the targets; None is
            1500 with the embedded targets and 0 with a file.
        families: of the embedded targets; None is all.
        levels: of the embedded targets, 1 (a tactic or two) to 5; None is all.
        tokenizer: ``lean-words`` (a token is a word of the embedded families; others are unknown),
            ``own-words`` (these and the words of the source's theorems), ``bpe:1024`` (trained on
            the targets), ``bytes``, or a transformers folder or hub name.
        batch_size: targets of a round; None is all of them.
        rounds: rounds of an epoch.
        seed: of the draws, the split and the orders; None uses ``seed_everything``.
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
                f"held_out is {held_out}, {WHERE}; must be a whole number or, with a file, a share "
                "below 1"
            )
        if source != EMBEDDED and (families is not None or levels is not None):
            raise UserError(
                f"families or levels are given with source {source!r}, {WHERE}; must be left out, "
                "since they select embedded targets"
            )
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)

    @cached_property
    def _sets(self) -> dict[str, list[Theorem]]:
        args = self.hparams
        if args["source"] == EMBEDDED:
            families, levels = args["families"] or FAMILIES, args["levels"] or LEVELS
            sizes = {
                "train": _or_default(args["size"], TARGETS),
                "held_out": int(_or_default(args["held_out"], HELD_OUT)),
            }
            return {
                split: embedded_targets(args["seed"], size, families, levels, split) if size else []
                for split, size in sizes.items()
            }
        train, held_out = self._split(self._file_theorems)
        return {"train": train[: args["size"]], "held_out": held_out}

    @cached_property
    def _file_theorems(self) -> list[Theorem]:
        """All theorems of the file or folder."""
        return read_theorems(self.hparams["source"])

    def _split(self, theorems: list[Theorem]) -> tuple[list[Theorem], list[Theorem]]:
        """Return the targets and the held-out theorems of a file, both in the file's order."""
        held_out = self.hparams["held_out"]
        train = [theorem for theorem in theorems if theorem.tag == "train"]
        if theorems[0].source == LEANDOJO and train:
            rest = [theorem for theorem in theorems if theorem.tag != "train"]
            return train, rest[: _held_out_count(held_out, len(theorems), len(rest))]
        count = _held_out_count(held_out, len(theorems), 0)
        order = permutation(len(theorems), seed=self.hparams["seed"], epoch=0)
        chosen = set(order[:count].tolist())
        return (
            [theorem for index, theorem in enumerate(theorems) if index not in chosen],
            [theorem for index, theorem in enumerate(theorems) if index in chosen],
        )

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

        These are the targets and, for a file without splits, the held-out theorems, in its order.
        """
        if self.hparams["source"] == EMBEDDED or self._file_theorems[0].source == LEANDOJO:
            return self.targets
        attempted = {id(theorem) for theorem in [*self.targets, *self.held_out]}
        return [theorem for theorem in self._file_theorems if id(theorem) in attempted]

    def setup(self, stage: str) -> None:
        """Refuse to train without targets.

        Raises:
            UserError: the verb is ``fit``, and all theorems are held out.
        """
        super().setup(stage)
        if stage == "fit" and not self.targets:
            raise UserError(
                f"held_out is {self.hparams['held_out']} and there are {len(self.held_out)} "
                f"theorems, {WHERE}; must be smaller, to leave some as targets"
            )

    @cached_property
    def warm(self) -> list[Theorem]:
        """Easy statements for the warm start."""
        args = self.hparams
        count = _or_default(args["warm"], WARM if args["source"] == EMBEDDED else 0)
        families = args["families"] or FAMILIES
        return embedded_targets(args["seed"], count, families, split="warm") if count else []

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer of both players."""
        spec = self.hparams["tokenizer"]
        if spec in ("lean-words", "own-words"):
            file_words = self._file_words() if spec == "own-words" else ()
            return word_tokenizer([*WORDS, *file_words], markers=SPECIAL_WORDS)
        if not spec.startswith("bpe:"):
            return load_tokenizer(spec)
        from datasets import Dataset

        texts = [_text(theorem) for theorem in [*self.targets, *self.warm]]
        if not texts:
            raise UserError(
                f"tokenizer is {spec!r} and all theorems are held out, {WHERE}; must be one that "
                "is not trained on the targets, or held_out smaller"
            )
        ids = [str(i) for i in range(len(texts))]
        return load_tokenizer(spec, documents=Dataset.from_dict({"text": texts, "id": ids}))

    def _file_words(self) -> list[str]:
        """Return the words of all theorems of a file, in all splits, the most frequent first."""
        if self.hparams["source"] == EMBEDDED:
            return []
        counts = Counter(word for theorem in self._file_theorems for word in tokens(_text(theorem)))
        return sorted(counts, key=lambda word: (-counts[word], word))

    @property
    def batches_per_epoch(self) -> int:
        """Rounds of an epoch."""
        return int(self.hparams["rounds"])

    def _loader(self, data: _EvaluationBatches) -> Any:
        # Every process gets all batches.
        sampler = ShardedSampler(
            data, batch_size=1, shuffle=False, drop_last=False, rank=0, world_size=1
        )
        return make_loader(data, sampler=sampler)

    def train_dataloader(self) -> Any:
        """Return the rounds: ``{"round": int, "targets": [indices]}``."""
        args = self.hparams
        rounds = Rounds(len(self.targets), args["batch_size"], args["rounds"], args["seed"])
        return make_loader(rounds, sampler=RoundSampler(rounds))

    def val_dataloader(self) -> Any:
        """Return the held-out theorems: ``{"targets": [indices], "which": "held_out"}``."""
        return self._loader(_EvaluationBatches(len(self.held_out), "held_out"))

    def test_dataloader(self) -> Any:
        """Return the same as ``val_dataloader``."""
        return self.val_dataloader()

    def predict_dataloader(self) -> Any:
        """Return the theorems to attempt: ``{"targets": [indices], "which": "attempted"}``."""
        return self._loader(_EvaluationBatches(len(self.attempted), "attempted"))


def _or_default(value: Any, default: int) -> int:
    return default if value is None else value


def _held_out_count(held_out: float | None, total: int, default: int) -> int:
    """Return the number of held-out theorems, given that number or a share of the total."""
    if held_out is None:
        return default
    return round(held_out * total) if 0 < held_out < 1 else int(held_out)


def _text(theorem: Theorem) -> str:
    return "\n".join([theorem.statement, *theorem.proofs])
