"""The rules of a round of self-play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lit_research.errors import UserError
from lit_research.methods.self_play.objectives import Objective, ObjectiveName, build_objective


@dataclass(frozen=True)
class Rules:
    """The rules of a round.

    Args:
        attempts: at each problem, k.
        conjectures: for each unsolved target; 0 is reinforcement learning on the targets alone.
        conditioned: the Conjecturer is shown the target; False is the ablation.
        train_conjecturer: False freezes it.
        objective: of the Solver: ``reinforce_half`` (REINFORCE_1/2, the paper's), ``reinforce``,
            ``cispo``, ``expert_iteration`` or ``stp``; or an ``Objective`` by class path.
        conjecturer: ``sgs``, or ``stp``: it learns, without a Guide, from what is proved less than
            a quarter of the time, but for the fifth whose proofs are shortest beside the statement.
            STP's replay of three rounds and its weights by likeness to the targets are not there.
        quantile: the share of the solve rates between 0 and 1 up to which a conjecture may teach
            the Conjecturer; the easiest rest may not.
        overlong: share of ``max_new_tokens`` from which a text is penalised; 1: none is.
        drop_try: proofs that use the tactic ``try`` are not learned from.
        max_generations: the run ends with the round that reaches this many conjectures and
            attempts, the axis on which methods are compared; None is no limit.
    """

    attempts: int = 8
    conjectures: int = 1
    conditioned: bool = True
    train_conjecturer: bool = True
    objective: ObjectiveName | Objective = "reinforce_half"
    conjecturer: Literal["sgs", "stp"] = "sgs"
    quantile: float = 0.7
    overlong: float = 0.8
    drop_try: bool = True
    max_generations: int | None = None

    def __post_init__(self) -> None:
        where = "in rules of SelfPlay"
        objective = build_objective(self.objective)
        if self.conjectures and objective.targets_only:
            raise UserError(
                f"conjectures is {self.conjectures} with objective {type(objective).__name__}, "
                f"{where}: it learns from targets alone; give conjectures: 0"
            )
        if self.attempts < 2:
            raise UserError(f"attempts is {self.attempts}, {where}: give 2 or more")
        if self.conjectures < 0:
            raise UserError(f"conjectures is {self.conjectures}, {where}: give 0 or more")
        for name in ("quantile", "overlong"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(
                    f"{name} is {getattr(self, name)}, {where}: give a share from 0 to 1"
                )

    def is_over(self, generations: int) -> bool:
        """Whether a run has written what it may."""
        return self.max_generations is not None and generations >= self.max_generations
