"""``predict`` scores and continues documents; one that was interrupted becomes the same."""

import json
from pathlib import Path

import pytest
import torch
from pyarrow import parquet

from lit_research.errors import UserError
from lit_research.methods.ttt.document_reader import INDEX, DocumentReader
from lit_research.methods.ttt.inner_loop import InnerLoop
from lit_research.methods.ttt.streaming import Stream
from tests.methods.ttt.test_module import run
from tests.methods.ttt.test_streaming import build, draw


class KilledError(Exception):
    pass


def test_a_document_that_was_interrupted_becomes_the_same(tmp_path, monkeypatch):
    lm, tokens = build().float(), draw(41)
    settings = {"continue_tokens": 7, "save_state_every": 8}
    scores, made = DocumentReader(tmp_path / "whole", lm, InnerLoop(), **settings).read(tokens)
    assert scores.shape == (2, 41)
    assert made.shape == (2, 7)

    save, saved = DocumentReader._save, []

    def save_twice(self, path, stream, so_far):
        save(self, path, stream, so_far)
        saved.append(stream.position)
        if len(saved) == 2:
            raise KilledError

    monkeypatch.setattr(DocumentReader, "_save", save_twice)
    with pytest.raises(KilledError):
        DocumentReader(tmp_path / "broken", lm, InnerLoop(), **settings).read(tokens)
    [state] = (tmp_path / "broken").glob("*.state.pt")
    again_scores, again = DocumentReader(tmp_path / "broken", lm, InnerLoop(), **settings).read(
        tokens
    )
    assert torch.equal(scores, again_scores)
    assert torch.equal(made, again)
    assert not state.exists()
    assert min(saved[2:]) > saved[1]  # it did not begin anew


def test_what_was_read_is_not_read_again_and_another_model_does_not_take_it(tmp_path, monkeypatch):
    lm, tokens = build().float(), draw(20)
    first = DocumentReader(tmp_path, lm, InnerLoop(), continue_tokens=3).read(tokens)
    with torch.no_grad():
        other = build(initializer_range=0.2).float()
    changed, _ = DocumentReader(tmp_path, other, InnerLoop(), continue_tokens=3).read(tokens)
    assert not torch.equal(first[0], changed)
    monkeypatch.setattr(Stream, "score", None)  # nothing may be read
    back = DocumentReader(tmp_path, lm, InnerLoop(), continue_tokens=3).read(tokens)
    assert torch.equal(first[0], back[0])
    assert torch.equal(first[1], back[1])


def test_predict_writes_tables_and_an_index(tmp_path):
    run(tmp_path)
    options = ["--ckpt_path=last", "--model.init_args.continue_tokens=5"]
    cli = run(tmp_path, *options, verb="predict")
    folder = Path(cli.trainer.log_dir) / "reading"
    lines = [json.loads(line) for line in (folder / INDEX).read_text().splitlines()]
    assert len(lines) == 2
    assert all(len(line["continuation"].split()) == 5 for line in lines)
    [table] = [parquet.read_table(path) for path in folder.glob("*.parquet")]
    assert table.num_rows == 2 * (64 + 5)
    assert table["generated"].to_numpy().sum() == 10
    inner = cli.model.inner
    batch = next(iter(cli.datamodule.predict_dataloader()))["input_ids"]
    expected = Stream(cli.model.lm, 2, inner).score(batch)
    found = torch.from_numpy(table["log_prob"].to_numpy().copy()).view(2, 69)[:, :64]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("option", ["continue_tokens=-1", "temperature=-0.5", "save_state_every=0"])
def test_wrong_options_are_refused(tmp_path, option):
    with pytest.raises(UserError, match=option.split("=")[0]):
        run(tmp_path, f"--model.init_args.{option}")
