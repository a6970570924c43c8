"""Objectives of the Solver: which texts it learns from in a round, and the loss on them.

The objectives that Bailey et al. 2026, arXiv 2604.20209, compare (appendix G), and ``Objective``,
the base of your own: a class in a file of yours, given to ``rules.objective`` by its class path.

Legend: B samples of a micro-batch, T tokens of a row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.methods.self_play.core import (
    Normaliser,
    cispo_advantages,
    cispo_loss,
    stp_weight,
    weighted_nll,
)
from lit_research.methods.self_play.problems import Problem, Rollout, Sample
from lit_research.methods.self_play.rewards import expert_targets, in_solver_range, is_interior
from lit_research.ranges import POSITIVE, Range, check_range

ObjectiveName: TypeAlias = Literal[
    "reinforce_half", "reinforce", "cispo", "expert_iteration", "stp"
]


@dataclass(frozen=True)
class Part:
    """Samples whose graph is held at a time, and the batch that they are a part of.

    Attributes:
        samples: the micro-batch of this process, one for each row.
        batch: samples of the whole optimiser step, of all processes.
        normaliser: of the step's loss; see ``Update``.
    """

    samples: Sequence[Sample]
    batch: Sequence[Sample]
    normaliser: Normaliser = "tokens"


def likelihood_loss(log_probs: Tensor, mask: Tensor, part: Part) -> Tensor:
    """Return the negative log-likelihood of the samples times their weights, a scalar.

    Args:
        log_probs: of the tokens, ``[B, T]``.
        mask: 1 where a token was written, ``[B, T]``.
        part: whose samples the rows are.
    """
    weights = torch.tensor([s.weight for s in part.samples], device=log_probs.device)
    tokens = sum(len(sample.written) for sample in part.batch)
    total = tokens if part.normaliser == "tokens" else len(part.batch)
    return weighted_nll(log_probs, mask, weights, part.normaliser, total=total)


class Objective(ABC):
    """What the Solver learns from in a round, and the loss that is minimised.

    Attributes:
        keeps_groups: samples of one group are never torn apart by a batch.
        targets_only: it learns from targets alone, so ``rules.conjectures`` must be 0.
        rounds: the samples of so many last rounds are learned from together.
    """

    keeps_groups: ClassVar[bool] = False
    targets_only: ClassVar[bool] = False
    rounds: ClassVar[int] = 1

    @abstractmethod
    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return what the Solver learns from.

        ``Rollout.reward`` and ``is_lesson`` follow the rules on ``try`` and on overlong texts;
        ``Problem.solve_rate`` counts every proof.

        Args:
            problems: targets and conjectures of the round with their rollouts.
        """

    def loss(self, log_probs: Tensor, mask: Tensor, part: Part) -> Tensor:
        """Return the part of the step's loss that these samples have; the parts add up to it.

        Args:
            log_probs: of the tokens under the Solver, ``[B, T]``.
            mask: 1 where a token was written, ``[B, T]``.
            part: whose samples the rows are. One of weight 0 counts nothing: it fills up the part
                of a process that has fewer samples than the others.
        """
        return likelihood_loss(log_probs, mask, part)

    def attempts_target(self, proofs: int) -> bool:
        """Whether a target with so many kept proofs (16 at most) is attempted again."""
        return True


class Reinforce(Objective):
    """REINFORCE on the proofs of problems that are solved, at most so often.

    Args:
        highest: solve rate that is still learned from.
    """

    def __init__(self, highest: float = 1.0) -> None:
        where = "in rules.objective of SelfPlay"
        check_range(Range(above=0, at_most=1), where, highest=highest)
        self.highest = highest

    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return the proofs of the problems in range; an overlong one has a negative weight."""
        taken = in_solver_range([problem.solve_rate for problem in problems], self.highest)
        return [
            sample
            for group, problem in enumerate(problems)
            if taken[group]
            for sample in _proof_samples(problem, group, self.weight)
        ]

    def weight(self, rollout: Rollout) -> float:
        """Return the weight of a proof that is not overlong."""
        return 1.0


class ReinforceHalf(Reinforce):
    """REINFORCE_1/2, the paper's: on what is solved at most half of the time."""

    def __init__(self) -> None:
        super().__init__(highest=0.5)


