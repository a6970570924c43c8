"""``SimulatedSolver``: exams whose truth is known, by which the statistics of an exam are judged.

Legend: I items, K lengths, R samples of an item at a length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.outcomes import ANSWERED, INFRASTRUCTURE, STATUSES, Outcomes
from lit_research.methods.longcode.records import Graded
from lit_research.ranges import COUNT, SHARE, check_range
from lit_research.seeds import derive_seed

_WHERE = "of SimulatedSolver"
_NO_ANSWER = STATUSES.index("no answer")


@dataclass(frozen=True)
class SimulatedSolver:
    """Answers questions rightly by chance, with chosen probabilities.

    An answer is right where a normal number, made of one of the item, one of the item at its length
    and one of the sample, is below the quantile of the accuracy: so that the accuracy is the chosen
    one, and an item that is hard at one length is hard at others.

    Attributes:
        accuracies: at each length, of answers that can be read.
        lengths: in tokens.
        by_depth: added to the accuracy, given the depths of the evidence (0 to 1) as an array.
        shared: share of the variance that an item has in common at all lengths.
        within: share of it that samples of an item at one length have in common beside that.
        no_answer: share of answers that cannot be read, which are wrong.
        infrastructure: share of samples that fail and are neither right nor wrong.
        letters: how likely each letter is where the answer is wrong.
        rotations: samples of each item at each length, with the options moved by 0, 1, 2 and so on.

    Raises:
        UserError: a number is out of range.
    """

    accuracies: Sequence[float]
    lengths: Sequence[int] = (1024, 2048, 4096, 8192, 16384, 32768)
    by_depth: Callable[[Any], Any] | None = None
    shared: float = 0.5
    within: float = 0.0
    no_answer: float = 0.0
    infrastructure: float = 0.0
    letters: Sequence[float] = (0.25, 0.25, 0.25, 0.25)
    rotations: int = 1

    def __post_init__(self) -> None:
        if len(self.accuracies) != len(self.lengths):
            raise UserError(
                f"there are {len(self.accuracies)} accuracies and {len(self.lengths)} lengths, "
                f"{_WHERE}; give one for each"
            )
        for value in self.accuracies:
            check_range(SHARE, _WHERE, accuracies=value)
        shares = {"no_answer": self.no_answer, "infrastructure": self.infrastructure}
        check_range(SHARE, _WHERE, shared=self.shared, within=self.within, **shares)
        check_range(SHARE, _WHERE, **{"shared + within": self.shared + self.within})
        check_range(COUNT, _WHERE, rotations=self.rotations)

    def take(self, items: int, seed: int = 0) -> Outcomes:
        """Return the outcomes of an exam of so many items at every length.

        Args:
            items: number of items; each has its own depth and right letter.
            seed: of everything that is drawn.
        """
        from scipy import special

        draw = np.random.default_rng(derive_seed(seed, "longcode/simulated"))
        shape = (items, len(self.lengths), self.rotations)
        depth_I = draw.random(items)
        latent = np.sqrt(self.shared) * draw.standard_normal(items)[:, None, None]
        latent = latent + np.sqrt(self.within) * draw.standard_normal(shape[:2])[..., None]
        own = np.sqrt(max(1 - self.shared - self.within, 0.0))
        latent = latent + own * draw.standard_normal(shape)
        right = latent < special.ndtri(self.accuracy(depth_I))[..., None]
        # The right letters of a set of items are balanced, as those of the builder are.
        first = draw.permutation(np.arange(items) % len(LETTERS))
        correct = (first[:, None, None] + np.arange(self.rotations)) % len(LETTERS)
        correct = np.broadcast_to(correct, shape)
        letters = np.where(right, correct, self._wrong_letters(correct, draw))
        statuses = np.where(draw.random(shape) < self.no_answer, _NO_ANSWER, ANSWERED)
        statuses[draw.random(shape) < self.infrastructure] = INFRASTRUCTURE
        right = np.where(statuses == ANSWERED, right, 0.0)
        right[statuses == INFRASTRUCTURE] = np.nan
        letters[statuses != ANSWERED] = -1
        item, length, rotation = (index.ravel() for index in np.indices(shape))
        return Outcomes(
            items=item,
            names=[f"item {number:06d}" for number in range(items)],
            buckets=np.asarray(self.lengths)[length],
            depths=depth_I[item],
            rotations=rotation % len(LETTERS),
            repeats=rotation // len(LETTERS),
            statuses=statuses.ravel(),
            right=right.ravel(),
            letters=letters.ravel(),
            correct=correct.ravel(),
        )

    def accuracy(self, depths: Any) -> Any:
        """Return the accuracy of answers that can be read, at depths ``[I]``: ``[I, K]``."""
        added = 0.0 if self.by_depth is None else self.by_depth(np.asarray(depths))[:, None]
        whole = np.broadcast_to(self.accuracies, (len(depths), len(self.lengths)))
        return np.clip(whole + added, 0.0, 1.0)

    def true_accuracies(self) -> Any:
        """Return what an exam of any number of items would say at each length, ``[K]``."""
        depths = (np.arange(10_000) + 0.5) / 10_000
        return self.accuracy(depths).mean(axis=0) * (1 - self.no_answer)

    def true_letter_bias(self) -> Any:
        """Return the share of each letter among the answers, less its share of right ones, ``[4]``.

        Over all lengths, of answers that can be read.
        """
        q = np.asarray(self.letters)
        wrong = 1 - float(np.mean(self.true_accuracies())) / (1 - self.no_answer)
        # Where c is right, letter L is chosen with q_L / (1 - q_c).
        given = q[None, :] / (1 - q[:, None])
        np.fill_diagonal(given, 0.0)
        return wrong * (given.mean(axis=0) - 0.25)

    def _wrong_letters(self, correct: Any, draw: np.random.Generator) -> Any:
        odds = np.tile(np.asarray(self.letters, dtype=float), (len(LETTERS), 1))
        np.fill_diagonal(odds, 0.0)
        ends = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
        letters = (draw.random(correct.shape)[..., None] > ends[correct]).sum(axis=-1)
        return letters.clip(max=len(LETTERS) - 1)


def shared_for(first: float, second: float, discordant: float) -> float:
    """Return the ``shared`` with which two lengths disagree on so many of the items.

    Args:
        first: accuracy at one length.
        second: accuracy at the other.
        discordant: share of the items that are right at one of them alone.

    Raises:
        UserError: there is none.
    """
    from scipy import optimize, special, stats

    limits = special.ndtri([first, second])

    def apart(shared: float) -> float:
        normal = stats.multivariate_normal(cov=[[1.0, shared], [shared, 1.0]])
        return first + second - 2 * float(normal.cdf(limits)) - discordant

    if not apart(0.9999) <= 0 <= apart(0.0):
        raise UserError(
            f"discordant is {discordant}, with accuracies {first} and {second}; must be from "
            f"{apart(0.9999) + discordant:.3f} to {apart(0.0) + discordant:.3f}"
        )
    return float(optimize.brentq(apart, 0.0, 0.9999))


def records_of(outcomes: Outcomes) -> list[Graded]:
    """Return the samples of a simulated exam as records."""
    rows = zip(
        outcomes.items.tolist(),
        outcomes.buckets.tolist(),
        outcomes.depths.tolist(),
        outcomes.rotations.tolist(),
        outcomes.repeats.tolist(),
        outcomes.statuses.tolist(),
        outcomes.right.tolist(),
        outcomes.letters.tolist(),
        outcomes.correct.tolist(),
        strict=True,
    )
    return [
        Graded(
            item=outcomes.names[item],
            task="question",
            kind="default",
            bucket=bucket,
            tokens=bucket,
            depth=depth,
            rotation=rotation,
            repeat=repeat,
            status=STATUSES[status],
            right=None if status == INFRASTRUCTURE else bool(right),
            letter=LETTERS[letter] if letter >= 0 else None,
            correct=LETTERS[correct],
        )
        for item, bucket, depth, rotation, repeat, status, right, letter, correct in rows
    ]
