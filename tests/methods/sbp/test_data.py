"""Pairs of related documents: which are found, held out, broken and cut."""

from collections import Counter

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.methods.sbp import RelatedPairs, TwoFormats, pair_precision_and_recall
from lit_research.sft import PackedRows
from lit_research.text import IGNORE, PairFinder, Tfidf
from tests.methods.sbp.worlds import FINDER, world


def related(tmp_path, **options):
    fixed = {"tokenizer": "words", "sequence_length": 32, "batch_size": 2, "seed": 0}
    fixed |= {"finder": FINDER, "source": world(seed=0), "cache_dir": str(tmp_path)}
    return RelatedPairs(**{**fixed, **options})


def precision_and_recall(documents, encoder, cache_dir):
    finder = PairFinder(encoder=encoder, k=5, alpha=0.75)
    pairs = finder(documents, seed=0, cache_dir=cache_dir)
    return pair_precision_and_recall(pairs.first, pairs.second, documents["id"])


def test_rare_words_pair_the_siblings_of_the_world(tmp_path):
    """With all words the nearest documents are those of the same topic and format."""
    documents = TwoFormats(seed=0).splits()["train"]
    precision, recall = precision_and_recall(
        documents, Tfidf(2048, max_document_share=0.01), tmp_path
    )
    assert precision >= 0.99
    assert recall >= 0.95
    assert max(precision_and_recall(documents, Tfidf(1024), tmp_path)) < 0.1


def test_rows_are_the_pairs_that_were_found(tmp_path):
    data = related(tmp_path)
    first, second = data.columns("train")
    texts, decode = list(data.pairable["text"]), data.tokenizer.decode
    rows = data.rows(first, second)
    end = data.tokenizer.eos_token
    for i, j, row in zip(first, second, rows, strict=True):
        assert decode(row.tokens) == f"{texts[i]} {end} {texts[j]} {end}"
        learned = [token for token, one in zip(row.tokens, row.learned, strict=True) if one]
        assert decode(learned) == f"{texts[j]} {end}"
    assert len(rows) == len({(i, j) for i, j in zip(first, second, strict=True)})
    windows = data.dataset("train")
    assert isinstance(windows, PackedRows)
    labels = windows.__getitems__(range(len(windows)))["labels"]
    assert int((labels != IGNORE).sum()) == sum(len(texts[j].split()) + 1 for j in second)


def test_no_held_out_document_is_in_a_training_pair(tmp_path):
    data = related(tmp_path, pair_validation_fraction=0.3, pair_test_fraction=0.2)
    seen = {split: {*np.concatenate(data.columns(split)).tolist()} for split in data.found}
    for split in ("validation", "test"):
        pairs = np.stack(data.columns(split), axis=1).tolist()
        assert all(not {i, j} <= seen["train"] for i, j in pairs)
        assert len(pairs) > 0


def test_random_pairs_are_the_same_documents_without_their_relation(tmp_path):
    one, other = related(tmp_path), related(tmp_path, pairs="random")
    first, second = one.columns("train")
    random, same = other.columns("train")
    assert same.tolist() == second.tolist()
    assert Counter(random.tolist()) == Counter(first.tolist())
    assert not ((random == first) | (random == second)).any()
    assert other.columns("train")[0].tolist() == random.tolist()


def test_self_distillation_has_an_empty_d1(tmp_path):
    data = related(tmp_path, pairs="self", finder=None, pair_test_fraction=0.0)
    first, second = data.columns("train")
    assert (first == -1).all()
    assert len({*second.tolist()}) == len(second)
    held_out = data.columns("validation")[1]
    assert sorted([*second, *held_out]) == [*range(len(data.pairable))]
    row = data.rows(first[:1], second[:1])[0]
    assert row.tokens[0] == data.separator_id
    assert row.learned == [False] + [True] * (len(row.tokens) - 1)
    assert len(data.dataset("validation")) == len(held_out)


def test_near_duplicates_are_pairs_of_their_own(tmp_path):
    lines = [" ".join(f"w{(7 * k + i) % 31}" for i in range(20)) for k in range(8)]
    lines += [f"{line} end" for line in lines[:3]]
    source = tmp_path / "texts"
    source.mkdir()
    for number, line in enumerate(lines):
        (source / f"{number:02d}.txt").write_text(line)
    options = {"source": str(source), "tokenizer": "bytes", "sequence_length": 256}
    fractions = {"pair_validation_fraction": 0.0, "pair_test_fraction": 0.0}
    fractions |= {"validation_fraction": 0.0, "test_fraction": 0.0}
    data = related(tmp_path, pairs="near_duplicates", finder=None, **options, **fractions)
    first, second = data.columns("train")
    texts = np.array(list(data.pairable["text"]))
    found = {*zip(texts[first].tolist(), texts[second].tolist(), strict=True)}
    assert found == {
        pair for line in lines[:3] for pair in ((line, f"{line} end"), (f"{line} end", line))
    }
    assert data.card["train_pairs"] == 6
    with pytest.raises(UserError, match="no two of 70 documents are near-duplicates"):
        related(tmp_path, pairs="near_duplicates", finder=None).columns("train")


def test_long_documents_are_left_out_of_the_pairs(tmp_path):
    data = related(tmp_path, source="embedded:topics", tokenizer="bytes", max_document_tokens=2000)
    documents = data.pairable
    assert 2 <= len(documents) < len(data.split("train"))
    assert max(len(text.encode()) for text in documents["text"]) <= 2000
    with pytest.raises(UserError, match="0 documents have at most 1 tokens"):
        _ = related(tmp_path, max_document_tokens=1).pairable


def test_a_pair_longer_than_the_model_is_refused(tmp_path):
    data = related(tmp_path, sequence_length=16)  # eight tokens of d1, the separator, eight of d2
    with pytest.raises(UserError, match="17 positions after cutting d1"):
        data.dataset("train")


def test_the_separator_is_the_end_of_text_or_a_token_of_the_tokenizer(tmp_path):
    assert related(tmp_path).separator_id == related(tmp_path).tokenizer.eos_token_id
    assert related(tmp_path, separator="A").separator_id == 0
    with pytest.raises(UserError, match="separator is '<sep>'"):
        related(tmp_path, separator="<sep>").setup("fit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": "others"}, "must be one of"),
        ({"pairs": "self"}, "finder is given"),
        ({"max_train_tokens": 100}, "max_train_tokens is 100"),
        ({"mask_across_documents": True}, "mask_across_documents is True"),
        ({"pair_validation_fraction": 1.0}, "at least 0 and below 1"),
        ({"max_document_tokens": 0}, "at least 1"),
    ],
)
def test_options_without_an_effect_or_out_of_range_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        related(tmp_path, **options)


def test_an_unknown_option_of_the_finder_is_refused(tmp_path):
    with pytest.raises(UserError, match="neighbours"):
        related(tmp_path, finder={"neighbours": 3}).columns("train")
