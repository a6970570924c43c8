import pytest
import torch

from lit_research.errors import UserError
from lit_research.text import IGNORE, GroupedDocuments


def test_documents_are_rows_of_their_own_with_the_group_of_each_label():
    data = GroupedDocuments([[5, 6, 7], [8, 9]], [[0, -1, 1], [1, 0]], pad_token_id=3)
    batch = data.__getitems__([1, 0])
    assert batch["input_ids"].tolist() == [[8, 3], [5, 6]]
    assert batch["labels"].tolist() == [[9, IGNORE], [6, 7]]
    assert batch["loss_groups"].tolist() == [[0, -1], [-1, 1]]
    assert batch["document_ids"].tolist() == [[1, 1], [0, 0]]
    assert all(torch.equal(value[0], data[1][name]) for name, value in batch.items())
    assert len(data) == 2


@pytest.mark.parametrize(
    ("tokens", "groups"), [([], []), ([[1]], [[0]]), ([[1, 2]], [[0]]), ([[1, 2]], [])]
)
def test_documents_without_a_label_or_with_other_groups_are_refused(tokens, groups):
    with pytest.raises(UserError, match="one group a token"):
        GroupedDocuments(tokens, groups)
