"""The rules of a round of self-play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lit_research.errors import UserError
from lit_research.methods.self_play.objectives import Objective, ObjectiveName, build_objective
from lit_research.ranges import NOT_NEGATIVE, SHARE, Range, check_range


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
        check_range(Range(at_least=2), where, attempts=self.attempts)
        check_range(NOT_NEGATIVE, where, conjectures=self.conjectures)
        check_range(SHARE, where, quantile=self.quantile, overlong=self.overlong)

    def is_over(self, generations: int) -> bool:
        """Whether a run has written what it may."""
        return self.max_generations is not None and generations >= self.max_generations
