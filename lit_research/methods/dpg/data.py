"""``Prompts``: the prompts of the generator, repeated for many passes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.generation import shard_loader
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


def alphabet_tokenizer(characters: str) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens are these characters, in this order, and nothing else.

    It has no end-of-text token: texts end at their maximum length. Characters outside the alphabet
    are dropped.

    Raises:
        UserError: a character is duplicated, or there are fewer than two.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if len(set(characters)) != len(characters) or len(characters) < 2:
        raise UserError(
            f"alphabet is {characters!r}, in Prompts; give two or more distinct characters"
        )
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(characters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False)


class Passes(torch.utils.data.Dataset[Any]):
    """Prompts for several passes, each in a new order; item i depends on (seed, i) alone.

    Args:
        prompts: token ids of each prompt.
        passes: number of passes.
        seed: seed of the orders; None keeps the given order.
    """

    def __init__(self, prompts: list[list[int]], passes: int, seed: int | None) -> None:
        self.prompts, self.passes, self.seed = prompts, passes, seed

    def __len__(self) -> int:
        """Return the number of prompts over all passes."""
        return len(self.prompts) * self.passes

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return a batch: ``prompts`` (lists of token ids) and ``ids`` (their numbers)."""
        ids = [self._at(index) for index in indices]
        return {"prompts": [self.prompts[i] for i in ids], "ids": ids}

    def _at(self, index: int) -> int:
        number, position = divmod(index, len(self.prompts))
        if self.seed is None:
            return position
        return int(permutation(len(self.prompts), seed=self.seed, epoch=number)[position])


class Prompts(TextDataModule):
    """Prompts for the generator.

    Args:
        prompts: the prompts as text; give either these or ``source``.
        source: documents to use as prompts: ``embedded:topics``, a file, a ``datasets`` folder, a
            hub name, or the class path of your own, as for ``Corpus``.
        template: text around each prompt or document, which replaces ``{text}``.
        max_documents: maximum number of documents from the source; None is all.
        max_characters: maximum length of a document, which is cut there; None is no limit.
        tokenizer: the generator's: ``bytes``, ``bpe:4096`` or a transformers folder or hub name;
            give either this or ``alphabet``.
        alphabet: characters, each of which is a token; there are no other tokens.
        batch_size: prompts per step and device.
        max_prompt_tokens: maximum length of a prompt with its template, in tokens.
        long_prompts: ``truncate``: longer ones lose the end of their text, but keep the end of the
            template, as in the official code; ``drop``: they are left out.
        test_fraction: share of the prompts held out for validation and test; 0 uses all prompts
            for training and for evaluation.
        eval_prompts: maximum number of prompts for validation and test, the first ones.
        passes: passes over the prompts per epoch, each in a new order.
        seed: seed of the orders and the split; None takes ``seed_everything``.
    """

    shuffles = False  # each pass has its own order already

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
                both = "neither is" if locals()[one] is None else "both are"
                raise UserError(f"{one} and {other}: {both} given, {WHERE}; give one of them")
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
            raise UserError(f"template is {template!r}, {WHERE}; put {{text}} into it")
        if long_prompts not in ("truncate", "drop"):
            raise UserError(f"long_prompts is {long_prompts!r}, {WHERE}: give truncate or drop")
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        """The prompts for training and evaluation, without the template."""
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
        """Token ids of the ``train`` and ``test`` prompts, at most ``max_prompt_tokens`` each."""
        return {name: [ids for _, ids in pairs] for name, pairs in self._encoded.items()}

    @cached_property
    def texts(self) -> dict[str, list[str]]:
        """The same prompts as texts, before truncation to ``max_prompt_tokens``."""
        return {name: [text for text, _ in pairs] for name, pairs in self._encoded.items()}

    @cached_property
    def _encoded(self) -> dict[str, list[tuple[str, list[int]]]]:
        """The prompts as texts and token ids.

        Raises:
            UserError: the template leaves no room for a text.
        """
        args, encoded = self.hparams, {}
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
            encoded[name] = [pair for pair in pairs if 0 < len(pair[1]) <= limit]
        return encoded

    def prompts_of(self, name: str) -> list[list[int]]:
        """Return the token ids of the prompts of ``train`` or ``test``.

        Raises:
            UserError: there are none, or none is short enough.
        """
        prompts, args = self.prompts[name], self.hparams
        if not prompts and not self._texts[name]:
            raise UserError(
                f"test_fraction is {args['test_fraction']} and leaves no prompts of {name}, {WHERE}"
                "; give more prompts or another share"
            )
        if not prompts:
            raise UserError(
                f"none of {len(self._texts[name])} prompts of {name} has 1 to "
                f"{args['max_prompt_tokens']} tokens, {WHERE}; give texts that the "
                "tokenizer has tokens for, shorter ones, max_characters, or a larger "
                "max_prompt_tokens"
            )
        return prompts

    def _ending(self) -> list[int]:
        """Return the tokens of the template after its last ``{text}``.

        Raises:
            UserError: the template alone is as long as a prompt may be.
        """
        template, limit = self.hparams["template"], self.hparams["max_prompt_tokens"]
        fixed = len(self.tokenizer(template.replace("{text}", ""))["input_ids"])
        if fixed >= limit:
            raise UserError(
                f"max_prompt_tokens is {limit}, and the template alone has {fixed} tokens, "
                f"{WHERE}; give a larger max_prompt_tokens or a shorter template"
            )
        after = template.rpartition("{text}")[2]
        return self.tokenizer(after, add_special_tokens=False)["input_ids"] if after else []

    def dataset(self, split: Split) -> Passes:
        """Return the prompts: all passes for training, the first ones for test, all for predict."""
        args = self.hparams
        if split == "train":
            return Passes(self.prompts_of("train"), args["passes"], args["seed"])
        if split == "predict":
            return Passes(self.prompts_of("train"), 1, None)
        return Passes(self.prompts_of("test")[: args["eval_prompts"]], 1, None)

    @property
    def shards(self) -> range:
        """Numbers of the shards that ``predict`` writes; each is a batch of prompts."""
        return range(-(-len(self.dataset("predict")) // self.hparams["batch_size"]))

    def predict_dataloader(self) -> Any:
        """Return all training prompts once, in order, one ``shard`` per batch."""
        data, size = self.dataset("predict"), self.hparams["batch_size"]

        def prompts(shard: int) -> dict[str, Any]:
            return data.__getitems__([*range(len(data))[shard * size : (shard + 1) * size]])

        return shard_loader(len(self.shards), self.trainer, prompts)
