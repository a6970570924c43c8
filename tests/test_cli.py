"""The command: defaults that a config can replace, run folders, saved configs, verbs."""

import sys
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch.callbacks import LearningRateMonitor
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lit_research.callbacks import ResearchCheckpoint, Throughput
from lit_research.cli import __version__, command, main
from lit_research.errors import UserError
from lit_research.methods.pretrain import Corpus, Pretrain
from tests.callbacks.toy import scalars
from tests.helpers import tiny, write_tiny


def kinds(cli) -> list[type]:
    return [type(c) for c in cli.trainer.callbacks]


def test_the_default_logger_and_callbacks_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_tiny(tmp_path, {"trainer.logger": ...})
    cli = main(["fit", "--config", str(config)])
    assert {ResearchCheckpoint, Throughput, LearningRateMonitor} <= set(kinds(cli))
    run = Path(cli.trainer.log_dir)
    assert run == Path("runs") / tmp_path.name / "tiny" / "version_0"
    assert yaml.safe_load((run / "config.yaml").read_text())["seed_everything"] == 1
    events = EventAccumulator(str(run)).Reload()
    scalars = set(events.Tags()["scalars"])
    assert {"train/loss", "val/loss", "train/tokens", "throughput/tokens_per_s"} <= scalars
    assert {"lr/decayed", "lr/kept"} <= scalars
    assert any("config" in tag for tag in events.Tags()["tensors"])


def test_a_config_adds_to_the_callbacks_or_replaces_them(tmp_path):
    more = [{"class_path": "LossByPosition"}]
    added = main(tiny_args(tmp_path, {"trainer.callbacks+": more}))
    assert "LossByPosition" in [k.__name__ for k in kinds(added)]
    assert LearningRateMonitor in kinds(added)
    replaced = main(tiny_args(tmp_path, {"trainer.callbacks": more}))
    assert LearningRateMonitor not in kinds(replaced)
    assert ResearchCheckpoint in kinds(replaced)


def tiny_args(folder: Path, changes: dict | None = None) -> list[str]:
    return ["fit", "--config", str(write_tiny(folder, changes))]


def test_a_later_config_wins(tmp_path):
    (tmp_path / "b.yaml").write_text("trainer: {max_steps: 2}\n")
    cli = main([*tiny_args(tmp_path), "--config", str(tmp_path / "b.yaml")])
    assert cli.trainer.global_step == 2


def test_the_environment_beats_a_config_file_and_options_beat_both(tmp_path, monkeypatch):
    monkeypatch.setenv("LIT_RESEARCH_FIT__TRAINER__MAX_STEPS", "3")
    assert main(tiny_args(tmp_path)).trainer.global_step == 3
    assert main([*tiny_args(tmp_path), "--trainer.max_steps", "2"]).trainer.global_step == 2
    verb, *config = tiny_args(tmp_path)
    assert main([verb, "--trainer.max_steps", "2", *config]).trainer.global_step == 2


def test_last_passes_over_a_newer_run_without_a_checkpoint(tmp_path):
    args = tiny_args(tmp_path)
    first = Path(main(args).trainer.log_dir)
    second = Path(main([*args, "--trainer.enable_checkpointing", "false"]).trainer.log_dir)
    assert (first.name, second.name) == ("version_0", "version_1")
    resumed = main([*args, "--ckpt_path", "last", "--trainer.max_steps", "5"])
    assert Path(resumed.trainer.log_dir) == first
    assert resumed.trainer.global_step == 5


def test_a_changed_learning_rate_is_used_when_a_change_is_allowed(tmp_path):
    constant = {"model.init_args.schedule": "constant", "model.init_args.warmup": 0.0}
    args = tiny_args(tmp_path, constant)
    main(args)
    lr = [
        "--model.init_args.optimizer",
        '{"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.07}}',
    ]
    more = ["--ckpt_path", "last", "--trainer.max_steps", "6"]
    main([*args, *more])
    with pytest.raises(UserError, match="another config"):
        main([*args, *more, *lr])
    allowed = ["--checkpoint.allow_config_change", "true", "--trainer.max_steps", "8"]
    cli = main([*args, *more, *lr, *allowed])
    assert [group["lr"] for group in cli.trainer.optimizers[0].param_groups] == [0.07, 0.07]
    assert cli.trainer.global_step == 8


