"""A round, an evaluation and a replay without a Trainer."""

import copy
from dataclasses import replace

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lean import LeanServer, ServerCounts, Verdict, parse_statement
from lit_research.lean.corpus import embedded_targets, word_tokenizer
from lit_research.lm.engines import TransformersEngine
from lit_research.methods.self_play import Game, PlainFormat, Players, RuleGuide, Rules, Update
from lit_research.methods.self_play.archive import Archive, ArchivedLean
from lit_research.methods.self_play.evaluation import evaluate
from lit_research.methods.self_play.extraction import Extracted
from lit_research.methods.self_play.formats import SPECIAL_WORDS
from lit_research.methods.self_play.monitor import round_line, round_metrics
from lit_research.methods.self_play.players import ROLES, Writer
from lit_research.methods.self_play.replay import law_report, replay, solved_table
from lit_research.methods.self_play.rounds import play_round

SPEC = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 160,
}
TARGETS = embedded_targets(0, 6, families=["lists"], levels=[1])
HELD_OUT = embedded_targets(0, 2, families=["lists"], levels=[1], split="held_out")


class EvenLean(LeanServer):
    """Accepts the proofs of an even length: a model of random weights writes some of both."""

    description = "even lengths"

    def __init__(self):
        self.counts, self.asked = ServerCounts(), 0

    def verify(self, attempts):
        self.asked += len(attempts)
        return [Verdict(len(a.proof) % 2 == 0, "" if len(a.proof) % 2 == 0 else "error: odd")
                for a in attempts]  # fmt: skip


class Conjecturing(PlainFormat):
    """Reads a statement in whatever is written."""

    def read_conjecture(self, text, name):
        terms = " + ".join(["a"] * (1 + len(text) % 40))
        return Extracted(text, parse_statement(f"theorem {name} (a : Nat) : {terms} = a ∧ a = a"))


def game(archive=None, **rules):
    """Return a game of two small players."""
    torch.manual_seed(0)
    tokenizer = word_tokenizer(markers=SPECIAL_WORDS)
    players = Players(SPEC, len(tokenizer))
    writer = Writer(
        players,
        lambda model: TransformersEngine(model, tokenizer, batch_size=16),
        tokenizer,
        max_new_tokens=8,
        temperature=1.0,
    )
    return Game(
        writer,
        ArchivedLean(EvenLean(), archive or Archive(None)),
        rules=Rules(attempts=4, overlong=1.0, **rules),
        form=Conjecturing(),
        guide=RuleGuide(),
        update=Update(batch_size=8),
        optimizers={r: torch.optim.SGD(players.parameters_of(r), lr=0.1) for r in ROLES},
    )


def weights(game):
    """Return the weights of each player as one vector."""
    return {
        role: torch.cat([p.detach().flatten().clone() for p in game.players.parameters_of(role)])
        for role in ROLES
    }


def test_a_round_is_played_without_a_trainer():
    played = game(objective="reinforce")
    before = weights(played)
    report = play_round(played, 1, TARGETS, [0, 2, 3, 5])
    state, archive = played.state, played.archive
    assert [target.name for target in report.targets] == [TARGETS[i].id for i in (0, 2, 3, 5)]
    assert all(len(problem.rollouts) == 4 for problem in report.targets)
    # Four texts of the Conjecturer, four attempts at each target and at each that is played.
    assert state.generations == 4 + 4 * (4 + len(report.conjectures)) > 24
    solved = {t.name for t in report.targets if any(r.verdict.proved for r in t.rollouts)}
    assert set(state.proofs) == solved
    assert len(solved) > 0
    assert state.history == [[1, state.generations, len(solved) / 6]]
    assert len(archive.attempts()) == 4 * (4 + len(report.conjectures))
    assert len(archive.conjectures()) == 4
    # Proofs of every problem are learned from; so are the conjectures that are graded.
    proved = [r for p in [*report.targets, *report.conjectures] for r in p.rollouts if r.is_lesson]
    assert report.solver.samples == len(proved)
    after = weights(played)
    assert not torch.equal(before["solver"], after["solver"])
    assert report.weights
    assert set(report.grades) == set(report.weights)
    assert report.conjecturer.samples == len(report.weights)
    assert not torch.equal(before["conjecturer"], after["conjecturer"])


