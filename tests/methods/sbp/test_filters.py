"""Each filter on texts that fall on either side of it, and their order."""

import pytest

from lit_research.errors import UserError
from lit_research.methods.sbp.filters import Filters

OFF = Filters(
    keep_unfinished=True,
    keep_undecodable=True,
    max_repetition=None,
    max_copy=None,
    keep_equal=True,
    near_duplicate=None,
)
WORDS = [f"word{n}" for n in range(40)]
TEXT = " ".join(WORDS)


@pytest.mark.parametrize(
    ("text", "tokens", "seed", "finished", "reason"),
    [
        ("fine", range(20), range(50, 90), True, None),
        ("cut off", range(20), [], False, "too long"),
        ("", [], [], True, "too short"),
        ("a \ufffd", range(20), [], True, "undecodable"),
        ("again", [*range(10), *range(10)], [], True, "repetition"),
        ("half is copied", range(20), [*range(5, 15), 99], True, None),
        ("more is copied", range(20), [*range(4, 15), 99], True, "copied"),
    ],
)
def test_a_text_is_refused_by_itself(text, tokens, seed, finished, reason):
    tokens, seed = list(tokens), list(seed)
    assert Filters().reason(text, tokens, seed, finished=finished) == reason
    if tokens:
        assert OFF.reason(text, tokens, seed, finished=finished) is None


def test_duplicates_are_counted_by_what_they_duplicate_and_the_first_is_kept():
    corpus = [("r", TEXT)]
    near = " ".join([*WORDS[:39], "other"])
    own = " ".join(WORDS[20:] + WORDS[:20][::-1])
    texts = [TEXT, near, own, own, f"{own} more", "something else"]
    rows = [(str(row), text) for row, text in enumerate(texts)]
    assert Filters().duplicate_reasons(rows, corpus) == [
        "equal to a document of the corpus",
        "near-duplicate of a document of the corpus",
        None,
        "equal to an earlier text",
        "near-duplicate of an earlier text",
        None,
    ]
    exact = Filters(near_duplicate=None).duplicate_reasons(rows, corpus)
    assert [bool(reason) for reason in exact] == [True, False, False, True, False, False]
    assert OFF.duplicate_reasons(rows, corpus) == [None] * 6
    assert Filters().duplicate_reasons([], corpus) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_copy": 1.5}, "max_copy is 1.5, in filters; must be from 0 to 1"),
        ({"ngram": 0}, "ngram is 0"),
        ({"keep_equal": True}, "must be null where equal texts are kept"),
    ],
)
def test_filters_without_sense_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        Filters(**changes)
