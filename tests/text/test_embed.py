"""TF-IDF against its formula; the cache of vectors."""

import json
import math

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.text import Encoder, Tfidf, embed, make_encoder

TEXTS = ["the cat sat", "the dog sat sat", "", "a bird"]


def fitted(texts=TEXTS, **arguments):
    encoder = Tfidf(**arguments)
    encoder.fit(texts)
    return encoder


def dictionary(text):
    """Return the weights of TF-IDF by word."""
    weights = {}
    for word in text.split():
        having = sum(word in other.split() for other in TEXTS)
        weights[word] = weights.get(word, 0) + math.log((1 + len(TEXTS)) / (1 + having)) + 1
    return weights


def cosine(first, second):
    one, other = dictionary(first), dictionary(second)
    product = sum(weight * other.get(word, 0) for word, weight in one.items())
    lengths = [math.sqrt(sum(w**2 for w in weights.values())) for weights in (one, other)]
    return product / (lengths[0] * lengths[1])


def test_cosines_are_those_of_the_formula():
    queries = ["the cat sat", "a dog sat", "unseen cat unseen"]
    encoder = fitted(width=1 << 16)  # no two of these words in one place
    vectors, others = encoder.encode(TEXTS), encoder.encode(queries)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, 1 << 16)
    for row, text in enumerate(TEXTS):
        for query, other in zip(queries, others, strict=True):
            expected = cosine(text, query) if text else 0.0
            assert vectors[row] @ other == pytest.approx(expected, abs=1e-6)


def test_words_of_too_many_documents_do_not_count():
    encoder = fitted(width=1 << 16, max_document_share=0.25)  # "the" and "sat" are in half of them
    vectors = encoder.encode(["the cat sat", "sat cat the the", "a dog", "the sat", "cat"])
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[4] == pytest.approx(1)
    assert vectors[0] @ vectors[2] == 0
    assert np.linalg.norm(vectors[3]) == 0
    assert encoder.card() != fitted(width=1 << 16).card()


def test_vectors_have_length_1_and_those_of_no_word_0():
    norms = np.linalg.norm(fitted(width=64).encode(TEXTS), axis=1)
    assert norms == pytest.approx([1, 1, 0, 1])


def test_the_batch_does_not_matter():
    encoder = fitted()
    together = encoder.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        np.testing.assert_array_equal(encoder.encode([text])[0], together[row])


def test_fitting_counts_documents_and_forgets_earlier_ones():
    many = fitted([f"w{number} all" for number in range(2500)])
    assert many.card()["documents"] == 2500
    assert many.card()["words"] == 2501
    many.fit(iter(TEXTS))
    assert many.card() == fitted().card()
    assert fitted(TEXTS[::-1]).card() == fitted().card()
    assert fitted(TEXTS[:3]).card() != fitted().card()


def test_characters_are_a_unit():
    encoder = fitted(["日本", "本日", "ab"], unit="character")
    one, other, third = encoder.encode(["日本", "本日", "ab"])
    assert one @ other == pytest.approx(1)
    assert one @ third == pytest.approx(0)


def test_an_encoder_that_was_not_fitted_is_refused():
    with pytest.raises(UserError, match="Tfidf has counted no document; call fit"):
        Tfidf().encode(["a"])
    with pytest.raises(UserError, match="width is 0, in Tfidf; must be at least 1"):
        Tfidf(width=0)
    with pytest.raises(UserError, match="unit is 'line', in Tfidf; must be word or character"):
        Tfidf(unit="line")


class Lengths(Encoder):
    """Counts its calls."""

    def __init__(self, make=lambda n: [n, 1.0], name="lengths"):
        self.make, self.name, self.calls = make, name, 0

    def encode(self, texts):
        self.calls += 1
        return np.array([self.make(len(text)) for text in texts], np.float32)

    def card(self):
        return {"name": self.name}


