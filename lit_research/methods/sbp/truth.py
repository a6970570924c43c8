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


def faults(
    texts: Sequence[str],
    siblings: Sequence[str] | None,
    topics: int,
    length: int,
    successors: np.ndarray,
    dictionary: np.ndarray,
) -> dict[str, list[bool]]:
    """Return what is false in each text, by kind of fault.

    Args:
        texts: which may be no documents of the world at all.
        siblings: what each text should be; None if that is not known.
        topics: of the world, with the following; see ``TwoFormats`` and ``is_possible``.
        length: words of a document after its header.
        successors: ``[Z, W, 3]``.
        dictionary: ``[W]``.
    """
    split = [text.split() for text in texts]
    sound = [is_document(words, topics, length) for words in split]
    found = {
        "no document": [not is_sound for is_sound in sound],
        "words that cannot follow": [
            is_sound and not is_possible(words, successors, dictionary)
            for words, is_sound in zip(split, sound, strict=True)
        ],
    }
    if siblings is not None:
        parts = {"topic": slice(0, 2), "anchors": slice(2, HEADER), "words": slice(HEADER, None)}
        for name, part in parts.items():
            found[f"{name} unlike the sibling"] = [
                words[part] != sibling.split()[part]
                for words, sibling in zip(split, siblings, strict=True)
            ]
    return found
