"""Where a study comes from: files, the published means, or a simulation; each by class path."""

from __future__ import annotations

from abc import ABC, abstractmethod

from lit_research.methods.idea_study.comparisons import Comparison
from lit_research.methods.idea_study.filled_forms import read_forms
from lit_research.methods.idea_study.published import published_by_review, published_study
from lit_research.methods.idea_study.readers import read_reviews
from lit_research.methods.idea_study.study import Study, make_study


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
            read_forms(self.before, self.before_key, "before"),
            read_forms(self.after, self.after_key, "after"),
            reference=reference,
            treatment=treatment,
            where=f"in {self.before} and {self.after}",
        )