def test_a_run_is_evaluated_exported_and_continued_with_its_own_config(tmp_path, capsys):
    fitted = main([*tiny_args(tmp_path), "--model.init_args.lm.hidden_size", "32"])
    run = fitted.trainer.log_dir
    assert main(["validate", "--run", run]).model.lm.config.hidden_size == 32
    main(["export", "--run", run, "--folder", str(tmp_path / "hf")])
    assert (tmp_path / "hf" / "config.json").is_file()
    capsys.readouterr()
    main(["generate", "--run", run, "--prompts", '["The "]', "--max_new_tokens", "3"])
    assert "The " in capsys.readouterr().out


def test_without_a_logger_runs_still_have_folders_of_their_own(tmp_path):
    args = [*tiny_args(tmp_path, {"trainer.logger": False})]
    folders = [Path(main(args).trainer.log_dir).name for _ in range(2)]
    assert folders == ["version_0", "version_1"]
    points = main(args).trainer.callback_metrics
    assert {"model/parameters", "train/flops", "train/tokens"} <= set(points)


def test_arguments_may_be_a_dict(tmp_path):
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path)})
    assert cli.trainer.global_step == 4


def test_checkpoints_can_be_turned_off(tmp_path):
    assert ResearchCheckpoint not in kinds(
        main(tiny_args(tmp_path, {"trainer.fast_dev_run": True}))
    )
    off = main(tiny_args(tmp_path, {"trainer.enable_checkpointing": False}))
    assert ResearchCheckpoint not in kinds(off)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path):
    def weights(seed: int) -> torch.Tensor:
        cli = main([*tiny_args(tmp_path), "--seed_everything", str(seed)])
        return torch.cat([p.detach().flatten() for p in cli.model.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


def test_every_verb_runs_on_the_last_checkpoint_and_writes_beside_the_curves_of_its_run(tmp_path):
    config = write_tiny(tmp_path)
    run = Path(main(["fit", "--config", str(config)]).trainer.log_dir)
    before = scalars(run, "val/loss")
    assert sorted(before) == [1, 3]  # Lightning counts from 0
    for verb in ("validate", "test", "predict"):
        cli = main([verb, "--config", str(config), "--ckpt_path", "last"])
        assert Path(cli.trainer.log_dir) == run / f"{verb}-step=4"
        assert (run / f"{verb}-step=4" / f"config.{verb}.yaml").is_file()
    assert (run / "predict-step=4/log_probs.0.parquet").is_file()
    assert scalars(run, "val/loss") == before
    assert scalars(run / "validate-step=4", "val/loss") == {3: pytest.approx(before[3])}


def test_last_without_an_earlier_run_starts_one(tmp_path):
    cli = main([*tiny_args(tmp_path), "--ckpt_path", "last"])
    assert cli.trainer.global_step == 4


def test_load_from_checkpoint_restores_the_module_with_plain_data_only(tmp_path):
    cli = main(tiny_args(tmp_path))
    [path] = tmp_path.rglob("last.ckpt")
    assert torch.load(path, weights_only=True)["hyper_parameters"]["lm"]["hidden_size"] == 16
    module = Pretrain.load_from_checkpoint(path, weights_only=True)
    for name, weight in cli.model.state_dict().items():
        assert torch.equal(weight, module.state_dict()[name]), name


def test_modules_work_without_the_command(tmp_path):
    import lightning.pytorch as pl

    data = Corpus("embedded:topics", tokenizer="bytes", sequence_length=32, max_train_tokens=2000)
    config = tiny(tmp_path)["model"]["init_args"]["lm"]
    module = Pretrain(config, vocab_size=data.vocab_size)
    trainer = pl.Trainer(
        max_steps=2,
        limit_val_batches=1,
        logger=False,
        default_root_dir=tmp_path,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        callbacks=[ResearchCheckpoint(dirpath=str(tmp_path), every_n_train_steps=1)],
    )
    trainer.fit(module, data)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 2


def test_help_of_a_method_names_its_arguments(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lit-research"])
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--model.help", "Pretrain"])
    assert stop.value.code == 0
    assert "z_loss" in capsys.readouterr().out


def test_the_version_is_printed(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["lit-research", "--version"])
    command()
    assert capsys.readouterr().out == f"lit-research {__version__}\n"
