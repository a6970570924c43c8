"""A small tokenizer for code with random names, whose syllables are tokens."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING

from lit_research.methods.longcode.counting import Counter
from lit_research.methods.longcode.synthetic_code import Writer
from lit_research.seeds import derive_seed
from lit_research.text import END_OF_TEXT

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Digits stay single, so that all numbers of some digits have as many tokens; and so do syllables of
# names, so that a name has the same tokens wherever it stands.
_KEYWORDS = "def|return|class|self|from|import"
_PIECES = rf"\b(?:{_KEYWORDS})\b|[A-Za-z][aeiouAEIOU]|[A-Za-z_]|\d|\n+| +|[^\sA-Za-z_\d]+"
_UNITS = 4000  # of random code that it is trained on


@lru_cache(4)
def synthetic_tokenizer(vocabulary: int = 512) -> PreTrainedTokenizerFast:
    """Return a BPE that is trained on random code; the same one whenever it is asked for.

    Args:
        vocabulary: most tokens; random code needs fewer than 512.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        # What random code happens not to hold, such as the marks of paths.
        initial_alphabet=[chr(code) for code in (10, *range(32, 127))],
        show_progress=False,
    )
    writer = Writer(random.Random(derive_seed("longcode tokenizer")), digits=3)
    units = [writer.unit().text for _ in range(_UNITS)]
    tokenizer.train_from_iterator(units, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TEXT, clean_up_tokenization_spaces=False
    )


class SyntheticTokens(Counter):
    """Counts with ``synthetic_tokenizer``.

    Args:
        vocabulary: number of its tokens.
    """

    def __init__(self, vocabulary: int = 512) -> None:
        self._tokenizer = synthetic_tokenizer(vocabulary)
        self.name = f"synthetic BPE of {vocabulary}"

    def count(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return [len(ids) for ids in self._tokenizer(texts).input_ids] if texts else []
