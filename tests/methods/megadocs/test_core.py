"""The constructors: nothing is lost or added, and the cuts are where a piece may begin."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.megadocs import Megadoc, Source, cuts, simple, stitch, stretch
from lit_research.methods.megadocs.core import most_pieces

TOKENS = st.lists(st.integers(0, 40), min_size=1, max_size=40)
TEXTS = st.lists(TOKENS, min_size=1, max_size=6)
SEPARATOR = st.lists(st.integers(100, 102), max_size=2)


def bag(*lists: list[int]) -> Counter[int]:
    return Counter(token for tokens in lists for token in tokens)


@given(st.lists(st.tuples(TOKENS, st.lists(TOKENS, max_size=4)), max_size=6))
def test_simple_makes_every_rephrase_a_document(corpus):
    documents = [Source(f"d{i}", tokens) for i, (tokens, _) in enumerate(corpus)]
    made = simple(documents, [texts for _, texts in corpus])
    assert [m.tokens for m in made] == [text for _, texts in corpus for text in texts]
    assert Counter(m.source_id for m in made) == {
        d.id: len(texts) for d, (_, texts) in zip(documents, corpus, strict=True) if texts
    }


@given(TOKENS, TEXTS, SEPARATOR, st.sampled_from(["last", "first", "none"]), st.randoms())
def test_stitch_conserves_tokens_and_places_the_real_document(tokens, texts, sep, real, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    made = stitch(Source("d", tokens), texts, real=real, separator=sep, order=order)
    parts = [texts[i] for i in order]
    with_real = {"last": [*parts, tokens], "first": [tokens, *parts], "none": parts}[real]
    assert bag(made.tokens) == bag(*with_real, sep * (len(with_real) - 1))
    assert made.tokens == joined(with_real, sep)
    assert made.without("separator", "rephrase") == ([] if real == "none" else tokens)
    if real == "last":
        assert made.tokens[-len(tokens) :] == tokens
    if real == "first":
        assert made.tokens[: len(tokens)] == tokens


def joined(texts: list[list[int]], separator: list[int]) -> list[int]:
    return [t for i, text in enumerate(texts) for t in (separator if i else []) + text]


@given(st.data())
def test_a_stretched_document_without_its_thoughts_is_the_document(data):
    tokens = data.draw(st.lists(st.integers(0, 40), min_size=2, max_size=40))
    size = st.integers(1, min(6, len(tokens) - 1))
    texts = data.draw(size.flatmap(lambda n: st.lists(TOKENS, min_size=n, max_size=n)))
    opening, closing = data.draw(SEPARATOR), data.draw(SEPARATOR)
    made = stretch(Source("d", tokens), texts, opening=opening, closing=closing)
    assert made.without("thought", "tag") == tokens
    assert [list(p.tokens) for p in made.generated] == texts
    assert bag(made.tokens) == bag(tokens, *texts, (opening + closing) * len(texts))
    lengths = [len(p.tokens) for p in made.pieces if p.kind == "real"]
    assert len(lengths) == len(texts) + 1
    assert max(lengths) - min(lengths) <= 1


def test_stretch_as_in_the_paper():
    made = stretch(Source("d", "abcdef"), ["x", "yy"], opening="<", closing=">")
    assert "".join(made.tokens) == "ab<x>cd<yy>ef"
    refused = stretch(Source("d", "abcdef"), [None, "yy"], opening="<", closing=">")
    assert "".join(refused.tokens) == "abcd<yy>ef"


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 12))
def test_cuts_are_at_allowed_tokens_and_as_near_as_can_be(can_cut, pieces):
    allowed = [i for i in range(1, len(can_cut)) if can_cut[i]]
    if pieces - 1 > len(allowed):
        with pytest.raises(UserError, match=rf"must be at least {pieces}, the number of pieces"):
            cuts(len(can_cut), pieces, can_cut)
        return
    made = cuts(len(can_cut), pieces, can_cut)
    assert sorted({*made}) == made
    assert {*made} <= {*allowed}
    assert len(made) == pieces - 1
    if pieces == 2:
        wanted = round(len(can_cut) / 2)
        assert abs(made[0] - wanted) == min(abs(i - wanted) for i in allowed)


def test_more_pieces_than_tokens_are_refused():
    with pytest.raises(UserError, match=r"'d' has 2 tokens, 2 of which .* at least 3, the number"):
        stretch(Source("d", "ab"), ["x", "y"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: stitch(d, ["x"], real="middle"), "real is 'middle'"),
        (lambda d: stitch(d, []), "there is no rephrase"),
        (lambda d: stitch(d, ["x", "y"], order=[0, 0]), "each of 0 to 1 once"),
        (lambda d: stretch(d, [None]), "there is no thought"),
        (lambda d: simple([d], []), "1 documents and rephrases of 0"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(UserError, match=message):
        make(Source("d", "abc"))


def test_a_megadoc_is_generic_in_its_tokens():
    made: Megadoc[str] = stitch(Source("d", ["one", "two"]), [["eins"]], separator=["|"])
    assert made.tokens == ["eins", "|", "one", "two"]


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 13))
def test_a_document_is_cut_into_as_many_pieces_as_it_has_room_for(can_cut, pieces):
    room = most_pieces(len(can_cut), can_cut)
    assert most_pieces(len(can_cut)) == len(can_cut)
    if pieces <= room:
        assert len(cuts(len(can_cut), pieces, can_cut)) == pieces - 1
    elif pieces > 1:  # the whole document is one piece, whatever its length
        with pytest.raises(UserError, match=f"{room} of which can begin a piece"):
            cuts(len(can_cut), pieces, can_cut)
