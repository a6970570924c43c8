"""``RepoSequences``: packages of random code, and what the default of a parameter is.

Legend: I items, R rows of a batch (one for each option of each item), B sequences, T tokens.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.labels import IGNORE
from lit_research.methods.longcode.dumps import dump_file
from lit_research.methods.longcode.items import LETTERS, QuestionItem
from lit_research.methods.longcode.synthetic_repo import SyntheticRepo
from lit_research.methods.longcode.synthetic_tokenizer import SyntheticTokens, synthetic_tokenizer
from lit_research.methods.longcode.trees import SourceTree
from lit_research.methods.text import Split, TextDataModule
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed, resolve_seed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Batch = dict[str, Tensor]
_WHERE = "in data.init_args of RepoSequences"
_DEFAULT = re.compile(r"^def (\w+)\((\w+)=(\d+)\)", re.MULTILINE)
_TAIL = 16  # tokens of a question and its answer, about
_MODULE = 128  # tokens of a module, about: short packages have several too


def code_of(tree: SourceTree) -> str:
    """Return the files of a tree as the exam shows them; empty ones are left out."""
    return "\n".join(dump_file(path, text) for path, text in tree.shown().items() if text)


def question_of(name: str, parameter: str) -> str:
    """Return a question about a default, as the beginning of the call that repeats it."""
    return f"{name}({parameter}="


class TrainingSequences(Dataset[Batch]):
    """Packages with questions about any of their defaults: ``input_ids``, ``labels`` ``[B, T]``.

    Sequence ``i`` depends on (seed, i) alone.

    Args:
        data: its module.
        size: number of sequences.
    """

    def __init__(self, data: RepoSequences, size: int) -> None:
        self.data, self.size = data, size

    def __len__(self) -> int:
        """Return the number of sequences."""
        return self.size

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Return a batch; every next token is a label."""
        args, T = self.data.hparams, self.data.sequence_length
        texts = [self._text(index, args["questions"]) for index in indices]
        rows = [ids[-(T + 1) :] for ids in self.data.tokenizer(texts).input_ids]
        return stacked(rows, T, self.data.pad)

    def _text(self, index: int, questions: int) -> str:
        args = self.data.hparams
        seed = derive_seed("longcode training", args["seed"], index)
        room = max(self.data.sequence_length - questions * _TAIL, 256)
        [item] = (found := self.data.repo(room, None, seed).items(1)).questions
        code = code_of(found.trees[item.tree])
        facts, rng = _DEFAULT.findall(code), random.Random(seed)
        asked = [rng.choice(facts) for _ in range(questions)]
        answers = [f"{question_of(name, parameter)}{value})\n" for name, parameter, value in asked]
        return f"{code}\n{''.join(answers)}"


