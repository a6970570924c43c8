"""What a ``World`` of two formats knows to be true: of a text, and of pairs of documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lit_research.methods.sbp.world import FORMATS, HEADER, World


def is_document(words: Sequence[str], world: World) -> bool:
    """Return whether words are a document: a header, and words of its format alone."""
    if len(words) != HEADER + world.length or words[0] not in FORMATS:
        return False
    kinds = ["t", "n", "n", *(words[0].lower() * world.length)]
    known = {f"t{number}" for number in range(world.topics)}
    return words[1] in known and all(
        word[:1] == kind and word[1:].isdigit() for word, kind in zip(words[1:], kinds, strict=True)
    )


def is_possible(words: Sequence[str], world: World) -> bool:
    """Return whether each word of a document can follow the one before it, in its topic."""
    numbers = np.array([int(word[1:]) for word in words[HEADER:]])
    if words[0] == "B":
        numbers = np.argsort(world.dictionary)[numbers]
    following = world.successors[int(words[1][1:])][numbers[:-1]]
    return bool((following == numbers[1:, None]).any(axis=1).all())


def faults(
    world: World, texts: Sequence[str], siblings: Sequence[str] | None = None
) -> dict[str, list[bool]]:
    """Return what is false in each text, by kind of fault.

    Args:
        world: whose documents the texts should be.
        texts: which may be no documents of the world at all.
        siblings: what each text should be; None if that is not known.
    """
    split = [text.split() for text in texts]
    sound = [is_document(words, world) for words in split]
    found = {
        "no document": [not is_sound for is_sound in sound],
        "words that cannot follow": [
            is_sound and not is_possible(words, world)
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


def pair_precision_and_recall(
    first: np.ndarray, second: np.ndarray, ids: Sequence[str]
) -> tuple[float, float]:
    """Return the share of the pairs that are siblings, and of the siblings that are paired.

    Args:
        first: places of documents, ``[P]``; every pair is there once in each direction.
        second: the other document of each pair, ``[P]``.
        ids: of all documents, those of the part ``corpus`` or ``fresh`` of ``TwoFormats``, ``[N]``.
    """
    names = np.array([name.rpartition(".")[0] for name in ids])
    record_N, documents = np.unique(names, return_inverse=True, return_counts=True)[1:]
    right = int((record_N[first] == record_N[second]).sum())
    siblings = 2 * int((documents == 2).sum())
    return right / max(len(first), 1), right / max(siblings, 1)
