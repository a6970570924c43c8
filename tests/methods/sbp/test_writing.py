"""A synthetic corpus is the same however it was interrupted, and has the tokens asked for."""

import json
from types import SimpleNamespace

import pytest
import torch
from datasets import load_from_disk
from lightning.pytorch.callbacks import Callback

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lm import build_lm, export_hf
from lit_research.lm.engines import Completion, LiveEngine
from lit_research.methods.pretrain import MixedCorpus
from lit_research.methods.sbp import SyntheticCorpus
from lit_research.methods.sbp.writing import CorpusWriter
from lit_research.text import DocumentSource, load_tokenizer, vocabulary_size
from tests.helpers import STOPPED, TINY, tiny

MODEL, DATA = "model.init_args", "data.init_args"


class Letters(DocumentSource):
    """Forty documents of letters."""

    def splits(self):
        return {
            "train": [f"{chr(97 + n % 26)}{n} has a text of its own, {n * n}" for n in range(40)]
        }


class Scripted(LiveEngine):
    """Writes what the seed of the prompt says: good texts, and bad ones of each kind."""

    def card(self):
        return {"engine": "Scripted"}

    def complete(self, prompts, sampling):
        pairs = enumerate(zip(prompts, sampling.seed, strict=True))
        return [[self._one(list(prompt), seed, row)] for row, (prompt, seed) in pairs]

    def _one(self, prompt, seed, index):
        seed_text = bytes(prompt[:-1]).decode() if len(prompt) > 1 else "nothing"
        kinds = [
            f"{seed_text[::-1]} {seed % 10**6}",
            f"written {seed}",
            seed_text,
            "again and again and again and again and again",
            "",
            "the same",
            f"cut {seed}",
        ]
        kind = seed % len(kinds)
        text, end = kinds[kind], "length" if kind == 6 else "stop"
        return Completion(text, tuple(text.encode()), (), end, 0, index)


HERE = "tests.methods.sbp.test_writing"
WRITE = {
    "model.class_path": "Synthesizer",
    f"{MODEL}.engine": {"class_path": f"{HERE}.Scripted"},
    "data.class_path": "SyntheticCorpus",
    f"{DATA}.source": {"class_path": f"{HERE}.Letters"},
    f"{DATA}.max_train_tokens": ...,
    f"{DATA}.validation_fraction": 0.1,
    f"{DATA}.synthetic_tokens": 300,
    f"{DATA}.max_new_tokens": 60,
    f"{DATA}.sampling_seed": 5,
    f"{DATA}.overlap": None,
}


class StopAtShard(Callback):
    """Stop the run before it writes a shard; nothing is saved, as after a kill."""

    def __init__(self, shard: int) -> None:
        self.shard = shard

    def on_predict_batch_start(self, trainer, pl_module, batch, *_):
        if int(batch["shard"]) == self.shard:
            raise RuntimeError(STOPPED)


def base(folder):
    """Return the folder of a model with random weights, written if it is not there."""
    place, tokenizer = folder / "base", load_tokenizer("bytes")
    if not place.exists():
        torch.manual_seed(0)
        shape = {**TINY["model"]["init_args"]["lm"], "max_position_embeddings": 128}
        export_hf(build_lm(shape, vocab_size=vocabulary_size(tokenizer)), tokenizer, place)
    return str(place)


def config(folder, changes=None):
    return {
        **WRITE,
        f"{MODEL}.lm": {"folder": base(folder)},
        f"{DATA}.folder": str(folder / "corpus"),
        "ckpt_path": "none",
        **(changes or {}),
    }


def args(folder, changes=None):
    return tiny(folder, config(folder, changes))


def write(folder, changes=None):
    folder.mkdir(exist_ok=True)
    main({"subcommand": "predict", "predict": args(folder, changes)})
    return folder / "corpus"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write(tmp_path_factory.mktemp("whole"))


def rows(folder):
    return load_from_disk(str(folder)).to_list()


def card(folder):
    return json.loads((folder / "card.json").read_text())


def test_the_corpus_has_the_tokens_asked_for_and_names_what_it_refused(whole):
    found, of = card(whole), rows(whole)
    tokens = [len(row["text"].encode()) + 1 for row in of]
    assert found["measured"]["corpus_tokens"] == sum(tokens)
    assert sum(tokens[:-1]) < 300 <= sum(tokens)
    assert {row["kind"] for row in of} == {"synthetic"}
    refused = {reason.removeprefix("refused: "): n for reason, n in found["rejected"].items()}
    kinds = {"copied", "repetition", "too short", "too long"}
    assert (
        kinds
        <= refused.keys()
        <= kinds
        | {
            "not needed",
            "equal to an earlier text",
            "equal to a document of the corpus",
            "near-duplicate of a document of the corpus",
            "near-duplicate of an earlier text",
        }
    )
    cost = found["measured"]["costs"]["sampling"]
    assert cost["texts"] == len(of) + sum(refused.values())
    assert cost["read_tokens"] > cost["texts"]
    assert found["filters"]["max_copy"] == 0.5


