"""``IdeaReviews``: the reviews that are analysed, and the ideas that forms are written of."""

from __future__ import annotations

from torch.utils.data import DataLoader

from lit_research.errors import UserError
from lit_research.methods.base import DataModule
from lit_research.methods.idea_study.ideas import Idea, IdeaSource
from lit_research.methods.idea_study.sources import ReviewSource
from lit_research.methods.idea_study.study import Study

_WHERE = "in data.init_args of IdeaReviews"


class IdeaReviews(DataModule):
    """Reviews of ideas of two arms, before and after execution; ideas as texts.

    Args:
        source: reviews, for ``test``: ``ReviewFiles``, ``FilledForms``, ``PublishedMeans``,
            ``SimulatedReviews``, or a ``ReviewSource`` of your own.
        ideas: texts, for ``predict``: ``IdeaFile``, ``TemplateIdeas``, or an ``IdeaSource`` of your
            own.
    """

    defines = ()

    def __init__(self, source: ReviewSource | None = None, ideas: IdeaSource | None = None) -> None:
        super().__init__()
        if source is None and ideas is None:
            raise UserError(
                f"source and ideas are both None, {_WHERE}; must be reviews for test, or ideas for "
                "predict"
            )
        self.keep_hyperparameters()
        self.source, self.idea_source = source, ideas

    def study(self, reference: str, treatment: str) -> Study:
        """Return the study of two arms.

        Raises:
            UserError: there is no source, or it has no such study.
        """
        if self.source is None:
            raise UserError(f"source is None, {_WHERE}; must be reviews for test, by class path")
        return self.source.study(reference, treatment)

    def ideas(self) -> list[Idea]:
        """Return the ideas.

        Raises:
            UserError: there are none.
        """
        if self.idea_source is None:
            raise UserError(f"ideas is None, {_WHERE}; must be ideas for predict, by class path")
        return self.idea_source.ideas()

    def test_dataloader(self) -> DataLoader[int]:
        """Return one batch: a study is analysed at once."""
        return DataLoader([0])  # type: ignore[arg-type]

    def predict_dataloader(self) -> DataLoader[int]:
        """Return one batch: the forms are written at once."""
        return DataLoader([0])  # type: ignore[arg-type]
