"""``TokenStore``: tokenised documents in one memory-mapped file, cached on disk."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.files import write_json
from lit_research.progress import counting
from lit_research.storage import build_folder, cache_root, content_hash
from lit_research.text.documents import CARD, count_bytes, fingerprint
from lit_research.text.tokenizers import vocabulary_size

if TYPE_CHECKING:
    from datasets import Dataset
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

_FORMAT = 1
_TOKENS, _OFFSETS, _IDS = "tokens.bin", "offsets.npy", "ids.jsonl"
# Large enough to keep the Rust threads busy, small enough for bounded memory.
_BATCH_CHARACTERS = 4_000_000


class TokenStore:
    """Documents as one array of token ids; each document ends with the end-of-text token.

    Attributes:
        tokens: ``[N]``, memory-mapped, uint16 if the vocabulary fits and else uint32.
        offsets: ``[D + 1]`` int64; document ``d`` is ``tokens[offsets[d]:offsets[d + 1]]``.
        card: description of the store: counts, hashes, ``vocab_size``, ``eos_token_id``, ``bytes``
            (size of the text in UTF-8, for bits per byte).
    """

    def __init__(self, folder: str | Path) -> None:
        """Open the store that ``tokenize`` wrote.

        Raises:
            UserError: the folder holds no store, or one whose files do not match its card.
        """
        self.folder = Path(folder)
        damage = _damage(self.folder)
        if damage:
            raise UserError(
                f"the token store is damaged ({damage}), in folder {str(folder)!r}; "
                "delete it and tokenize again"
            )
        self.card: dict[str, Any] = json.loads((self.folder / CARD).read_text(encoding="utf-8"))
        self.tokens = np.memmap(self.folder / _TOKENS, dtype=self.card["dtype"], mode="r")
        self.offsets: np.ndarray = np.load(self.folder / _OFFSETS)

    def __reduce__(self) -> tuple[type[TokenStore], tuple[Path]]:
        # A worker process maps the file again; pickling a memmap would copy all tokens.
        return TokenStore, (self.folder,)

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.offsets) - 1

    def __getitem__(self, document: int) -> np.ndarray:
        """Return the token ids of one document, ``[T]``."""
        return self.tokens[self.offsets[document] : self.offsets[document + 1]]

    @property
    def num_tokens(self) -> int:
        """Number of tokens, including end-of-text tokens."""
        return len(self.tokens)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each document, including its end-of-text token, ``[D]``."""
        return np.diff(self.offsets)

    @cached_property
    def document_ids(self) -> list[str]:
        """The documents' ids in order."""
        with (self.folder / _IDS).open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def tokenize(
    documents: Dataset,
    tokenizer: PreTrainedTokenizerFast,
    *,
    cache_dir: str | Path | None = None,
    name: str = "",
) -> TokenStore:
    """Tokenise the documents, or open the store of an earlier call with equal content.

    Memory is bounded, the folder is written atomically, and concurrent processes build it once. The
    name of a special token inside a document is tokenised as plain text, so that the end-of-text
    token occurs only at the ends of documents.

    Args:
        documents: with the columns ``text`` and ``id``.
        tokenizer: any fast tokenizer with an end-of-text token.
        cache_dir: default as in ``cache_root``.
        name: prefix of the folder's name, and title of the progress bar.

    Raises:
        UserError: there is nothing to tokenise.
    """
    if len(documents) == 0:
        raise UserError(f"no document to tokenize, for {name or 'the corpus'!r}; give some text")
    backend, size = plain_copy(tokenizer), vocabulary_size(tokenizer)
    card = {
        "format": _FORMAT,
        "name": name,
        "documents": len(documents),
        "documents_hash": fingerprint(documents),
        "tokenizer_hash": content_hash(backend.to_str(), str(tokenizer.eos_token_id)),
        "vocab_size": size,
        "eos_token_id": tokenizer.eos_token_id,
        "dtype": "uint16" if size <= 2**16 else "uint32",
    }
    key = content_hash(str(_FORMAT), card["documents_hash"], card["tokenizer_hash"])
    folder = cache_root(cache_dir) / "tokens" / "-".join(filter(None, (name, key)))
    build_folder(
        folder,
        lambda partial: _write(partial, documents, backend, card),
        is_whole=lambda whole: _damage(whole) is None,
        what=f"Tokenizing {len(documents):,} documents{f' ({name})' if name else ''}",
    )
    return TokenStore(folder)


def plain_copy(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """Copy the Rust tokenizer, without truncation, padding and parsing of special tokens."""
    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True
    return backend


def encode(backend: Tokenizer, texts: list[str], eos_token_id: int) -> list[list[int]]:
    """Encode texts in one parallel call; each ends with the end-of-text token."""
    encodings = backend.encode_batch_fast(texts, add_special_tokens=False)
    return [[*encoding.ids, eos_token_id] for encoding in encodings]


def _write(folder: Path, documents: Dataset, backend: Tokenizer, card: dict[str, Any]) -> None:
    lengths = array("q")
    with (
        (folder / _TOKENS).open("wb") as tokens,
        (folder / _IDS).open("w", encoding="utf-8") as ids,
    ):
        for batch in _batches(documents, title=f"tokenizing {card['name']}".strip()):
            encoded = encode(backend, batch["text"], card["eos_token_id"])
            lengths.extend(map(len, encoded))
            np.concatenate([np.array(ids, card["dtype"]) for ids in encoded]).tofile(tokens)
            ids.writelines(f"{json.dumps(document_id)}\n" for document_id in batch["id"])
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(lengths, np.int64))])
    np.save(folder / _OFFSETS, offsets)
    counts = {"tokens": int(offsets[-1]), "bytes": count_bytes(documents)}
    write_json(folder / CARD, {**card, **counts})


def _batches(documents: Dataset, title: str) -> Iterator[dict[str, list[str]]]:
    """Yield columns of consecutive documents, about ``_BATCH_CHARACTERS`` at a time."""
    batch: dict[str, list[str]] = {"text": [], "id": []}
    characters = 0
    with counting(title, len(documents), unit="documents", delay=2.0) as add:
        for row in documents.select_columns(["text", "id"]):
            batch["text"].append(row["text"])
            batch["id"].append(row["id"])
            characters += len(row["text"])
            if characters >= _BATCH_CHARACTERS:
                yield batch
                add(len(batch["id"]))
                batch, characters = {"text": [], "id": []}, 0
        if batch["id"]:
            yield batch
            add(len(batch["id"]))


def _damage(folder: Path) -> str | None:
    """Return what is wrong with the files of a store, or None."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        expected = card["tokens"] * np.dtype(card["dtype"]).itemsize
        if card["format"] != _FORMAT:
            return f"format {card['format']}, not {_FORMAT}"
        if (folder / _TOKENS).stat().st_size != expected:
            return f"{_TOKENS} does not have the {expected} bytes of its card"
        if len(np.load(folder / _OFFSETS, mmap_mode="r")) != card["documents"] + 1:
            return f"{_OFFSETS} does not match its card"
        if not (folder / _IDS).is_file():
            return f"{_IDS} is missing"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None
