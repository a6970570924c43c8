"""``GroupedDocuments``: documents one by one, whose tokens belong to groups.

Legend: B documents of a batch, T tokens of the longest document less one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.labels import IGNORE
from lit_research.text.packing import Batch

NO_GROUP = -1


class GroupedDocuments(Dataset[Batch]):
    """Documents, each a row of its own, for losses that a mean over all tokens hides.

    A batch has ``input_ids``, ``labels`` (next tokens; ``IGNORE`` in the padding),
    ``document_ids`` and ``loss_groups`` (the group of each label, -1 for none), all ``[B, T]``
    int64. ``Pretrain`` logs the mean loss of each group, ``val/loss_of_NAME``, for the names in
    ``loss_groups`` of the data module.

    Args:
        tokens: of each document, at least two.
        groups: of each token of each document, -1 for none; that of a document's first token is not
            used, since it is no label.
        pad_token_id: fills the rows.

    Raises:
        UserError: there are no documents, one is shorter than two tokens, or tokens and groups
            differ in number.
    """

    def __init__(
        self,
        tokens: Sequence[Sequence[int] | np.ndarray],
        groups: Sequence[Sequence[int] | np.ndarray],
        *,
        pad_token_id: int = 0,
    ) -> None:
        lengths = [len(one) for one in tokens]
        if lengths != [len(one) for one in groups] or min(lengths, default=0) < 2:
            raise UserError(
                f"{len(lengths)} documents, the shortest of {min(lengths, default=0)} tokens, and "
                f"groups of {len(groups)}, in GroupedDocuments; must be documents of at least two "
                "tokens, with one group a token"
            )
        self._offsets = np.cumsum([0, *lengths])
        self._tokens = np.concatenate([np.asarray(one, np.int64) for one in tokens])
        self._groups = np.concatenate([np.asarray(one, np.int64) for one in groups])
        self.sequence_length, self.pad_token_id = max(lengths) - 1, pad_token_id

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> Batch:
        """Return one document, each value ``[T]``."""
        return {name: value[0] for name, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int] | np.ndarray) -> Batch:
        """Return a batch of documents, each value ``[B, T]``."""
        index_B = np.asarray(indices, dtype=np.int64)
        start_B1 = self._offsets[index_B][:, None]
        last_B1 = self._offsets[index_B + 1][:, None] - 1
        place_BT = start_B1 + np.arange(self.sequence_length)
        inside_BT = place_BT < last_B1
        place_BT = np.minimum(place_BT, last_B1 - 1)
        columns = {
            "input_ids": np.where(inside_BT, self._tokens[place_BT], self.pad_token_id),
            "labels": np.where(inside_BT, self._tokens[place_BT + 1], IGNORE),
            "document_ids": np.broadcast_to(index_B[:, None], place_BT.shape).copy(),
            "loss_groups": np.where(inside_BT, self._groups[place_BT + 1], NO_GROUP),
        }
        return {name: torch.from_numpy(value) for name, value in columns.items()}
