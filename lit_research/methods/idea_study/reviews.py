"""``Reviews`` of one stage and the ``Study`` of two: ideas scored before and after execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lit_research.stats.result import Array

SHARED_METRICS = ("novelty", "excitement", "effectiveness", "overall")
"""Metrics that the paper scores in both stages, in the order of its tables."""


CONTROLS = ("faithfulness", "codebase")
"""Metrics of the execution itself, not of the idea."""


@dataclass(frozen=True)
class Reviews:
    """Reviews of one stage; R of them.

    Attributes:
        ideas: the idea of each review, ``[R]``.
        arms: who had the idea, ``[R]``: a name such as Human.
        scores: by metric, ``[R]``, on the scale of the form.
        topics: of the ideas, ``[R]``; empty names where there are none.
        reviewers: who wrote each review, ``[R]``; None where that is not known.
        are_means: each "review" is the mean of an idea's reviews: what needs single reviews (tests
            over reviews, mixed models, agreement) cannot be computed.
        contents: all that was read of each review but its idea and arm, ``[R]``; empty where that
            is too little to tell one review from another.
    """

    ideas: tuple[str, ...]
    arms: tuple[str, ...]
    scores: Mapping[str, Array]
    topics: tuple[str, ...] = ()
    reviewers: tuple[str, ...] | None = None
    are_means: bool = False
    contents: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ideas)

    def only(self, keep: Sequence[bool] | np.ndarray) -> Reviews:
        """Return the reviews at which ``keep`` ``[R]`` is true."""
        mask = np.asarray(keep, dtype=bool)

        def kept(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name, take in zip(names, mask, strict=True) if take)

        return replace(
            self,
            ideas=kept(self.ideas),
            arms=kept(self.arms),
            scores={metric: values[mask] for metric, values in self.scores.items()},
            topics=kept(self.topics) if self.topics else (),
            contents=kept(self.contents) if self.contents else (),
            reviewers=None if self.reviewers is None else kept(self.reviewers),
        )

    def idea_means(self, metric: str, ideas: Sequence[str]) -> Array:
        """Return the mean score of each of ``ideas``, ``[len(ideas)]``."""
        number = {idea: index for index, idea in enumerate(ideas)}
        rows = np.array([number[idea] for idea in self.ideas])
        sums = np.bincount(rows, self.scores[metric], len(ideas))
        return sums / np.bincount(rows, minlength=len(ideas))
