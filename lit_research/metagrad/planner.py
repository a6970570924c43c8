"""Which states to keep within a memory budget, and what that costs."""

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
        states: maximum number kept at a time, including the current one.
        state_bytes: size of one: parameters and the optimiser's vectors.
        again: steps recomputed on the backward walk.
    """

    save: str
    steps: int
    states: int
    state_bytes: int
    again: int

    @property
    def passes(self) -> float:
        """Time of training and the backward walk, in plain training runs."""
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

    With room for all states no step is recomputed; with less, the binomial schedule recomputes the
    fewest.

    Args:
        training: its model, optimiser and number of steps are used.
        budget_bytes: for states, without activations.

    Raises:
        UserError: not even two states fit.
    """
    steps = len(training.batches)
    theta = Layout.of(training.model).read(training.model)
    vectors = 1 + len(training.optimizer.init(theta))
    state_bytes = vectors * theta.numel() * theta.element_size()

    def as_plan(save: str, schedule_cost: Cost) -> Plan:
        return Plan(save, steps, schedule_cost.states, state_bytes, schedule_cost.again)

    whole = as_plan("all", cost(parse_save("all", steps), steps))
    if whole.states * state_bytes <= budget_bytes:
        return whole
    states = int(budget_bytes // state_bytes) - 1  # one is in work
    if states < 1:
        raise UserError(
            f"budget_bytes is {budget_bytes:,}, in plan, for states of {state_bytes:,} bytes; must "
            "give room for two, or keep them in files with store disk:FOLDER"
        )
    save = f"budget:{states}"
    return as_plan(save, cost(parse_save(save, steps), steps))
