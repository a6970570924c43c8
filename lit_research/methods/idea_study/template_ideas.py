"""Ideas that a program writes, in the styles of two arms, for trying things out."""

from __future__ import annotations

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.ideas import Idea, IdeaSource
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed, resolve_seed

_ACTIONS = ("Anneal", "Resample", "Regularise", "Order", "Mask", "Average", "Reweight", "Distil")


_OBJECTS = (
    "the learning rate",
    "rare tokens",
    "the embeddings",
    "long documents",
    "the last layers",
)


_REASONS = (
    "early steps forget what late ones need",
    "the gradient is dominated by a few documents",
    "the validation loss stops before the training loss does",
    "short windows hide the structure of a text",
)


_CHECKS = ("three seeds and a tuned baseline", "equal FLOPs", "a shuffled control", "two corpora")


class TemplateIdeas(IdeaSource):
    """Ideas for small trainings, written by a program in the styles of two arms.

    The arm AI writes headings, bold words and numbered lists, and Human plain sentences: what
    blinding has to take out.

    Args:
        reference: ideas of Human.
        treatment: ideas of AI.
        seed: of the words; None takes ``seed_everything``.
    """

    def __init__(self, reference: int = 4, treatment: int = 4, seed: int | None = None) -> None:
        most = len(_ACTIONS) * len(_OBJECTS)
        check_range(COUNT, "in TemplateIdeas", reference=reference, treatment=treatment)
        if reference + treatment > most:
            raise UserError(
                f"reference and treatment are {reference} and {treatment}, in TemplateIdeas; must "
                f"be {most} together at most"
            )
        self.arms = ["Human"] * reference + ["AI"] * treatment
        self.seed = resolve_seed(seed)

    def ideas(self) -> list[Idea]:
        """Return the ideas."""
        rng = np.random.default_rng(derive_seed("TemplateIdeas", self.seed))
        pairs = [(action, thing) for action in _ACTIONS for thing in _OBJECTS]
        chosen = rng.permutation(len(pairs))[: len(self.arms)]
        found = []
        for number, (arm, pair) in enumerate(zip(self.arms, chosen, strict=True), 1):
            title = " ".join(pairs[pair])
            reason, check = (str(rng.choice(words)) for words in (_REASONS, _CHECKS))
            plain = f"{title}. We think that {reason}, and we'd test it with {check}."
            marked = f"## {title}\n\n**Motivation:** {reason}\n\n1. **Test** \u2014 {check}"
            text = marked if arm == "AI" else plain
            found.append(Idea(f"Training_{number}_{arm}", arm, text, "Training"))
        return found
