"""Objectives of the Solver: which samples it trains on in a round, and the loss on them.

The objectives that Bailey et al. 2026, arXiv 2604.20209, compare (appendix G), and their base class
``Objective``. ``rules.objective`` takes your own subclass by its class path.

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
class MicroBatch:
    """The samples of one backward pass, and the batch of the optimiser step they belong to.

    Attributes:
        samples: of this process, one for each row.
        batch: all samples of the optimiser step, of all processes.
        normaliser: of the step's loss; see ``Update``.
    """

    samples: Sequence[Sample]
    batch: Sequence[Sample]
    normaliser: Normaliser = "tokens"


def likelihood_loss(log_probs: Tensor, mask: Tensor, micro_batch: MicroBatch) -> Tensor:
    """Return the weighted negative log-likelihood of the samples, a scalar.

    Args:
        log_probs: of the tokens, ``[B, T]``.
        mask: 1 for generated tokens, ``[B, T]``.
        micro_batch: the samples, one for each row.
    """
    samples, batch = micro_batch.samples, micro_batch.batch
    weights = torch.tensor([sample.weight for sample in samples], device=log_probs.device)
    tokens = sum(len(sample.written) for sample in batch)
    total = tokens if micro_batch.normaliser == "tokens" else len(batch)
    return weighted_nll(log_probs, mask, weights, micro_batch.normaliser, total=total)


class Objective(ABC):
    """Selects the samples that the Solver trains on in a round, and computes the loss.

    Attributes:
        keeps_groups: all samples of a group are in the same batch.
        targets_only: the Solver trains on targets only, so ``rules.conjectures`` must be 0.
        rounds: number of last rounds whose samples are trained on together.
    """

    keeps_groups: ClassVar[bool] = False
    targets_only: ClassVar[bool] = False
    rounds: ClassVar[int] = 1

    @abstractmethod
    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return the samples that the Solver trains on.

        ``Rollout.reward`` and ``is_lesson`` apply the rules on ``try`` and overlong texts;
        ``Problem.solve_rate`` counts every proof.

        Args:
            problems: targets and conjectures of the round with their rollouts.
        """

    def loss(self, log_probs: Tensor, mask: Tensor, micro_batch: MicroBatch) -> Tensor:
        """Return the contribution of a micro-batch; the step's loss is the sum over micro-batches.

        Args:
            log_probs: of the tokens under the Solver, ``[B, T]``.
            mask: 1 for generated tokens, ``[B, T]``.
            micro_batch: the samples, one for each row. A sample of weight 0 must contribute
                nothing: it pads a process that has fewer samples than the others.
        """
        return likelihood_loss(log_probs, mask, micro_batch)

    def attempts_target(self, proofs: int) -> bool:
        """Whether to attempt a target again that has this number of kept proofs (16 at most)."""
        return True


class Reinforce(Objective):
    """REINFORCE on the proofs of problems with a solve rate above 0 and at most ``highest``.

    Args:
        highest: largest solve rate of a problem to train on.
    """

    def __init__(self, highest: float = 1.0) -> None:
        where = "in rules.objective of SelfPlay"
        check_range(Range(above=0, at_most=1), where, highest=highest)
        self.highest = highest

    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return the proofs of the problems in range; overlong ones have a negative weight."""
        selected = in_solver_range([problem.solve_rate for problem in problems], self.highest)
        return [
            sample
            for group, problem in enumerate(problems)
            if selected[group]
            for sample in _proof_samples(problem, group, self.weight)
        ]

    def weight(self, rollout: Rollout) -> float:
        """Return the weight of a proof that is not overlong."""
        return 1.0


class ReinforceHalf(Reinforce):
    """REINFORCE_1/2, the paper's objective: problems with a solve rate of at most 0.5."""

    def __init__(self) -> None:
        super().__init__(highest=0.5)


class Stp(Reinforce):
    """STP's objective (Dong and Ma 2025, arXiv 2502.00212): short, fast proofs weigh more."""

    def __init__(self) -> None:
        super().__init__(highest=0.5)

    def weight(self, rollout: Rollout) -> float:
        """Return STP's weight of a proof."""
        return stp_weight(len(rollout.proof or ""), rollout.verdict.seconds)


class ExpertIteration(Objective):
    """Maximum likelihood on the targets' proofs of the last three rounds (appendix G)."""

    targets_only = True
    rounds = 3

    def samples(self, problems: Sequence[Problem]) -> list[Sample]:
        """Return the proofs of the targets. A target is one group, across rounds."""
        return [
            sample
            for problem in problems
            if problem.conjecture is None
            for sample in _proof_samples(problem, problem.target, lambda rollout: 1.0)
        ]

    def attempts_target(self, proofs: int) -> bool:
        """Whether a target has fewer proofs than expert iteration collects."""
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
        """Return all attempts at partially solved problems whose rewards are not all equal."""
        selected = is_interior([problem.solve_rate for problem in problems])
        groups = [
            (index, problem)
            for index, problem in enumerate(problems)
            if selected[index] and all(r.tokens for r in problem.rollouts)
        ]
        advantages = cispo_advantages([[r.reward for r in p.rollouts] for _, p in groups])
        return [
            Sample(
                problem.prompt,
                rollout.completion.token_ids,
                advantage,
                rollout.completion.log_probs,
                index,
            )
            for (index, problem), group_advantages in zip(groups, advantages, strict=True)
            if any(group_advantages)
            for rollout, advantage in zip(problem.rollouts, group_advantages, strict=True)
        ]

    def loss(self, log_probs: Tensor, mask: Tensor, micro_batch: MicroBatch) -> Tensor:
        """Return the CISPO loss, normalised by the tokens of each group, then by groups."""
        samples = micro_batch.samples
        tokens: dict[int, int] = {}
        for sample in micro_batch.batch:
            tokens[sample.group] = tokens.get(sample.group, 0) + len(sample.written)
        old = torch.zeros_like(log_probs)
        for row, sample in enumerate(samples):
            start = len(sample.prompt) - 1
            old[row, start : start + len(sample.written)] = torch.tensor(
                sample.old_log_probs or [0.0] * len(sample.written), device=old.device
            )
        # One over the tokens of the whole group, and over the groups of the step.
        scale = [1 / (tokens[s.group] * len(tokens)) if s.weight else 0.0 for s in samples]
        advantages = torch.tensor([s.weight for s in samples], device=old.device)
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
    """Return the proofs of a problem to train on; the weight of overlong ones is their penalty."""
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
    """Return the built-in objective of that name, or the objective that was passed.

    Raises:
        UserError: no objective has that name.
    """
    if isinstance(objective, Objective):
        return objective
    if objective not in _BY_NAME:
        raise UserError(
            f"objective is {objective!r}, in rules of SelfPlay; must be one of "
            f"{', '.join(get_args(ObjectiveName))}, or the class path of an Objective"
        )
    return _BY_NAME[objective]()
