"""Texts by tokens: pieces of text join to the text for every kind of tokenizer."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from lit_research.methods.megadocs import Source, TextSplitter, stretch
from lit_research.text import END_OF_TEXT, load_tokenizer

MIXED = "Zürich 日本語のテキスト 👩‍👩‍👧 naïve  two  spaces\n\ttab 한국어 🏳️‍🌈 العربية e\u0301"
PROSE = "The cat sat on the mat, and the dog sat on the log. It was late; they slept."

TEXTS = {"prose": PROSE, "mixed": MIXED, "cjk": "日本語" * 40, "emoji": "👩‍👩‍👧" * 40}


@cache
def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    from datasets import Dataset
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    if kind == "bytes":
        return load_tokenizer("bytes")
    if kind == "bpe":
        rows = {"text": [PROSE, MIXED], "id": ["0", "1"], "source_id": ["0", "1"]}
        documents = Dataset.from_dict({**rows, "kind": ["real", "real"]})
        with pytest.warns(UserWarning, match="has"):
            return load_tokenizer("bpe:600", documents=documents)
    tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    if kind == "unigram":
        model = Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(
            vocab_size=140, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
        )
    else:  # with the bytes of what is not in the vocabulary, as in Llama 2
        model = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=["<unk>", *tokens], show_progress=False
        )
    model.normalizer = normalizers.NFKC()
    model.pre_tokenizer = pre_tokenizers.Metaspace()
    model.decoder = decoders.Metaspace()
    model.train_from_iterator([PROSE] if kind == "byte_fallback" else TEXTS.values(), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=model, eos_token=END_OF_TEXT)


KINDS = ["bytes", "bpe", "unigram", "byte_fallback"]


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.one_of(st.text(min_size=1), st.sampled_from([PROSE, MIXED, " lead", "日本"])))
@settings(max_examples=40, deadline=None)
def test_tokens_join_to_the_text(kind, text):
    split = TextSplitter(tokenizer(kind))(text)
    if not split.ids:  # a normaliser removed everything
        return
    assert "".join(split.tokens) == text
    assert len(split.tokens) == len(split.ids) == len(split.can_cut)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", list(TEXTS.values()), ids=list(TEXTS))
@pytest.mark.parametrize("thoughts", [1, 4])
def test_a_stretched_text_without_its_thoughts_is_the_text(kind, text, thoughts):
    splitter = TextSplitter(tokenizer(kind))
    split = splitter(text)
    options = {"can_cut": split.can_cut}
    tags = {"opening": ("<think>",), "closing": ("</think>",)}
    made = stretch(Source("d", split.tokens), [("I see",)] * thoughts, **tags, **options)
    assert "".join(made.tokens).replace("<think>I see</think>", "") == text
    assert "".join(made.without("thought", "tag")) == text
    # The same on ids: they are the document's, and no piece ends inside a character.
    ids = stretch(Source("d", split.ids), [(0,)] * thoughts, **options)
    assert ids.without("thought", "tag") == list(split.ids)
    if kind in ("bytes", "bpe"):
        parts = [p.tokens for p in ids.pieces if p.kind == "real"]
        decoded = [tokenizer(kind).decode(list(part)) for part in parts]
        assert "".join(decoded) == text
        assert not any("\ufffd" in part for part in decoded)


def test_a_cut_inside_a_character_is_moved():
    split = TextSplitter(load_tokenizer("bytes"))("a€b€")
    assert split.tokens == ("a", "€", "", "", "b", "€", "", "")
    assert split.can_cut == (True, True, False, False, True, True, False, False)
    made = stretch(Source("d", split.tokens), ["T"] * 3, can_cut=split.can_cut)
    assert "".join(made.tokens) == "aT€TbT€"
