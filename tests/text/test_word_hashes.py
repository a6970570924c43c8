"""Words and characters have hashes of their own, the same in every text."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.text import word_hashes
from lit_research.text.word_hashes import unit_hashes


def parts(texts, unit, at_least=0):
    hashes, offsets = unit_hashes(texts, unit, at_least)
    assert hashes.dtype == np.uint64
    assert offsets[0] == 0
    assert offsets[-1] == len(hashes)
    return [hashes[start:stop].tolist() for start, stop in pairwise(offsets)]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.sampled_from("ab\n \u3000\xa0é😀")) | st.text(), max_size=6))
def test_words_are_those_of_split(texts):
    number = {}
    for unit, units in (("word", str.split), ("character", list)):
        for text, hashes in zip(texts, parts(texts, unit), strict=True):
            assert len(hashes) == len(units(text))
            for word, value in zip(units(text), hashes, strict=True):
                assert number.setdefault((unit, word), value) == value
    for unit in ("word", "character"):
        values = [value for (kind, _), value in number.items() if kind == unit]
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("unit", ["word", "character"])
def test_batches_do_not_matter(unit, monkeypatch):
    texts = ["", "one two", "three", " ", "one two three four", "\n"]
    together = parts(texts, unit)
    monkeypatch.setattr(word_hashes, "_CHARACTERS", 8)
    assert parts(texts, unit) == together
    filled = parts(texts, unit, at_least=3)
    assert filled == [row + [0] * (3 - len(row)) for row in together]
    monkeypatch.setattr(word_hashes, "_POWERS", 4)  # of texts that are longer
    assert parts(texts, unit) == together


def test_no_two_of_many_words_have_one_hash():
    words = [f"{a}{b}" for a in "abcdefghij" for b in range(10_000)]
    (hashes,) = parts([" ".join(words)], "word")
    assert len(set(hashes)) == 100_000
    high = np.array(hashes, np.uint64) >> np.uint64(63)
    assert abs(high.mean() - 0.5) < 3 * 0.5 / np.sqrt(100_000)
    places = np.bincount(np.array(hashes, np.uint64) % np.uint64(64), minlength=64)
    # Chi-squared with 63 degrees of freedom: mean 63, variance 126.
    assert abs(((places - 1562.5) ** 2 / 1562.5).sum() - 63) < 4 * np.sqrt(126)


def test_no_text_has_no_words():
    assert parts([], "word") == []


def test_hashes_are_those_of_earlier_versions():
    # Stored signatures and encodings depend on them.
    assert parts(["a né", "\U0001f600"], "word") == [
        [0xF2F8EDE6FA70BF5F, 0x9EE205708EAC444F],
        [0x34BDE7DE38352FD1],
    ]
