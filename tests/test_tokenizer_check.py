"""Weights are used with the tokenizer that they learned with, or not at all."""

import shutil
from pathlib import Path

import pytest

from lit_research.cli import main
from lit_research.errors import UserError
from tests.helpers import write_tiny

SENTENCES = {
    "one": "the cat sat on the mat and looked at the hat of the man",
    "two": "numbers such as seventeen divide nothing but themselves, prime as they are",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run over one corpus, beside another corpus."""
    folder = tmp_path_factory.mktemp("tokens")
    for name, sentence in SENTENCES.items():
        (folder / name).mkdir()
        for i in range(40):
            (folder / name / f"{i}.txt").write_text(f"{sentence} {i}. " * 5)
    changes = {"data.init_args.source": str(folder / "one"), "data.init_args.tokenizer": "bpe:270"}
    config = write_tiny(folder, {**changes, "data.init_args.max_train_tokens": ...})
    return Path(main(["fit", "--config", str(config)]).trainer.log_dir)


def test_another_corpus_is_read_with_the_tokenizer_of_the_run(run):
    other = ["validate", "--run", str(run), "--data.init_args.source", str(run.parents[3] / "two")]
    kept = str(run / "tokenizer")
    with pytest.raises(UserError, match="another tokenizer than that of Corpus") as error:
        main(other)
    assert kept in str(error.value)
    validated = main([*other, "--data.init_args.tokenizer", kept])
    assert 0 < validated.trainer.callback_metrics["val/loss"] < 10


@pytest.mark.parametrize("option", ["--checkpoint.allow_config_change=true", ""])
def test_a_corpus_that_changed_under_its_name_is_refused_on_resume(run, tmp_path, option):
    kept = tmp_path / "one"
    shutil.copytree(source := run.parents[3] / "one", kept)
    try:
        for file in source.glob("*.txt"):
            file.write_text(SENTENCES["two"])
        words = ["fit", "--run", str(run), "--trainer.max_steps=6", *([option] if option else [])]
        with pytest.raises(UserError, match="another tokenizer"):
            main(words)
    finally:
        shutil.copytree(kept, source, dirs_exist_ok=True)