def test_a_round_says_what_it_was_like():
    played = game()
    report = play_round(played, 1, TARGETS, range(6))
    metrics = round_metrics(played, report)
    assert metrics["self_play/solve_rate"] == played.state.share_solved([t.id for t in TARGETS])
    assert metrics["self_play/generations"] == played.state.generations
    assert metrics["self_play/trained_samples"] == report.solver.samples
    assert metrics["lean/lost"] == 0
    assert all(isinstance(value, float) for value in metrics.values())
    line = round_line(played.state, report)
    assert line.startswith(f"round 1: {len(played.state.proofs)} of 6 targets solved")


def test_a_round_that_is_played_again_asks_for_nothing_anew():
    archive = Archive(None)
    first, again = game(archive), game(archive)
    whole = play_round(first, 1, TARGETS, range(6))
    repeated = play_round(again, 1, TARGETS, range(6))
    assert first.verifier.lean.asked > again.verifier.lean.asked == 0
    assert [p.rollouts for p in repeated.targets] == [p.rollouts for p in whole.targets]
    assert first.state == again.state
    assert all(torch.equal(weights(first)[role], weights(again)[role]) for role in ROLES)


def test_another_rule_weighs_the_conjectures():
    played = game()
    before = weights(played)
    asked = []

    def none(game, report):
        asked.append(len(report.conjectures))
        return {}

    report = play_round(played, 1, TARGETS, range(6), none)
    assert asked == [len(report.conjectures)]
    assert torch.equal(before["conjecturer"], weights(played)["conjecturer"])


def test_expert_iteration_keeps_the_samples_of_earlier_rounds():
    played = replace(game(objective="expert_iteration", conjectures=0), guide=None)
    first = play_round(played, 1, TARGETS, range(6))
    second = play_round(played, 2, TARGETS, range(6))
    own = sum(r.is_lesson for p in second.targets for r in p.rollouts)
    assert second.solver.samples == first.solver.samples + own
    # A target with proofs enough is left alone.
    played.state.proofs[TARGETS[0].id] = [str(i) for i in range(16)]
    third = play_round(played, 3, TARGETS, range(6))
    assert [target.target for target in third.targets] == [1, 2, 3, 4, 5]


def test_an_evaluation_returns_its_metrics_and_changes_nothing():
    played = game()
    play_round(played, 1, TARGETS, range(6))
    state, before = copy.deepcopy(played.state), weights(played)
    metrics = evaluate(played, "val", HELD_OUT, TARGETS, 4, attempt_targets=True)
    for name in ("val", "val/targets"):
        assert 0 <= metrics[f"{name}/pass_at_1"] <= metrics[f"{name}/pass_at_k"] <= 1
        assert metrics[f"{name}/pass_at_k_lists"] == metrics[f"{name}/pass_at_k"]
    assert metrics["self_play/solve_rate"] == state.share_solved([t.id for t in TARGETS])
    assert played.state == state
    assert all(torch.equal(before[role], weights(played)[role]) for role in ROLES)
    assert evaluate(played, "val", [], [], 4).keys() == {
        "val/disjunctive_share",
        "val/conclusion_length_tokens",
        "val/interior_share",
        "self_play/generations",
    }


def test_recorded_proofs_are_verified_anew():
    played = game()
    play_round(played, 1, TARGETS, range(6))
    before = played.verifier.lean.asked
    replayed = replay(played, TARGETS)
    assert played.verifier.lean.asked == before + len(replayed.verdicts)
    assert replayed.metrics()["test/refuted"] == 0
    replayed.check()
    played.state.add_proof(TARGETS[0].id, "odd", 1)
    with pytest.raises(UserError, match=r"1 of \d+ recorded proofs do not verify.*'odd'"):
        replay(played, TARGETS).check()
    table = solved_table(played.state, TARGETS)
    assert f"{played.state.share_solved([t.id for t in TARGETS]):.3f}" in table
    assert law_report(played.state.history).startswith("No fit of the solve rate's law")
