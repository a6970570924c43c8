"""Where a study comes from: files, the published means, or a simulation; each by class path."""

from __future__ import annotations

from abc import ABC, abstractmethod

from lit_research.methods.idea_study.core import Comparison
from lit_research.methods.idea_study.forms import read_forms
from lit_research.methods.idea_study.published import published_by_review, published_study
from lit_research.methods.idea_study.readers import read_reviews
from lit_research.methods.idea_study.reviews import CONTROLS, SHARED_METRICS, Study, make_study
from lit_research.methods.idea_study.simulated import Components, Design, simulated_study
from lit_research.seeds import resolve_seed


class ReviewSource(ABC):
    """Reviews of both stages; subclass it in a file of your own."""

    @abstractmethod
    def study(self, reference: str, treatment: str) -> Study:
        """Return the study of two arms.

        Args:
            reference: name of the arm that the other is compared with.
            treatment: name of that other arm.
        """

    def printed_by_review(self) -> tuple[list[Comparison], list[Comparison]] | None:
        """Return T-A as it was printed, where the reviews are not at hand; None else."""
        return None


class ReviewFiles(ReviewSource):
    """Reviews from files: the released JSON of columns, CSV, or JSON lines.

    Args:
        before: reviews of ideas; of ideas that were not executed too.
        after: reviews of the executed ideas.
    """

    def __init__(self, before: str, after: str) -> None:
        self.before, self.after = before, after

    def study(self, reference: str, treatment: str) -> Study:
        """Return the study of two arms.

        Raises:
            UserError: a file cannot be read, or they are no study; see ``make_study``.
        """
        return make_study(
            read_reviews(self.before),
            read_reviews(self.after),
            reference=reference,
            treatment=treatment,
            where=f"in {self.before} and {self.after}",
        )


class PublishedMeans(ReviewSource):
    """The 43 executed ideas as published: means of each idea's reviews, and T-A as printed."""

    def study(self, reference: str, treatment: str) -> Study:
        """Return the study of two arms.

        Raises:
            UserError: the arms are not Human and AI.
        """
        known = published_study()
        return make_study(
            known.before,
            known.after,
            reference=reference,
            treatment=treatment,
            where="in PublishedMeans",
        )

    def printed_by_review(self) -> tuple[list[Comparison], list[Comparison]]:
        """Return T-A of the printed means and standard deviations."""
        return published_by_review()


class SimulatedReviews(ReviewSource):
    """Reviews of arms whose true difference is known: arms Human and AI.

    The defaults are near the released study: AI's ideas lead before and not after.

    Args:
        reference: ideas of Human.
        treatment: ideas of AI.
        before: reviews of an idea before execution; every idea in turn takes the next number.
        after: likewise after execution.
        effect_before: AI minus Human, in points of the scale.
        effect_after: likewise; without effect on the controls.
        components: what is known of single metrics, over the defaults of ``Components`` and both
            effects; None takes the paper's four metrics and the two controls.
        seed: of the scores; None takes ``seed_everything``.
    """

    def __init__(
        self,
        reference: int = 19,
        treatment: int = 24,
        before: tuple[int, ...] = (2, 2, 3),
        after: tuple[int, ...] = (4, 4, 4, 4, 5),
        effect_before: float = 1.0,
        effect_after: float = -0.5,
        components: dict[str, Components] | None = None,
        seed: int | None = None,
    ) -> None:
        self.design = Design(reference, treatment, tuple(before), tuple(after))
        planted = Components(effect_before=effect_before, effect_after=effect_after)
        controls = {metric: Components(effect_before=0, effect_after=0) for metric in CONTROLS}
        self.components = components or dict.fromkeys(SHARED_METRICS, planted) | controls
        self.seed = resolve_seed(seed)

    def study(self, reference: str, treatment: str) -> Study:
        """Return the study of two arms.

        Raises:
            UserError: the arms are not Human and AI.
        """
        drawn = simulated_study(self.components, self.design, seed=self.seed)
        before = drawn.before
        scores = {m: v for m, v in before.scores.items() if m not in CONTROLS}
        return make_study(
            type(before)(before.ideas, before.arms, scores),
            drawn.after,
            reference=reference,
            treatment=treatment,
            where="in SimulatedReviews",
        )


class FilledForms(ReviewSource):
    """Reviews from the forms that ``predict`` wrote, filled in.

    Args:
        before: folder of the forms before execution.
        before_key: their key.
        after: folder of the forms after execution.
        after_key: their key.
    """

    def __init__(self, before: str, before_key: str, after: str, after_key: str) -> None:
        self.before, self.before_key = before, before_key
        self.after, self.after_key = after, after_key

    def study(self, reference: str, treatment: str) -> Study:
        """Return the study of two arms.

        Raises:
            UserError: a form is not filled in, or they are no study; see ``make_study``.
        """
        return make_study(
            read_forms(self.before, self.before_key),
            read_forms(self.after, self.after_key),
            reference=reference,
            treatment=treatment,
            where=f"in {self.before} and {self.after}",
        )
