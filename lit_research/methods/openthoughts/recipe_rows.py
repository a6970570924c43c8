"""``RecipeRows``: the rows that a recipe makes, for the student; made once for every user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lit_research.messages import announce
from lit_research.methods.openthoughts.reasoning_world import ReasoningWorld
from lit_research.methods.openthoughts.recipe import ANSWERED, Recipe
from lit_research.methods.openthoughts.rows import RowSource
from lit_research.seeds import resolve_seed
from lit_research.stages import Result
from lit_research.storage import cache_root


class RecipeRows(RowSource):
    """Training rows of a recipe, and the evaluation items of a ``ReasoningWorld`` if it is given.

    The rows of every step are kept in a folder under a hash of what they depend on, so that arms
    which share their first steps share that work, and a killed run resumes with its shard.

    Args:
        recipe: how the rows are made.
        folder: where the rows of all steps are kept; None: in the cache.
        seed: of what is random in the recipe; None takes ``seed_everything``.
        world: whose items are asked where the data module names no files; None: those are needed.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: str | None = None,
        seed: int | None = None,
        world: ReasoningWorld | None = None,
    ) -> None:
        self.recipe, self.seed, self.world = recipe, resolve_seed(seed), world
        self.folder = Path(folder).expanduser() if folder else cache_root() / "recipes"

    @cached_property
    def result(self) -> Result:
        """The rows with the counts of all steps; two processes that ask at once make them once."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        pipeline = self.recipe.pipeline(self.folder, self.seed)
        last = list(pipeline.hashes)[-1]
        with FileLock(f"{pipeline.files(last).folder}.lock"):
            made = pipeline.run()
        announce(f"Recipe: {made.outcome.counts['out']} rows\n{made.table()}")
        return made

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows of the last step."""
        return self.result.outcome.table().to_pylist()

    def items(self, split: str) -> Sequence[Mapping[str, Any]] | None:
        """Return the items of the world."""
        return None if self.world is None else self.world.items(split)

    def cost(self) -> float | None:
        """Return the tokens that the teacher wrote, for rows that were left out later too."""
        steps = self.recipe.pipeline(self.folder, self.seed)
        tokens = steps.run(ANSWERED, shown=False).outcome.table()["teacher_tokens"].to_pylist()
        return None if None in tokens else float(sum(tokens))

    def card(self) -> Mapping[str, Any]:
        """Return the counts of each step, and what is measured of it: a verifier's errors, say."""
        made = self.result
        measured = {
            name: card["measured"] for name, card in made.cards.items() if "measured" in card
        }
        counts = {name: dict(counts) for name, counts in made.counts.items()}
        return {"counts": counts, **({"measured": measured} if measured else {})}
