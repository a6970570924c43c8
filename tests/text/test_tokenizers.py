import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from lit_research.errors import UserError
from lit_research.text import load_documents, load_tokenizer, tokenize, vocabulary_size

# Any text that can be written down: lone surrogates are half a character.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def topics(cache):
    return load_documents("embedded:topics", cache_dir=cache)


@pytest.fixture(scope="module")
def bpe(topics, cache):
    return load_tokenizer("bpe:600", documents=topics, cache_dir=cache)


def decode(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=False)


@settings(deadline=None, max_examples=200)
@given(text=TEXT)
def test_bytes_are_their_own_ids_and_any_text_comes_back(text, byte_tokenizer):
    ids = byte_tokenizer.encode(text.replace("<|", "<"))
    assert bytes(ids) == text.replace("<|", "<").encode()
    assert decode(byte_tokenizer, byte_tokenizer.encode(text)) == text


@settings(deadline=None, max_examples=200)
@given(text=TEXT)
def test_any_text_comes_back_from_a_trained_bpe(text, bpe):
    assert decode(bpe, bpe.encode(text)) == text


def test_end_of_text_is_one_token(byte_tokenizer, bpe):
    assert byte_tokenizer.eos_token_id == 256
    assert len(byte_tokenizer) == 257
    assert len(bpe) == 600
    for tokenizer in (byte_tokenizer, bpe):
        assert tokenizer.encode("<|endoftext|>") == [tokenizer.eos_token_id]


def test_bpe_is_shorter_than_bytes_and_trained_once(topics, bpe, cache, monkeypatch):
    text = topics[0]["text"]
    assert len(bpe.encode(text)) < 0.6 * len(text)
    monkeypatch.setattr("lit_research.text.tokenizers._train_bpe", lambda *_: pytest.fail("again"))
    again = load_tokenizer("bpe:600", documents=topics, cache_dir=cache)
    assert again.backend_tokenizer.to_str() == bpe.backend_tokenizer.to_str()


def test_bpe_is_the_same_when_trained_anew(topics, bpe, tmp_path):
    again = load_tokenizer("bpe:600", documents=topics, cache_dir=tmp_path)
    assert again.get_vocab() == bpe.get_vocab()


@pytest.mark.parametrize("name", ["bytes", "bpe"])
def test_saved_folder_loads_as_the_same_tokenizer(name, byte_tokenizer, bpe, tmp_path):
    tokenizer = {"bytes": byte_tokenizer, "bpe": bpe}[name]
    tokenizer.save_pretrained(tmp_path)
    loaded = load_tokenizer(str(tmp_path))
    assert isinstance(loaded, PreTrainedTokenizerFast)
    assert loaded.eos_token_id == tokenizer.eos_token_id
    text = "Zwölf  Boxkämpfer\n\tjagen \x00 🦊 it 's"
    assert loaded.encode(text) == tokenizer.encode(text)
    assert decode(loaded, loaded.encode(text)) == text


def test_tokenizer_without_an_end_gets_one(byte_tokenizer, tmp_path):
    PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer.backend_tokenizer).save_pretrained(
        tmp_path
    )
    assert load_tokenizer(str(tmp_path)).eos_token == "<|endoftext|>"


@pytest.mark.parametrize("spec", ["bpe:256", "bpe:-1", "bpe:many", "bpe:"])
def test_wrong_vocabulary_size_is_a_user_error(spec, topics):
    with pytest.raises(UserError, match="at least 257"):
        load_tokenizer(spec, documents=topics)


def test_other_mistakes_are_user_errors(tmp_path):
    with pytest.raises(UserError, match="is trained on documents and none were given"):
        load_tokenizer("bpe:300")
    for spec in ("characters", str(tmp_path)):
        with pytest.raises(UserError, match=f"cannot load tokenizer '{spec}'") as caught:
            load_tokenizer(spec)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("always::UserWarning")
def test_a_bpe_has_no_more_tokens_than_the_documents_hold(documents_of):
    for _ in range(2):  # trained, then from the cache
        with pytest.warns(UserWarning, match=r"'bpe:9999' has (\d+) tokens"):
            tokenizer = load_tokenizer("bpe:9999", documents=documents_of(["few words"]))
        assert 257 < len(tokenizer) < 300


def test_ids_with_gaps_need_rows_up_to_the_largest(byte_tokenizer, documents_of, tmp_path):
    data = json.loads(byte_tokenizer.backend_tokenizer.to_str())
    end = data["added_tokens"][0]["content"]
    data["added_tokens"][0]["id"] = data["model"]["vocab"][end] = 70_003
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), eos_token=end
    ).save_pretrained(str(tmp_path))
    tokenizer = load_tokenizer(str(tmp_path))
    assert len(tokenizer) == 257
    assert vocabulary_size(tokenizer) == 70_004
    assert vocabulary_size(byte_tokenizer) == 257
    store = tokenize(documents_of(["ab", "c"]), tokenizer, cache_dir=tmp_path)
    assert store.tokens.tolist() == [97, 98, 70_003, 99, 70_003]
    assert store.card["vocab_size"] == 70_004


def test_words_of_a_closed_vocabulary_have_their_places_as_ids(tmp_path):
    tokenizer = load_tokenizer("words", vocabulary=["a", "fox", "runs"])
    assert tokenizer.encode("fox a runs") == [1, 0, 2]
    assert decode(tokenizer, [1, 0, 2]) == "fox a runs"
    assert tokenizer.eos_token_id == 3
    assert vocabulary_size(tokenizer) == 4
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(str(tmp_path)).encode("fox a runs") == [1, 0, 2]


def test_a_word_outside_a_closed_vocabulary_is_refused():
    tokenizer = load_tokenizer("words", vocabulary=["a", "fox"])
    with pytest.raises(Exception, match="UNK"):
        tokenizer.encode("a dog")


@pytest.mark.parametrize("vocabulary", [None, [], ["a", "a"], ["a", "two words"], [""]])
def test_a_vocabulary_that_is_none_is_refused(vocabulary):
    with pytest.raises(UserError, match="vocabulary"):
        load_tokenizer("words", vocabulary=vocabulary)
