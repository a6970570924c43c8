"""Encoders that are models, against the model called by hand on one text at a time."""

import pickle

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

from lit_research.errors import UserError
from lit_research.text import (
    SentenceTransformersEncoder,
    TransformersEncoder,
    embed,
    load_tokenizer,
    make_encoder,
)

TEXTS = ["a cat", "", "one longer text with more words", "b", "ünï"]
SIZES = {
    "vocab_size": 257,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 48,
    "initializer_range": 0.5,
}
MODELS = {"bert": (BertConfig, BertModel), "llama": (LlamaConfig, LlamaModel)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a bidirectional and a causal model, whose tokenizer pads on the left."""
    found = {}
    for number, (name, (config, model)) in enumerate(MODELS.items()):
        found[name] = str(tmp_path_factory.mktemp(name))
        torch.manual_seed(number)
        model(config(**SIZES)).save_pretrained(found[name])
        tokenizer = load_tokenizer("bytes")
        tokenizer.padding_side = "left"
        tokenizer.save_pretrained(found[name])
    return found


def by_hand(folder, kind, pooling, text):
    if not text:
        return np.zeros(16)
    ids = torch.tensor([list(text.encode())])
    with torch.no_grad():
        hidden = MODELS[kind][1].from_pretrained(folder).eval()(ids).last_hidden_state[0]
    vector = {"mean": hidden.mean(0), "last": hidden[-1], "cls": hidden[0]}[pooling]
    return (vector / vector.norm()).numpy()


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("pooling", ["mean", "last", "cls"])
def test_vectors_are_those_of_the_model_on_one_text_in_batches_of_any_size(folders, kind, pooling):
    expected = np.array([by_hand(folders[kind], kind, pooling, text) for text in TEXTS])
    for size in (1, 2, 32):
        encoder = TransformersEncoder(folders[kind], pooling, batch_size=size, device="cpu")
        found = encoder.encode(TEXTS)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_the_prompt_comes_first_and_long_texts_are_cut(folders):
    plain = TransformersEncoder(folders["bert"], "last", device="cpu")
    prompted = TransformersEncoder(folders["bert"], "last", prompt="q: ", device="cpu")
    assert (prompted.encode(["x"]) == plain.encode(["q: x"])).all()
    cut = TransformersEncoder(folders["bert"], max_tokens=4, device="cpu")
    np.testing.assert_allclose(cut.encode(["abcdefg"]), plain_mean(folders, "abcd"), atol=1e-6)
    assert plain.card()["max_tokens"] == 48  # as many as the model has positions
    assert np.isfinite(plain.encode(["long " * 40])).all()


def plain_mean(folders, text):
    return TransformersEncoder(folders["bert"], device="cpu").encode([text])


def test_the_card_changes_with_all_that_changes_vectors(folders, tmp_path):
    first = TransformersEncoder(folders["bert"], device="cpu")
    cards = [
        first.card(),
        TransformersEncoder(folders["bert"], "cls", device="cpu").card(),
        TransformersEncoder(folders["bert"], prompt="q: ", device="cpu").card(),
        TransformersEncoder(folders["bert"], max_tokens=5, device="cpu").card(),
        TransformersEncoder(folders["bert"], dtype="bfloat16", device="cpu").card(),
        TransformersEncoder(folders["llama"], device="cpu").card(),
    ]
    assert len({str(card) for card in cards}) == len(cards)
    assert TransformersEncoder(folders["bert"], batch_size=1, device="cpu").card() == first.card()
    encoder = pickle.loads(pickle.dumps(first))  # goes to other processes
    assert encoder.card() == first.card()
    documents = Dataset.from_dict({"text": TEXTS, "id": [*"abcde"]})
    assert embed(documents, encoder, cache_dir=tmp_path).shape == (5, 16)


def test_weights_that_are_replaced_in_a_folder_are_loaded_again(tmp_path):
    load_tokenizer("bytes").save_pretrained(tmp_path)
    encoder = TransformersEncoder(str(tmp_path), device="cpu")
    cards = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        BertModel(BertConfig(**SIZES)).save_pretrained(tmp_path)
        cards.append(encoder.card()["weights"])
    assert cards[0] != cards[1]


def test_an_encoder_of_a_config(folders):
    path = "lit_research.text.TransformersEncoder"
    arguments = {"folder": folders["bert"], "pooling": "cls", "device": "cpu"}
    made = make_encoder({"class_path": path, "init_args": arguments})
    assert isinstance(made, TransformersEncoder)
    assert made.pooling == "cls"


def test_bad_encoders_are_refused(folders, tmp_path):
    with pytest.raises(UserError, match=r"pooling is 'max'.*must be mean, last or cls"):
        TransformersEncoder(folders["bert"], "max")
    with pytest.raises(UserError, match="dtype is 'int8'"):
        TransformersEncoder(folders["bert"], dtype="int8")
    with pytest.raises(UserError, match="batch_size is 0"):
        TransformersEncoder(folders["bert"], batch_size=0)
    with pytest.raises(UserError, match=r"max_tokens is 49.*48 positions"):
        TransformersEncoder(folders["bert"], max_tokens=49, device="cpu").encode(["a"])
    with pytest.raises(UserError, match="no such file or folder"):
        TransformersEncoder(str(tmp_path / "missing")).encode(["a"])
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"cannot load encoder.*give a folder"):
        TransformersEncoder(str(tmp_path)).card()


def test_sentence_transformers_pools_as_its_folder_says(folders, tmp_path):
    st = pytest.importorskip("sentence_transformers")
    layers = pytest.importorskip("sentence_transformers.models")
    modules = [
        layers.Transformer(folders["bert"], max_seq_length=48),
        layers.Pooling(16, pooling_mode="cls"),
    ]
    prompts = {"document": "passage: "}
    model = st.SentenceTransformer(
        modules=modules, prompts=prompts, default_prompt_name="document", device="cpu"
    )
    model.tokenizer.pad_token = model.tokenizer.eos_token
    model.save(str(tmp_path))
    ours = TransformersEncoder(folders["bert"], "cls", prompt="passage: ", device="cpu")
    found = SentenceTransformersEncoder(str(tmp_path), device="cpu")
    texts = [text for text in TEXTS if text]
    np.testing.assert_allclose(found.encode(texts), ours.encode(texts), atol=1e-5)
    assert found.card()["prompt"] == "passage: "
    other = SentenceTransformersEncoder(str(tmp_path), prompt="", device="cpu")
    assert other.card() != found.card()
    assert np.abs(other.encode(texts) - found.encode(texts)).max() > 1e-3


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(UserError, match=r"pip install 'lit_research\[encoders\]'"):
        SentenceTransformersEncoder(str(tmp_path)).card()
