"""A tokenizer of single characters, for targets with a handful of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lit_research.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def alphabet_tokenizer(characters: str) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens are these characters, in this order, and nothing else.

    It has no end-of-text token: texts end where their length is up. A character outside the
    alphabet is dropped.

    Raises:
        UserError: a character is there twice, or there are fewer than two.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if len(set(characters)) != len(characters) or len(characters) < 2:
        raise UserError(
            f"alphabet is {characters!r}: give two or more characters, each of them once"
        )
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(characters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False)