def test_vectors_are_cached_by_documents_and_encoder(tmp_path, documents_of):
    encoder, documents = Lengths(), documents_of(["a" * (n % 50 + 1) for n in range(1500)])
    vectors = embed(documents, encoder, cache_dir=tmp_path)
    assert isinstance(vectors, np.memmap)
    assert vectors.dtype == np.float16
    assert vectors[:, 0].tolist() == [n % 50 + 1 for n in range(1500)]
    assert encoder.calls == 2
    np.testing.assert_array_equal(embed(documents, encoder, cache_dir=tmp_path), vectors)
    assert encoder.calls == 2
    embed(documents, Lengths(name="other"), cache_dir=tmp_path)
    embed(documents.select(range(3)), encoder, cache_dir=tmp_path)
    assert encoder.calls == 3
    folders = list((tmp_path / "vectors").glob("*/card.json"))
    assert len(folders) == 3
    card = json.loads(folders[0].read_text())
    assert card["encoder"]["class_path"].endswith("test_embed.Lengths")
    for folder in (file.parent for file in folders):
        (folder / "vectors.npy").unlink()  # it is mapped: what is cut would be missed
        (folder / "vectors.npy").touch()
    np.testing.assert_array_equal(embed(documents, encoder, cache_dir=tmp_path), vectors)


def test_tfidf_is_cached_by_its_counts(tmp_path, documents_of):
    documents = documents_of(TEXTS)
    for encoder in (fitted(width=8), fitted(TEXTS[:2], width=8), fitted(width=8)):
        vectors = embed(documents, encoder, cache_dir=tmp_path)
        np.testing.assert_allclose(vectors, encoder.encode(TEXTS), atol=1e-3)
    assert len(list((tmp_path / "vectors").glob("*/card.json"))) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: [float("nan")], "not finite, row 0 first, of what Lengths.encode returns"),
        (lambda n: [1e6], r"a number is 1e\+06, from Lengths.encode; must be at most 65504"),
        (lambda n: 1.0, r"the shape is \(1000,\), of what Lengths.encode returns; must be"),
        (lambda n: [1.0] * n, "the width is 2, of what Lengths.encode returns; must be 1"),
    ],
)
def test_an_encoder_of_other_answers_is_refused(tmp_path, documents_of, make, message):
    documents = documents_of(["a"] * 1000 + ["bb"])
    with pytest.raises(UserError, match=message):
        embed(documents, Lengths(make), cache_dir=tmp_path)
    assert not list((tmp_path / "vectors").glob("*/"))


def test_vectors_for_other_texts_are_refused(tmp_path, documents_of):
    class Doubled(Lengths):
        def encode(self, texts):
            return np.repeat(super().encode(texts), 2, axis=0)

    with pytest.raises(UserError, match=r"4 vectors for 2 texts, from Doubled.encode"):
        embed(documents_of(["a", "b"]), Doubled(), cache_dir=tmp_path)
    with pytest.raises(UserError, match="there are no documents, in embed; give at least one"):
        embed(documents_of([]), Lengths(), cache_dir=tmp_path)


def test_encoders_come_by_class_path():
    assert make_encoder("tfidf").width == 4096
    config = {"class_path": "lit_research.text.Tfidf", "init_args": {"width": 32}}
    assert make_encoder(config).width == 32
    own = Lengths()
    assert make_encoder(own) is own
    with pytest.raises(UserError, match="no encoder is called 'bert'; must be tfidf, or module"):
        make_encoder("bert")


def test_an_encoder_of_a_file_of_ones_own_is_used(tmp_path, monkeypatch, documents_of):
    (tmp_path / "my_encoder.py").write_text(
        "import numpy as np\n"
        "from lit_research.text import Encoder\n\n\n"
        "class Vowels(Encoder):\n"
        "    def __init__(self, letters: str = 'aeiou') -> None:\n"
        "        self.letters = letters\n\n"
        "    def encode(self, texts):\n"
        "        counts = [[text.count(letter) for letter in self.letters] for text in texts]\n"
        "        return np.array(counts, np.float32)\n\n"
        "    def card(self):\n"
        "        return {'letters': self.letters}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    encoder = make_encoder({"class_path": "my_encoder.Vowels", "init_args": {"letters": "ae"}})
    documents = documents_of(["a bee", "an eel"])
    encoder.fit(documents["text"])
    assert embed(documents, encoder, cache_dir=tmp_path).tolist() == [[1, 2], [1, 2]]
