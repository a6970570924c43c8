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
        attempts: attempts at each problem, k.
        conjectures: conjectures for each unsolved target; 0 is reinforcement learning on the
            targets only.
        conditioned: show the target to the Conjecturer; False is the ablation.
        train_conjecturer: False freezes the Conjecturer.
        objective: of the Solver: ``reinforce_half`` (REINFORCE_1/2, the paper's), ``reinforce``,
            ``cispo``, ``expert_iteration`` or ``stp``; or an ``Objective`` by class path.
        conjecturer: ``sgs``, or ``stp``: without a Guide, it trains on conjectures with a solve
            rate below a quarter, except the fifth with the smallest ratio of proof length to
            statement length. STP's replay of three rounds and its weights by similarity to the
            targets are not implemented.
        quantile: of the solve rates between 0 and 1; the Conjecturer does not train on easier
            conjectures.
        overlong: share of ``max_new_tokens`` above which a text is penalised; 1 disables it.
        drop_try: exclude proofs that use the tactic ``try`` from training.
        max_generations: the run ends after the round that reaches this number of conjectures and
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
                f"which trains on targets only, {where}; must be 0"
            )
        check_range(Range(at_least=2), where, attempts=self.attempts)
        check_range(NOT_NEGATIVE, where, conjectures=self.conjectures)
        check_range(SHARE, where, quantile=self.quantile, overlong=self.overlong)

    def is_over(self, generations: int) -> bool:
        """Whether a run has reached ``max_generations``."""
        return self.max_generations is not None and generations >= self.max_generations