class OptionSequences(Dataset[Batch]):
    """Items at each length and distance, a row for each option.

    A batch holds ``input_ids`` and ``labels`` ``[R, T]`` (all next tokens), ``scored`` ``[R, T]``
    (1 on the option's tokens), and ``answer`` and ``group`` ``[I]``: the index of the right option,
    and of the length and distance.

    Args:
        data: its module.
        split: ``validation`` or ``test``.
    """

    def __init__(self, data: RepoSequences, split: Split) -> None:
        self.data, self.split = data, split
        self.each = data.hparams["eval_items"]

    def __len__(self) -> int:
        """Return the number of items."""
        return self.each * len(self.data.groups)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Return a batch of items."""
        data, rows, answers = self.data, list[list[int]](), list[int]()
        groups = [index // self.each for index in indices]
        longest = max(data.groups[group][0] for group in groups)
        lengths = []
        for index, group in zip(indices, groups, strict=True):
            length, distance = data.groups[group]
            seed = derive_seed("longcode items", data.hparams["seed"], self.split, index)
            [item] = (found := data.repo(length - _TAIL, distance, seed).items(1)).questions
            begin, options = _texts(item, found.trees[item.tree])
            encoded = data.tokenizer([begin + option for option in options]).input_ids
            before = len(data.tokenizer(begin).input_ids)
            lengths += [len(ids) - before for ids in encoded]
            rows += [ids[-(length + 1) :] for ids in encoded]
            answers.append(item.answer)
        batch = stacked(rows, longest, data.pad)
        ends = torch.tensor([len(ids) - 1 for ids in rows])[:, None]
        starts = ends - torch.tensor(lengths)[:, None]
        places = torch.arange(longest)
        batch["scored"] = ((places >= starts) & (places < ends)).long()
        batch["answer"], batch["group"] = torch.tensor(answers), torch.tensor(groups)
        return batch


def _texts(item: QuestionItem, tree: SourceTree) -> tuple[str, tuple[str, ...]]:
    """Return code and question, and the options."""
    found = re.search(r"`(\w+)` of `(\w+)`", item.question)
    assert found is not None
    return f"{code_of(tree)}\n{question_of(found[2], found[1])}", item.options


def stacked(rows: Sequence[Sequence[int]], length: int, pad: int) -> Batch:
    """Return ``input_ids`` and next tokens as ``labels``, ``[R, length]``, padded at the end."""
    inputs = torch.full((len(rows), length), pad)
    labels = torch.full((len(rows), length), IGNORE)
    for number, ids in enumerate(rows):
        inputs[number, : len(ids) - 1] = torch.tensor(ids[:-1])
        labels[number, : len(ids) - 1] = torch.tensor(ids[1:])
    return {"input_ids": inputs, "labels": labels}


class RepoSequences(TextDataModule):
    """Packages of ``SyntheticRepo`` for a ``RepoReader``: short ones to train on, any to be asked.

    In training every token is a label, and several defaults of each package are asked at its end.
    An item asks for one, at a chosen distance from the end, and its four options are compared by
    their log-probability: at random 25% are right.

    Args:
        vocabulary: most tokens of the tokenizer, a BPE that is trained on such code.
        sequence_length: tokens per training sequence, T.
        batch_size: sequences per batch and device.
        eval_batch_size: items per batch and device, four rows each.
        questions: defaults that are asked at the end of a training sequence.
        lengths: lengths of the items, in tokens; None is ``sequence_length``.
        distances: tokens between the evidence and the end of the code, at least; those without
            room in a length are left out there.
        train_sequences: sequences per epoch, all different.
        eval_items: items of each length and distance.
        digits: of every number.
        seed: of everything; None takes ``seed_everything``.

    Raises:
        UserError: an argument is out of range, or no distance fits into a length.
    """

    sequence_length: int
    defines = ("vocabulary",)

    def __init__(
        self,
        vocabulary: int = 512,
        sequence_length: int = 512,
        batch_size: int = 8,
        eval_batch_size: int = 4,
        questions: int = 12,
        lengths: list[int] | None = None,
        distances: Sequence[int] = (32, 256),
        train_sequences: int = 100_000,
        eval_items: int = 64,
        digits: int = 2,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        sizes = {"batch_size": batch_size, "eval_batch_size": eval_batch_size}
        counts = {"train_sequences": train_sequences, "eval_items": eval_items, "digits": digits}
        check_range(COUNT, _WHERE, **sizes, **counts, questions=questions)
        if sequence_length < questions * _TAIL + 256 or vocabulary < 256:
            raise UserError(
                f"sequence_length is {sequence_length}, questions {questions} and vocabulary "
                f"{vocabulary}, {_WHERE}; must be at least 256 tokens of code and {_TAIL} for each "
                "question, and a vocabulary of at least 256"
            )
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.sequence_length = sequence_length
        self.groups = [
            (length, distance)
            for length in lengths or [sequence_length]
            for distance in distances
            if distance <= length - 160
        ]
        if not self.groups:
            raise UserError(
                f"distances are {list(distances)} and lengths {lengths or [sequence_length]}, "
                f"{_WHERE}; must be a distance at least 160 below a length, for the functions that "
                "are asked about"
            )

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer."""
        return synthetic_tokenizer(self.hparams["vocabulary"])

    @cached_property
    def counter(self) -> SyntheticTokens:
        """Counts with the tokenizer."""
        return SyntheticTokens(self.hparams["vocabulary"])

    @property
    def pad(self) -> int:
        """The token that fills rows."""
        return int(self.tokenizer.eos_token_id)

    def repo(self, tokens: int, distance: int | None, seed: int) -> SyntheticRepo:
        """Return what makes packages of so many tokens."""
        return SyntheticRepo(
            tokens,
            self.counter,
            distance,
            digits=self.hparams["digits"],
            module_tokens=_MODULE,
            seed=seed,
        )

    def dataset(self, split: Split) -> Any:
        """Return sequences of ``train``, or the items of the other splits."""
        if split == "train":
            return TrainingSequences(self, self.hparams["train_sequences"])
        return OptionSequences(self, split)

    def loader(self, dataset: Any, *, train: bool = False, batch_size: int | None = None) -> Any:
        """Return a loader; batches of items have a size of their own."""
        size = batch_size or (None if train else self.hparams["eval_batch_size"])
        return super().loader(dataset, train=train, batch_size=size)


CHANCE = 1 / len(LETTERS)
