"""Which states to keep within a budget of memory, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.saves import Cost, cost, parse_save
from lit_research.metagrad.training import Training

# In forward passes: a step is 1 forward and 2 backward; differentiating it once more is 6.
STEP, REVERSED = 3, 9


@dataclass(frozen=True)
class Plan:
    """A schedule that fits, and its cost.

    Args:
        save: for ``Training``.
        steps: T.
        states: kept at a time at most, the one in work included.
        state_bytes: of one: parameters and the optimiser's vectors.
        again: steps computed again on the way back.
    """

    save: str
    steps: int
    states: int
    state_bytes: int
    again: int

    @property
    def passes(self) -> float:
        """Time of training and the way back, in plain training runs."""
        return (self.steps * (STEP + REVERSED) + self.again * STEP) / (self.steps * STEP)

    def __str__(self) -> str:
        """Say it in a sentence."""
        size = self.states * self.state_bytes / 2**20
        return (
            f"save {self.save}: {self.states} states of {self.state_bytes / 2**20:,.1f} MiB, "
            f"{size:,.1f} MiB in all; {self.again} of {self.steps} steps are computed again, about "
            f"{self.passes:.1f} times a plain run (activations of a micro-batch come on top)"
        )


def plan(training: Training, budget_bytes: int) -> Plan:
    """Choose the fastest schedule whose states fit.

    With room for all states no step is computed again; with less the binomial schedule computes
    the fewest.

    Args:
        training: of which model, optimiser and number of steps are read.
        budget_bytes: for states, activations excluded.

    Raises:
        UserError: not even two states fit.
    """
    steps = len(training.batches)
    theta = Layout.of(training.model).read(training.model)
    vectors = 1 + len(training.optimizer.init(theta))
    state_bytes = vectors * theta.numel() * theta.element_size()

    def as_plan(save: str, found: Cost) -> Plan:
        return Plan(save, steps, found.states, state_bytes, found.again)

    whole = as_plan("all", cost(parse_save("all", steps), steps))
    if whole.states * state_bytes <= budget_bytes:
        return whole
    states = int(budget_bytes // state_bytes) - 1  # one is in work
    if states < 1:
        raise UserError(
            f"the budget is {budget_bytes:,} bytes, for states of {state_bytes:,}: give room for "
            "two at least, or keep them in a file with store disk:FOLDER"
        )
    save = f"budget:{states}"
    return as_plan(save, cost(parse_save(save, steps), steps))
