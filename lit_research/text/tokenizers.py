"""Tokenizers by name: bytes, a byte-level BPE trained on the corpus, words, or any fast one.

All of them are ``PreTrainedTokenizerFast`` objects with an end-of-text token; those of bytes decode
any Unicode text unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.pytorch.utilities import rank_zero_warn

from lit_research.errors import UserError
from lit_research.hub import load_named
from lit_research.storage import build_folder, cache_root, content_hash
from lit_research.text.documents import fingerprint

if TYPE_CHECKING:
    from datasets import Dataset
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
"""The end-of-text token of tokenizers that do not define one."""
SMALLEST_VOCABULARY = 257  # every byte and the end-of-text token
_FORMAT = "1"


def load_tokenizer(
    spec: str,
    *,
    documents: Dataset | None = None,
    vocabulary: Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
) -> PreTrainedTokenizerFast:
    """Load the tokenizer that ``spec`` names.

    Args:
        spec: ``bytes`` (ids 0-255 are the bytes, 256 is the end of text); ``bpe:4096`` (byte-level
            BPE with 4096 tokens, trained on ``documents`` and cached by their content); ``words``
            (one token for each of ``vocabulary``, then the end of text); else a folder or hub name
            that transformers can load.
        documents: the training split, needed only for ``bpe:``.
        vocabulary: the words of a ``DocumentSource`` whose vocabulary is closed, needed only for
            ``words``.
        cache_dir: folder of trained BPEs; default as in ``cache_root``.

    A BPE has fewer tokens than requested, with a warning, if the documents are too small.

    Raises:
        UserError: the spec is none of these, or the vocabulary is too small.
    """
    if spec == "bytes":
        return _wrap(_byte_tokenizer())
    if spec == "words":
        return _wrap(_word_tokenizer(vocabulary))
    if spec.startswith("bpe:"):
        return _load_bpe(spec, documents, cache_root(cache_dir) / "tokenizers")
    return _load_pretrained(spec)


def vocabulary_size(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the number of embedding rows that a tokenizer's ids need, V.

    That is the largest id plus one: with gaps in the ids, more than the number of tokens.
    """
    return max(len(tokenizer), 1 + max(tokenizer.get_vocab().values(), default=-1))


def _wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TEXT, clean_up_tokenization_spaces=False
    )


def _byte_tokenizer() -> Tokenizer:
    """Build a BPE without merges: byte-level characters are looked up one by one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(vocab=_byte_vocabulary(), merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def _word_tokenizer(vocabulary: Sequence[str] | None) -> Tokenizer:
    """Build a tokenizer of words that spaces separate; a word outside raises an error."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    if vocabulary is None:
        raise UserError(
            "the tokenizer 'words' needs a closed vocabulary, in load_tokenizer; pass that of a "
            "DocumentSource, or give 'bytes' or 'bpe:4096'"
        )
    ids = {word: number for number, word in enumerate(vocabulary)}
    wrong = [word for word in ids if word.split() != [word]]
    if len(ids) < len(vocabulary) or wrong or not ids:
        raise UserError(
            f"the vocabulary has {len(vocabulary)} words, {len(ids)} of them different"
            + (f", and {wrong[0]!r} is not one word" if wrong else "")
            + ", in load_tokenizer; must be different words without spaces"
        )
    tokenizer = Tokenizer(models.WordLevel(ids))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def _byte_vocabulary() -> dict[str, int]:
    """Map the printable character of each byte in GPT-2's byte-level scheme to that byte."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in set(visible)]
    characters = {chr(byte): byte for byte in visible}
    characters.update({chr(256 + rank): byte for rank, byte in enumerate(others)})
    return characters


def _load_bpe(spec: str, documents: Dataset | None, cache: Path) -> PreTrainedTokenizerFast:
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    size = spec.removeprefix("bpe:")
    if not size.isdecimal() or int(size) < SMALLEST_VOCABULARY:
        raise UserError(
            f"vocabulary size {size!r} is not a number of at least {SMALLEST_VOCABULARY}, in "
            f"tokenizer {spec!r}; write for example 'bpe:4096' (256 bytes, the end of text, merges)"
        )
    if documents is None:
        raise UserError(
            f"tokenizer {spec!r} is trained on documents and none were given, in load_tokenizer; "
            "pass the training split"
        )
    key = content_hash(_FORMAT, tokenizers.__version__, fingerprint(documents))
    folder = cache / f"bpe-{size}-{key}"

    def build(partial: Path) -> None:
        _wrap(_train_bpe(documents, int(size))).save_pretrained(str(partial))

    build_folder(
        folder,
        build,
        is_whole=lambda whole: (whole / "tokenizer.json").is_file(),
        what=f"Training the tokenizer {spec} on {len(documents):,} documents",
    )
    tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder))
    if len(tokenizer) < int(size):
        rank_zero_warn(
            f"tokenizer {spec!r} has {len(tokenizer)} tokens: the documents hold no more different "
            f"ones; give more text, or 'bpe:{len(tokenizer)}' to say that this is meant"
        )
    return tokenizer


def _train_bpe(documents: Dataset, size: int) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(documents), trainer)
    return tokenizer


def _texts(documents: Dataset) -> Iterator[list[str]]:
    for batch in documents.select_columns("text").iter(1000):
        yield batch["text"]


def _load_pretrained(spec: str) -> PreTrainedTokenizerFast:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    tokenizer = load_named(
        spec,
        AutoTokenizer.from_pretrained,
        what="tokenizer",
        right="give 'bytes', 'bpe:4096', or a folder or hub name that AutoTokenizer can load",
    )
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise UserError(
            f"tokenizer {spec!r} has no fast version, loaded as {type(tokenizer).__name__}; "
            "give a folder with a tokenizer.json"
        )
    if tokenizer.eos_token is None:
        tokenizer.add_special_tokens({"eos_token": END_OF_TEXT})
    return tokenizer
