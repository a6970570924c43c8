"""Reviews of arms whose true difference is known."""

from __future__ import annotations

from lit_research.methods.idea_study.components import Components, Design
from lit_research.methods.idea_study.reviews import CONTROLS, SHARED_METRICS
from lit_research.methods.idea_study.simulated import simulated_study
from lit_research.methods.idea_study.sources import ReviewSource
from lit_research.methods.idea_study.study import Study, make_study
from lit_research.seeds import resolve_seed


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
