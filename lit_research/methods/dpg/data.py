"""``Prompts``: what the generator is asked to write about, over and over."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.generation import shard_loader
from lit_research.methods.dpg.alphabet import alphabet_tokenizer
from lit_research.methods.text import Split, TextDataModule
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import resolve_seed
from lit_research.text import (
    load_documents,
    load_tokenizer,
    permutation,
    split_documents,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WHERE = "in data.init_args of Prompts"


class Passes(torch.utils.data.Dataset[Any]):
    """Prompts, pass after pass, each in an order of its own; a function of (seed, index).

    Args:
        prompts: token ids of each.
        passes: number of times that each is there.
        seed: of the orders; None keeps the order given.
    """

    def __init__(self, prompts: list[list[int]], passes: int, seed: int | None) -> None:
        self.prompts, self.passes, self.seed = prompts, passes, seed

    def __len__(self) -> int:
        """Return the number of prompts, all passes together."""
        return len(self.prompts) * self.passes

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return a batch: ``prompts`` (lists of token ids) and ``ids`` (their numbers)."""
        ids = [self._at(index) for index in indices]
        return {"prompts": [self.prompts[i] for i in ids], "ids": ids}

    def _at(self, index: int) -> int:
        number, place = divmod(index, len(self.prompts))
        if self.seed is None:
            return place
        return int(permutation(len(self.prompts), seed=self.seed, epoch=number)[place])


