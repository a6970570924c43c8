"""Counters of tokens: an estimate by characters, a tokenizer, tiktoken where its file is here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from lit_research.class_paths import make_object
from lit_research.methods.longcode.counting import Counter, TokenCounter
from lit_research.methods.longcode.tiktoken_counter import Tiktoken
from lit_research.ranges import POSITIVE, check_range
from lit_research.storage import content_hash

_BATCH = 64  # texts that are tokenised together, which bounds the memory


class Characters(Counter):
    """Estimates the tokens by the characters; it needs no file.

    Args:
        per_token: characters of a token; 3.6 is about that of code in GPT-4o's tokenizer.

    Raises:
        UserError: ``per_token`` is not above 0.
    """

    def __init__(self, per_token: float = 3.6) -> None:
        check_range(POSITIVE, "in Characters", per_token=per_token)
        self.per_token = per_token
        self.name = f"characters / {per_token:g}"

    def count(self, texts: list[str]) -> list[int]:
        """Return the characters divided by ``per_token``, rounded up."""
        return [math.ceil(len(text) / self.per_token) for text in texts]


class FolderTokenizer(Counter):
    """Counts with a tokenizer: any that ``lit_research.text.load_tokenizer`` loads.

    Args:
        spec: a folder, ``bytes``, or the name of a tokenizer of the hub.

    Raises:
        UserError: there is no such tokenizer.
    """

    def __init__(self, spec: str) -> None:
        from lit_research.text import load_tokenizer
        from lit_research.text.cache import plain_copy

        self._backend = plain_copy(load_tokenizer(spec))
        # Two folders of one name may hold different tokenizers.
        version = content_hash(self._backend.to_str())[:8]
        self.name = f"{Path(spec).name} ({version})"

    def count(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text, without special ones."""
        counts: list[int] = []
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            found = self._backend.encode_batch_fast(batch, add_special_tokens=False)
            counts += [len(one.ids) for one in found]
        return counts


AnyCounter: TypeAlias = str | Mapping[str, Any] | TokenCounter
"""A short name, a class path, ``{class_path: ..., init_args: ...}``, or the object."""

COUNTERS: dict[str, type[Counter]] = {
    "characters": Characters,
    "tokenizer": FolderTokenizer,
    "tiktoken": Tiktoken,
}
"""Counters by short name."""


def make_counter(counter: AnyCounter) -> TokenCounter:
    """Return the counter of a config: ``characters``, ``tokenizer``, ``tiktoken`` or a class path.

    Raises:
        UserError: there is no such class, or it is built with other arguments.
    """
    if isinstance(counter, str | Mapping):
        return make_object(Counter, counter, COUNTERS)  # type: ignore[type-abstract]
    return counter