def test_each_text_is_made_from_a_document_of_the_training_split(whole):
    data = SyntheticCorpus(
        folder="",
        synthetic_tokens=1,
        source={"class_path": f"{HERE}.Letters"},
        tokenizer="bytes",
        validation_fraction=0.1,
    )
    train = dict(zip(data.documents["train"]["id"], data.documents["train"]["text"], strict=True))
    for row in rows(whole):
        text = train[row["source_id"]]
        assert row["text"].startswith(("written", "the same", text[::-1]))
    mixed = MixedCorpus(
        synthetic=str(whole),
        total_tokens=3000,
        source={"class_path": f"{HERE}.Letters"},
        tokenizer="bytes",
        validation_fraction=0.1,
        sequence_length=32,
    )
    assert len(mixed.mixture) == 3000 // 32


def test_stopped_it_becomes_the_same_corpus_and_no_shard_is_written_twice(whole, tmp_path):
    stop = {"class_path": f"{HERE}.StopAtShard", "init_args": {"shard": 2}}
    with pytest.raises(RuntimeError, match=STOPPED):
        write(tmp_path, {"trainer.callbacks": [stop]})
    shards = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.shards/*.arrow")}
    assert len(shards) == 2
    again = write(tmp_path)
    assert rows(again) == rows(whole)
    assert {p: p.stat().st_mtime_ns for p in shards} == shards
    with pytest.raises(UserError, match="with another top_p was started"):
        write(tmp_path, {f"{DATA}.top_p": 0.5})


def test_shards_of_other_processes_in_any_order_make_the_same_corpus(whole, tmp_path):
    data = SyntheticCorpus(
        **{key.removeprefix(f"{DATA}."): value for key, value in WRITE.items() if DATA in key}
        | {"folder": str(tmp_path / "corpus"), "tokenizer": "bytes", "batch_size": 4}
        | {"max_train_tokens": None},
    )
    ahead, behind = (CorpusWriter(data, Scripted(None, None), 128, rank=r) for r in (0, 1))
    assert data.most_shards > 8
    for shard in (7, 5, 3, 1):
        assert ahead.write(shard) > 0
    assert ahead.selection.needed() is None
    for shard in (0, 2, 4, 6):
        behind.write(shard)
    count = ahead.selection.needed()
    assert count == behind.selection.needed() <= 7
    assert ahead.write(8) == 0
    trainer = SimpleNamespace(strategy=SimpleNamespace(barrier=lambda: None), is_global_zero=True)
    behind.finish(trainer)
    assert rows(tmp_path / "corpus") == rows(whole)


def test_a_base_model_samples_documents_from_nothing(tmp_path):
    folder = write(tmp_path, {f"{DATA}.conditional": False, f"{DATA}.filters": {"max_copy": 0.1}})
    assert {row["source_id"] for row in rows(folder)} == {"base"}
    assert not any("copied" in reason for reason in card(folder)["rejected"])


def test_a_real_engine_writes_with_the_live_weights(tmp_path):
    changes = {
        f"{MODEL}.engine": {"class_path": "lit_research.lm.engines.TransformersEngine"},
        f"{DATA}.filters": {"keep_unfinished": True, "keep_undecodable": True, "min_tokens": 2},
        f"{DATA}.max_new_tokens": 8,
        f"{DATA}.synthetic_tokens": 30,
    }
    folder = write(tmp_path, changes)
    assert card(folder)["measured"]["corpus_tokens"] >= 30


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{DATA}.filters": {"min_tokens": 500}, f"{DATA}.synthetic_tokens": 3000}, "refused"),
        ({f"{DATA}.filters": {"min_token": 500}}, "no argument 'min_token'"),
        ({f"{DATA}.max_texts": 8}, r"of synthetic_tokens 300 are left of 8 texts \(.*x "),
        ({f"{DATA}.max_new_tokens": 120}, "which leaves 7 for d1; must leave 16 or more"),
        ({f"{DATA}.top_p": 0.0}, "top_p is 0.0"),
        ({f"{DATA}.temperature": -1.0}, "temperature is -1.0"),
    ],
)
def test_mistakes_are_refused(tmp_path, changes, message):
    with pytest.raises((UserError, ValueError), match=message):
        write(tmp_path, changes)