class Prompts(TextDataModule):
    """Prompts for the generator.

    Args:
        prompts: the prompts themselves; or
        source: documents to make them from: ``embedded:topics``, a file, a ``datasets`` folder, a
            hub name, or the class path of your own, as for ``Corpus``.
        template: with ``{text}``, where a prompt or document goes.
        max_documents: of the source.
        max_characters: of a document, the rest is left out; None is all of it.
        tokenizer: the generator's: ``bytes``, ``bpe:4096`` or a transformers folder or hub name.
        alphabet: or characters, each of which is a token, and there are no others.
        batch_size: prompts of a step, of one device.
        max_prompt_tokens: of a prompt, its template included.
        long_prompts: ``truncate``: longer ones lose the end of their text, and keep what the
            template has after it, as in the official code; ``drop``: they are left out.
        test_fraction: share of the prompts that validation, test and predict read; 0: all prompts
            are of both.
        eval_prompts: prompts of validation and test at most; the first ones.
        passes: over the prompts in an epoch, each in a new order.
        seed: of the orders and the split; None takes ``seed_everything``.
    """

    shuffles = False  # each pass has an order of its own already

    def __init__(
        self,
        prompts: list[str] | None = None,
        source: str | dict[str, Any] | None = None,
        template: str = "{text}",
        max_documents: int | None = None,
        max_characters: int | None = None,
        tokenizer: str | None = None,
        alphabet: str | None = None,
        batch_size: int = 256,
        max_prompt_tokens: int = 1024,
        long_prompts: Literal["truncate", "drop"] = "truncate",
        test_fraction: float = 0.0,
        eval_prompts: int = 256,
        passes: int = 1000,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        for one, other in (("prompts", "source"), ("tokenizer", "alphabet")):
            if (locals()[one] is None) == (locals()[other] is None):
                raise UserError(f"give either {one} or {other}, {WHERE}")
        check_range(
            COUNT,
            WHERE,
            batch_size=batch_size,
            max_prompt_tokens=max_prompt_tokens,
            eval_prompts=eval_prompts,
            passes=passes,
        )
        check_range(Range(at_least=0, below=1), WHERE, test_fraction=test_fraction)
        if "{text}" not in template:
            raise UserError(f"template is {template!r}, {WHERE}: put {{text}} into it")
        if long_prompts not in ("truncate", "drop"):
            raise UserError(f"long_prompts is {long_prompts!r}, {WHERE}: give truncate or drop")
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        """The prompts of training and of evaluation, before the template."""
        args = self.hparams
        fraction = args["test_fraction"]
        if args["prompts"] is not None:
            texts = list(args["prompts"])
            if not fraction:
                return {"train": texts, "test": texts}
            order = permutation(len(texts), seed=args["seed"], epoch=0)
            cut = max(1, round(fraction * len(texts)))
            named = {"test": order[:cut], "train": order[cut:]}
            return {name: [texts[i] for i in sorted(rows)] for name, rows in named.items()}
        from datasets import Dataset

        documents = load_documents(args["source"])
        assert isinstance(documents, Dataset)
        if args["max_documents"] is not None:
            documents = documents.select(range(min(args["max_documents"], len(documents))))
        if not fraction:
            return {name: list(documents["text"]) for name in ("train", "test")}
        split = split_documents(documents, validation_fraction=fraction, seed=args["seed"])
        return {"train": list(split["train"]["text"]), "test": list(split["validation"]["text"])}

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The generator's tokenizer."""
        args = self.hparams
        if args["alphabet"] is not None:
            return alphabet_tokenizer(args["alphabet"])
        if not args["tokenizer"].startswith("bpe:"):
            return load_tokenizer(args["tokenizer"])
        from datasets import Dataset

        texts = self._texts["train"]
        ids = [str(i) for i in range(len(texts))]
        documents = Dataset.from_dict({"text": texts, "id": ids})
        return load_tokenizer(args["tokenizer"], documents=documents)

    @cached_property
    def prompts(self) -> dict[str, list[list[int]]]:
        """Token ids of the prompts of ``train`` and ``test``, ``max_prompt_tokens`` at most."""
        return {name: [ids for _, ids in pairs] for name, pairs in self._both.items()}

    @cached_property
    def texts(self) -> dict[str, list[str]]:
        """These prompts as texts, before any is cut to ``max_prompt_tokens``."""
        return {name: [text for text, _ in pairs] for name, pairs in self._both.items()}

    @cached_property
    def _both(self) -> dict[str, list[tuple[str, list[int]]]]:
        """Prompts as texts and token ids.

        Raises:
            UserError: the template leaves no room for a text.
        """
        args, found = self.hparams, {}
        limit, truncate = args["max_prompt_tokens"], args["long_prompts"] == "truncate"
        ending = self._ending() if truncate else []
        for name, texts in self._texts.items():
            cut = [text[: args["max_characters"]] for text in texts]
            filled = [args["template"].replace("{text}", text) for text in cut]
            ids = self.tokenizer(filled, verbose=False)["input_ids"] if filled else []
            if too_long := sum(len(prompt) > limit for prompt in ids):
                rank_zero_info(
                    f"{too_long} of {len(ids)} prompts of {name} have more than {limit} tokens: "
                    + ("the end of their text is cut" if truncate else "left out")
                )
            if truncate:
                start = limit - len(ending)
                ids = [x if len(x) <= limit else [*x[:start], *ending] for x in ids]
            pairs = zip(filled, ids, strict=True)
            found[name] = [pair for pair in pairs if 0 < len(pair[1]) <= limit]
        return found

    def prompts_of(self, name: str) -> list[list[int]]:
        """Return the token ids of the prompts of ``train`` or ``test``.

        Raises:
            UserError: there are none, or none is short enough.
        """
        found, args = self.prompts[name], self.hparams
        if not found and not self._texts[name]:
            raise UserError(
                f"there are no prompts of {name}, {WHERE}: test_fraction is "
                f"{args['test_fraction']} and leaves none; give more prompts or another share"
            )
        if not found:
            raise UserError(
                f"none of {len(self._texts[name])} prompts of {name} has 1 to "
                f"{args['max_prompt_tokens']} tokens, {WHERE}: give texts that the "
                "tokenizer has tokens for, shorter ones, max_characters, or a larger "
                "max_prompt_tokens"
            )
        return found

    def _ending(self) -> list[int]:
        """Return the tokens that the template has after its last text.

        Raises:
            UserError: the template alone is as long as a prompt may be.
        """
        template, limit = self.hparams["template"], self.hparams["max_prompt_tokens"]
        fixed = len(self.tokenizer(template.replace("{text}", ""))["input_ids"])
        if fixed >= limit:
            raise UserError(
                f"max_prompt_tokens is {limit}, and the template alone has {fixed} tokens, "
                f"{WHERE}: give a larger max_prompt_tokens or a shorter template"
            )
        after = template.rpartition("{text}")[2]
        return self.tokenizer(after, add_special_tokens=False)["input_ids"] if after else []

    def dataset(self, split: Split) -> Passes:
        """Return prompts: of training pass after pass, of test the first ones, of predict all."""
        args = self.hparams
        if split == "train":
            return Passes(self.prompts_of("train"), args["passes"], args["seed"])
        if split == "predict":
            return Passes(self.prompts_of("train"), 1, None)
        return Passes(self.prompts_of("test")[: args["eval_prompts"]], 1, None)

    @property
    def shards(self) -> range:
        """The numbers of the shards that ``predict`` writes, each a batch of prompts."""
        return range(-(-len(self.dataset("predict")) // self.hparams["batch_size"]))

    def predict_dataloader(self) -> Any:
        """Return all prompts of training, once, in their order: one ``shard`` a batch."""
        data, size = self.dataset("predict"), self.hparams["batch_size"]

        def prompts(shard: int) -> dict[str, Any]:
            return data.__getitems__([*range(len(data))[shard * size : (shard + 1) * size]])

        return shard_loader(len(self.shards), self.trainer, prompts)
