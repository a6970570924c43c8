"""``MixedRecipes``: several recipes, one a domain, whose rows the student learns together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lit_research.errors import UserError
from lit_research.methods.openthoughts.reasoning_world import ReasoningWorld
from lit_research.methods.openthoughts.recipe import Recipe
from lit_research.methods.openthoughts.recipe_rows import RecipeRows
from lit_research.methods.openthoughts.rows import RowSource


class MixedRecipes(RowSource):
    """Rows of several recipes, each ending in its own n: the mix is that of their n.

    A row has the ``id`` of its recipe with the recipe's name before it, and that name as
    ``domain`` where its source names none.

    Args:
        recipes: by name, one a domain, say.
        folder: see ``RecipeRows``; the recipes share it.
        seed: see ``RecipeRows``.
        world: see ``RecipeRows``.

    Raises:
        UserError: there are no recipes.
    """

    def __init__(
        self,
        recipes: Mapping[str, Recipe],
        folder: str | None = None,
        seed: int | None = None,
        world: ReasoningWorld | None = None,
    ) -> None:
        if not recipes:
            raise UserError("there are no recipes, in MixedRecipes; give at least one, by name")
        self.parts = {
            name: RecipeRows(recipe, folder, seed, world) for name, recipe in recipes.items()
        }

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows of all recipes, one recipe after the other."""
        return [_named(row, name) for name, part in self.parts.items() for row in part.rows()]

    def items(self, split: str) -> Sequence[Mapping[str, Any]] | None:
        """Return the items of the world."""
        return next(iter(self.parts.values())).items(split)

    def cost(self) -> float | None:
        """Return the tokens that the teachers wrote; None where one does not say."""
        costs = [part.cost() for part in self.parts.values()]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    def card(self) -> Mapping[str, Any]:
        """Return the card of each recipe, by its name."""
        return {name: part.card() for name, part in self.parts.items()}


def _named(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    domain = row.get("domain")
    known = domain if domain not in (None, "unknown") else name
    return {**row, "id": f"{name}-{row['id']}", "domain": known}
