import json

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.text import (
    fingerprint,
    load_documents,
    split_documents,
    split_stream,
    write_documents,
)
from lit_research.text.documents import count_bytes

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=30, max_size=60, unique=True)


def named(names):
    return datasets.Dataset.from_dict({"text": ["x"] * len(names), "id": names})


def places(splits):
    return {name: part for part, documents in splits.items() for name in documents["id"]}


@settings(deadline=None, max_examples=30)
@given(names=NAMES, seed=st.integers(0, 5))
def test_split_is_a_partition_and_adding_documents_moves_no_other(names, seed):
    options = {"validation_fraction": 0.3, "test_fraction": 0.3, "seed": seed}
    whole = places(split_documents(named(names), **options))
    assert set(whole) == set(names)
    part = split_documents(named(names[:25][::-1]), **options)
    assert all(whole[name] == split for name, split in places(part).items())


def test_split_has_the_shares_asked_for_and_depends_on_the_seed():
    documents = named([f"d{n}" for n in range(4000)])
    splits = split_documents(documents, validation_fraction=0.1, test_fraction=0.2, seed=0)
    shares = {name: len(split) / 4000 for name, split in splits.items()}
    assert shares == pytest.approx({"train": 0.7, "validation": 0.1, "test": 0.2}, abs=0.02)
    other = split_documents(documents, validation_fraction=0.1, seed=1)
    assert set(other) == {"train", "validation"}
    assert set(other["validation"]["id"]) != set(splits["validation"]["id"])


def test_order_of_a_split_is_shuffled_and_does_not_depend_on_the_order_given():
    names = [f"d{n:03}" for n in range(200)]
    one = split_documents(named(names), validation_fraction=0.1, seed=0)
    two = split_documents(named(names[::-1]), validation_fraction=0.1, seed=0)
    assert list(one["train"]["id"]) == list(two["train"]["id"]) != sorted(one["train"]["id"])


def test_stream_is_split_into_the_same_documents():
    documents = named([f"d{n}" for n in range(300)])
    options = {"validation_fraction": 0.1, "test_fraction": 0.1, "seed": 3}
    splits = split_documents(documents, **options)
    streams = split_stream(documents.to_iterable_dataset(num_shards=3), **options)
    assert splits.keys() == streams.keys()
    for name, stream in streams.items():
        assert {row["id"] for row in stream} == set(splits[name]["id"])


def test_empty_splits_and_wrong_shares_are_user_errors():
    with pytest.raises(UserError, match=r"the validation split is empty.*too short to be cut"):
        split_documents(named(["a"]), validation_fraction=0.1, seed=0)
    for shares in [(-0.1, 0.0), (0.5, 0.5)]:
        with pytest.raises(UserError, match="are not shares"):
            split_documents(
                named(["a"]), validation_fraction=shares[0], test_fraction=shares[1], seed=0
            )


TEXTS = st.lists(st.text(max_size=6), min_size=1, max_size=6)


@settings(deadline=None)
@given(one=TEXTS, two=TEXTS)
def test_fingerprint_is_equal_when_and_only_when_the_texts_are(one, two, documents_of):
    assert (fingerprint(documents_of(one)) == fingerprint(documents_of(two))) == (one == two)


def test_fingerprint_sees_content_and_not_storage(documents_of, tmp_path):
    documents = documents_of(["a", "bc", "déf", ""] * 700)
    expected = fingerprint(documents)
    documents.save_to_disk(tmp_path / "a", num_shards=3)
    assert fingerprint(datasets.load_from_disk(str(tmp_path / "a"))) == expected
    shuffled = documents.select(range(len(documents) - 1, -1, -1))
    assert fingerprint(shuffled) != expected
    assert fingerprint(shuffled.select(range(len(documents) - 1, -1, -1))) == expected
    assert count_bytes(documents) == sum(len(text.encode()) for text in documents["text"])


def test_written_documents_come_back_with_a_card(documents_of, tmp_path):
    documents = documents_of(["one", "zwölf"])
    folder = tmp_path / "new" / "documents"
    write_documents(documents, folder, {"seed": 3})
    assert fingerprint(load_documents(str(folder))) == fingerprint(documents)
    card = json.loads((folder / "card.json").read_text())
    assert (card["seed"], card["documents"], card["bytes"]) == (3, 2, 9)
    write_documents(documents_of(["other"]), folder, {"seed": 4})
    assert load_documents(str(folder))["text"][:] == ["other"]


def test_documents_are_never_written_over_something_else(documents_of, tmp_path):
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(UserError, match="the folder is not empty"):
        write_documents(documents_of(["a"]), tmp_path, {})
    assert (tmp_path / "thesis.txt").read_text() == "dear"
    with pytest.raises(UserError, match="there is no column 'source_id'"):
        write_documents(named(["a"]), tmp_path / "new", {})


@pytest.mark.parametrize("count", [3, 5, 12, 20])
def test_few_documents_give_each_split_one_at_least(count):
    documents = named([f"d{n}" for n in range(count)])
    splits = split_documents(documents, validation_fraction=0.05, test_fraction=0.05, seed=0)
    assert sorted(i for part in splits.values() for i in part["id"]) == sorted(documents["id"])
    assert min(map(len, splits.values())) >= 1
    assert len(splits["train"]) > count / 2 or count == 3


@pytest.mark.parametrize("books", [1, 2])
def test_fewer_documents_than_splits_are_cut_into_blocks(books, documents_of):
    texts = [f"book {b}\n" + "".join(f"line {n}\n" for n in range(2000)) for b in range(books)]
    documents = documents_of(texts)
    splits = split_documents(documents, validation_fraction=0.1, test_fraction=0.05, seed=0)
    for number, text in enumerate(texts):
        parts = [splits[name][number]["text"] for name in ("train", "validation", "test")]
        assert "".join(parts) == text
        assert all(part.endswith("\n") for part in parts)
        shares = [len(part) / len(text) for part in parts]
        assert shares == pytest.approx([0.85, 0.1, 0.05], abs=0.01)