class Stp(Reinforce):
    """STP's Solver (Dong and Ma 2025, arXiv 2502.00212): short, fast proofs weigh more."""

    def __init__(self) -> None:
        super().__init__(highest=0.5)

    def weight(self, rollout: Rollout) -> float:
        """Return STP's weight."""
        return stp_weight(len(rollout.proof or ""), rollout.verdict.seconds)


class ExpertIteration(Objective):
    """Likelihood of the proofs of the targets, of the last three rounds (appendix G)."""

    targets_only = True
    rounds = 3

    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return the proofs of the targets. A target is one group, whatever the round."""
        return [
            sample
            for problem in problems
            if problem.conjecture is None
            for sample in _proof_samples(problem, problem.target, lambda rollout: 1.0)
        ]

    def attempts_target(self, proofs: int) -> bool:
        """Whether a target has too few proofs yet."""
        return bool(expert_targets([proofs]))


class Cispo(Objective):
    """CISPO (appendix G): advantages within the group, clipped importance weights.

    Args:
        clip: upper bound of the importance weights.
    """

    keeps_groups = True

    def __init__(self, clip: float = 4.0) -> None:
        check_range(POSITIVE, "in rules.objective of SelfPlay", clip=clip)
        self.clip = clip

    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return all attempts at the problems that are solved at times, unless all are alike."""
        taken = is_interior([problem.solve_rate for problem in problems])
        groups = [
            (number, problem)
            for number, problem in enumerate(problems)
            if taken[number] and all(r.tokens for r in problem.rollouts)
        ]
        advantages = cispo_advantages([[r.reward for r in p.rollouts] for _, p in groups])
        return [
            Sample(
                problem.prompt,
                rollout.completion.token_ids,
                advantage,
                rollout.completion.log_probs,
                number,
            )
            for (number, problem), of_group in zip(groups, advantages, strict=True)
            if any(of_group)
            for rollout, advantage in zip(problem.rollouts, of_group, strict=True)
        ]

    def loss(self, log_probs: Tensor, mask: Tensor, part: Part) -> Tensor:
        """Return the CISPO loss; its normaliser is its own: tokens of a group, then groups."""
        tokens: dict[int, int] = {}
        for sample in part.batch:
            tokens[sample.group] = tokens.get(sample.group, 0) + len(sample.written)
        old = torch.zeros_like(log_probs)
        for row, sample in enumerate(part.samples):
            start = len(sample.prompt) - 1
            old[row, start : start + len(sample.written)] = torch.tensor(
                sample.old_log_probs or [0.0] * len(sample.written), device=old.device
            )
        # One over the tokens of the whole group, and over the groups of the step.
        scale = [1 / (tokens[s.group] * len(tokens)) if s.weight else 0.0 for s in part.samples]
        advantages = torch.tensor([s.weight for s in part.samples], device=old.device)
        return cispo_loss(
            log_probs,
            old,
            advantages,
            mask,
            clip=self.clip,
            scale=torch.tensor(scale, device=old.device),
        )


def _proof_samples(
    problem: Problem, group: int, weight: Callable[[Rollout], float]
) -> list[Sample]:
    """Return the proofs of a problem that may be learned from, overlong ones with their penalty."""
    return [
        Sample(
            problem.prompt,
            rollout.completion.token_ids,
            weight(rollout) if rollout.penalty is None else rollout.penalty,
            group=group,
        )
        for rollout in problem.rollouts
        if rollout.is_lesson
    ]


_BY_NAME: dict[ObjectiveName, type[Objective]] = {
    "reinforce_half": ReinforceHalf,
    "reinforce": Reinforce,
    "cispo": Cispo,
    "expert_iteration": ExpertIteration,
    "stp": Stp,
}


def build_objective(objective: ObjectiveName | Objective) -> Objective:
    """Return an objective of ours by its name, or the one that is given.

    Raises:
        UserError: no objective has that name.
    """
    if isinstance(objective, Objective):
        return objective
    if objective not in _BY_NAME:
        raise UserError(
            f"objective is {objective!r}, in rules of SelfPlay: give one of "
            f"{', '.join(get_args(ObjectiveName))}, or an Objective by its class path"
        )
    return _BY_NAME[objective]()
