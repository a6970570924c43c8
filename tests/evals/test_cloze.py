"""Items made from held-out text."""

import pytest

from lit_research.errors import UserError
from lit_research.evals import cloze_items


def test_an_item_whose_answer_is_in_the_training_text_is_left_out():
    from datasets import Dataset

    def documents(texts):
        return Dataset.from_dict(
            {"text": texts, "id": [f"d{n}" for n in range(len(texts))], "kind": ["x"] * len(texts)}
        )

    held_out = [" ".join(f"{name}{n}" for n in range(100)) for name in "abcdef"]
    other = documents(["nothing of this kind"])
    count = {"count": 100, "seed": 0}
    from_all = cloze_items(documents(held_out), other, **count)
    assert {item.id[:2] for item in from_all} == {"d0", "d1", "d2", "d3", "d4", "d5"}
    # The same words with other space between them, as docstrings are in the source.
    known = documents([f"before\n    {held_out[2].replace(' ', chr(10))} after"])
    items = cloze_items(documents(held_out), known, **count)
    assert {item.id[:2] for item in items} == {"d0", "d1", "d3", "d4", "d5"}
    with pytest.raises(
        UserError, match=r"no item could be made from 6 held-out documents, in .*; give"
    ):
        cloze_items(documents(held_out), documents(held_out), **count)
