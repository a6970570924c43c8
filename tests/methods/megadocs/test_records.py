"""The parts of a world agree, and the control differs from its arm in the grouping only."""

from collections import Counter
from itertools import pairwise

import pytest

from lit_research.errors import UserError
from lit_research.methods.megadocs import Records

SMALL = {"entities": 20, "validation_entities": 6, "seed": 5}


def rows(part, generations=3, **options):
    return Records(part, generations, **SMALL, **options).splits()["train"]


def pieces(text):
    """Return the texts of a megadoc."""
    return [f"{piece.strip()} ." for piece in text.split(" .") if piece]


REAL = {row["id"]: row["text"] for row in Records(**SMALL).splits()["train"]}


def test_the_corpus_has_new_entities_in_each_split():
    splits = Records(**SMALL).splits()
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 20,
        "validation": 6,
        "test": 6,
    }
    ids = [row["id"] for rows in splits.values() for row in rows]
    assert len(set(ids)) == 32


def test_simple_is_every_rephrase_once_and_not_by_source():
    made = rows("simple")
    assert Counter(row["source_id"] for row in made) == dict.fromkeys(REAL, 3)
    assert all(not row["text"].startswith("a.") for row in made)
    sources = [row["source_id"] for row in made]
    assert sum(a == b for a, b in pairwise(sources)) < 10


@pytest.mark.parametrize(("real", "place"), [("last", -1), ("first", 0)])
def test_stitched_is_the_rephrases_of_a_document_and_itself(real, place):
    simple = {row["text"] for row in rows("simple")}
    made = rows("stitched", real=real)
    assert len(made) == 20
    for row in made:
        parts = pieces(row["text"])
        assert parts.pop(place) == REAL[row["source_id"]]
        assert len(parts) == 3
        assert set(parts) <= simple


def test_fewer_generations_are_the_first_ones():
    few, many = ({r["source_id"]: r["text"] for r in rows("stitched", g)} for g in (1, 3))
    for source, text in few.items():
        assert pieces(many[source])[0] == pieces(text)[0]


@pytest.mark.parametrize("real", ["last", "first"])
def test_shuffled_has_the_pieces_of_stitched_in_their_places_but_other_sources(real):
    stitched, shuffled = (
        [pieces(row["text"]) for row in rows(part, real=real)] for part in ("stitched", "shuffled")
    )
    for place in range(4):
        assert Counter(row[place] for row in stitched) == Counter(row[place] for row in shuffled)
    source_of = {piece: number for number, row in enumerate(stitched) for piece in row}
    for row in shuffled:
        assert len({source_of[piece] for piece in row}) == 4


def test_a_stretched_document_without_its_thoughts_is_the_document():
    for row in rows("stretched", 4):
        words = row["text"].split()
        opened = [at for at, word in enumerate(words) if word == "<think>"]
        assert len(opened) == 4
        for at in opened:
            assert words[at + 2] == "</think>"
            following = words[at + 3]
            assert following.startswith("a.") or following == "."
            assert words[at + 1] == (following[2:] or "end")
        inside = {at + step for at in opened for step in range(3)}
        rest = [word for at, word in enumerate(words) if at not in inside]
        assert " ".join(rest) == REAL[row["source_id"]]


def test_passages_are_balanced_over_their_last_style():
    source = Records(**{**SMALL, "validation_entities": 12}, passage_pieces=3)
    for split in ("validation", "test"):
        passages = source.passages(split)
        assert Counter(texts[-1][0] for texts in passages) == dict.fromkeys("abcdef", 2)
        assert {len(texts) for texts in passages} == {3}


def test_every_word_of_every_part_is_in_the_vocabulary():
    words = set(Records(**SMALL).vocabulary())
    for part in ("simple", "stitched", "shuffled", "stretched"):
        assert {word for row in rows(part) for word in row["text"].split()} <= words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "other"}, "part is 'other'"),
        ({"part": "simple"}, "generations is None and part 'simple'"),
        ({"generations": 2}, "generations is 2 and part 'corpus'"),
        ({"part": "simple", "generations": 0}, "generations is 0"),
        ({"part": "simple", "generations": 2, "real": "first"}, "leave it out"),
        ({"validation_entities": 7}, "multiple of the 6 styles"),
        ({"passage_pieces": 7}, "passage_pieces is 7.* from 2 to 6"),
    ],
)
def test_arguments_that_cannot_be_or_have_no_effect_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        Records(**options)


def test_parts_that_do_not_fit_their_documents_are_refused():
    with pytest.raises(UserError, match="5 of which can begin a piece"):
        Records("stretched", 5, **SMALL).splits()
    with pytest.raises(UserError, match="too few to exchange pieces"):
        Records("shuffled", 3, **{**SMALL, "entities": 3}).splits()
