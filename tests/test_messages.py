"""The first words come before torch, from one process; Lightning's chatter does not come at all."""

import subprocess
import sys

import pytest
from lightning.pytorch.utilities import rank_zero_info

from lit_research.catalogue import config_lines, method_lines
from lit_research.cli import main
from lit_research.messages import announce, quietly, say
from tests.helpers import write_tiny

CHATTER = ("Tip", "available:", "Seed set", "stopped:", "Restor", "Skipping", "train mode", "FLOPs")


@pytest.mark.parametrize("words", [["--help"], ["list"], ["--version"]])
def test_help_list_and_version_answer_without_torch(words):
    code = (
        f"import sys; sys.argv[1:] = {words}; from lit_research.cli import command; command();"
        "print(sorted({'torch', 'lightning', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert not done.stderr
    if words != ["--version"]:
        found = {**method_lines(), **(config_lines() if words == ["list"] else {})}
        assert all(name in done.stdout for name in config_lines())
        assert all(line in done.stdout for line in found.values())


def test_a_verb_says_something_before_torch_is_imported():
    code = (
        "import sys; from lit_research import cli; sys.argv[1:] = ['fit'];"
        "cli.main = lambda: print('torch' in sys.modules); cli.command()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("lit-research: loading torch")
    assert done.stdout == "False\n"


def test_other_processes_are_silent(monkeypatch, capsys):
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK"):
        monkeypatch.delenv(name, raising=False)
    say("here")
    monkeypatch.setenv("LOCAL_RANK", "1")
    say("there")
    assert capsys.readouterr().err == "lit-research: here\n"


def test_a_run_says_what_it_does_and_nothing_of_lightnings_own(tmp_path, caplog):
    caplog.set_level("INFO", logger="lightning")
    noisy = {"trainer.num_sanity_val_steps": 1, "trainer.enable_model_summary": True}
    data = {"data.init_args.cache_dir": str(tmp_path), "data.init_args.tokenizer": "bpe:300"}
    fit = ["fit", "--config", str(write_tiny(tmp_path, {**noisy, **data}))]
    main(fit)
    for what in ("Building the embedded corpus (topics)", "Training the tokenizer", "Tokenizing"):
        assert sum(message.startswith(what) for message in caplog.messages) >= 1
    [checkpoint] = tmp_path.rglob("last.ckpt")
    main([*fit, "--ckpt_path", str(checkpoint), "--trainer.max_steps", "5"])
    assert f"Resuming from {checkpoint}, step 4." in caplog.messages
    main(["test", *fit[1:], "--ckpt_path", str(checkpoint)])
    assert f"Evaluating {checkpoint}, step 4." in caplog.messages
    assert not [m for m in caplog.messages if any(word in m for word in CHATTER)]


def test_a_run_inside_another_says_warnings_only(caplog):
    for logger in ("lightning.pytorch", "lit_research"):
        caplog.set_level("INFO", logger=logger)
    with quietly():
        rank_zero_info("inside")
        announce("inside")
    rank_zero_info("after")
    announce("after")
    assert caplog.messages == ["after", "after"]
