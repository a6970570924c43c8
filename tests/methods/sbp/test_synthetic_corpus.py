"""What is refused before a text is written."""

import pytest
from datasets import Dataset

from lit_research.errors import UserError
from lit_research.methods.sbp.synthetic_corpus import SyntheticCorpus, check_apart


def test_held_out_documents_in_the_corpus_are_refused_by_id_and_by_text():
    text = " ".join(f"w{n}" for n in range(50))
    corpus = Dataset.from_dict({"id": ["a", "b"], "text": [text, "other words are here"]})
    same = Dataset.from_dict({"id": ["b"], "text": ["nothing like it"]})
    near = Dataset.from_dict({"id": ["v"], "text": [f"{text} and more"]})
    apart = Dataset.from_dict({"id": ["v"], "text": ["nothing like it"]})
    check_apart(apart, corpus, "validation", 0.8)
    check_apart(near, corpus, "validation", None)
    with pytest.raises(UserError, match=r"1 documents of the validation split .* by the same id"):
        check_apart(same, corpus, "validation", 0.8)
    with pytest.raises(UserError, match=r"'v' is 'a'.*give overlap null"):
        check_apart(near, corpus, "validation", 0.8)


def test_documents_longer_than_texts_leave_room_for_as_many_tokens():
    fixed = {"folder": "", "source": "embedded:topics", "tokenizer": "bytes", "batch_size": 10}
    fixed |= {"synthetic_tokens": 1000, "seed": 0}
    data = SyntheticCorpus(max_new_tokens=9, **fixed)
    assert data.most_shards * 10 * 10 == 10 * 1000  # texts of 10 tokens, ten times as many
