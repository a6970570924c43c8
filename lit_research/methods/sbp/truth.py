"""What is false in a text of the world ``TwoFormats``, which knows what its documents can say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HEADER = 4
"""Words before the text of a document: its format, its topic and two anchors."""


def is_document(words: Sequence[str], topics: int, length: int) -> bool:
    """Return whether words are a document: a header, and words of its format alone."""
    if len(words) != HEADER + length or words[0] not in ("A", "B"):
        return False
    kinds = ["t", "n", "n", *(words[0].lower() * length)]
    known = {f"t{number}" for number in range(topics)}
    return words[1] in known and all(
        word[:1] == kind and word[1:].isdigit() for word, kind in zip(words[1:], kinds, strict=True)
    )


def is_possible(words: Sequence[str], successors: np.ndarray, dictionary: np.ndarray) -> bool:
    """Return whether each word of a document can follow the one before it, in its topic.

    Args:
        words: of a document.
        successors: the words of A that can follow each word in each topic, ``[Z, W, 3]``.
        dictionary: the word of B for each word of A, ``[W]``.
    """
    numbers = np.array([int(word[1:]) for word in words[HEADER:]])
    if words[0] == "B":
        numbers = np.argsort(dictionary)[numbers]
    following = successors[int(words[1][1:])][numbers[:-1]]
    return bool((following == numbers[1:, None]).any(axis=1).all())
