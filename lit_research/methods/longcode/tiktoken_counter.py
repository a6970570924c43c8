"""Counting with tiktoken, which defines the released buckets, where its file is here."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from lit_research.errors import UserError, nearest
from lit_research.methods.longcode.counting import Counter

_LOCAL = "give 'characters' (an estimate), or 'tokenizer' with a folder of this machine as spec"
_ENCODINGS = {
    name: f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
    for name in ("o200k_base", "cl100k_base", "p50k_base", "r50k_base")
}


class Tiktoken(Counter):
    """Counts with tiktoken, where the file of its encoding is on this machine.

    tiktoken downloads that file when it is first used. Here it never does: a bucket's limits would
    depend on whether there is a network.

    Args:
        encoding: ``o200k_base`` is that of GPT-4o, which defines the released buckets.

    Raises:
        UserError: tiktoken is not installed, has no such encoding, or lacks its file.
    """

    def __init__(self, encoding: str = "o200k_base") -> None:
        try:
            import tiktoken
        except ImportError as error:
            raise UserError(
                f"tiktoken is not installed, in Tiktoken; install it, or {_LOCAL}"
            ) from error
        if encoding not in _ENCODINGS:
            raise UserError(
                f"the encoding is {encoding!r}, in Tiktoken; {nearest(encoding, _ENCODINGS)}"
            )
        file = _cached(encoding)
        if not file.is_file():
            raise UserError(
                f"the encoding {encoding!r} needs the network, in Tiktoken: there is no file "
                f"{str(file)!r}; put {_ENCODINGS[encoding]} there, or {_LOCAL}"
            )
        self._encoding = tiktoken.get_encoding(encoding)
        self.name = f"tiktoken {encoding}"

    def count(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text; names of special tokens are ordinary text."""
        return [len(self._encoding.encode_ordinary(text)) for text in texts]


def _cached(encoding: str) -> Path:
    """Return where tiktoken keeps the file of an encoding."""
    folder = next(
        (
            os.environ[name]
            for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
            if name in os.environ
        ),
        os.path.join(tempfile.gettempdir(), "data-gym-cache"),
    )
    name = hashlib.sha1(_ENCODINGS[encoding].encode(), usedforsecurity=False).hexdigest()
    return Path(folder) / name
