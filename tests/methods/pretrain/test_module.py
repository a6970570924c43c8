"""The module and its data: losses, evaluation, long documents, resume of streams."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from torch.nn.functional import cross_entropy

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.methods.base import total_steps
from lit_research.methods.pretrain import Corpus, StreamedCorpus
from lit_research.methods.pretrain.core import sums_by_length
from lit_research.text import bigram_cross_entropy, unigram_cross_entropy
from tests.callbacks.board import check_decisive_curves
from tests.helpers import last_checkpoint, write_tiny

DATA, MODEL = "data.init_args", "model.init_args"


def fit(folder: Path, changes: dict | None = None, verb: str = "fit", *options: str):
    folder.mkdir(exist_ok=True)
    return main([verb, "--config", str(write_tiny(folder, changes)), *options])


def test_validation_loss_is_the_mean_over_all_held_out_tokens(tmp_path):
    cli = fit(tmp_path, {"trainer.limit_val_batches": 1.0, "trainer.max_steps": 2})
    losses, count = 0.0, 0
    cli.model.eval()
    for batch in cli.datamodule.val_dataloader():
        with torch.no_grad():
            logits = cli.model(batch).flatten(0, 1)
        losses += float(cross_entropy(logits, batch["labels"].flatten(), reduction="sum"))
        count += batch["labels"].numel()
    check_decisive_curves(Path(cli.trainer.log_dir), cli.model)
    expected = pytest.approx(losses / count, rel=1e-5)
    assert float(cli.trainer.callback_metrics["val/loss"]) == expected


def test_the_loss_of_a_run_falls_well_below_unigram_entropy_and_bigram_baseline(tmp_path):
    # The text where context pays soonest: bytes, a model of 25,000 parameters, 40 seconds.
    changes = {
        f"{MODEL}.lm": {
            "model_type": "llama",
            "hidden_size": 64,
            "intermediate_size": 192,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 64,
        },
        f"{DATA}.sequence_length": 64,
        f"{DATA}.batch_size": 16,
        f"{DATA}.max_train_tokens": None,
        f"{MODEL}.optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 6e-3}},
        "trainer.max_steps": 500,
        "trainer.val_check_interval": 500,
        "trainer.check_val_every_n_epoch": None,
        "trainer.limit_val_batches": 1.0,
        "trainer.gradient_clip_val": 1.0,
        "trainer.log_every_n_steps": 50,
    }
    cli = fit(tmp_path, changes)
    train, held_out = (cli.datamodule.store(s).tokens for s in ("train", "validation"))
    unigram = unigram_cross_entropy(train, held_out, cli.datamodule.vocab_size)
    bigram = bigram_cross_entropy(train, held_out, cli.datamodule.vocab_size)
    loss = float(cli.trainer.callback_metrics["val/loss"])
    assert loss < unigram - 0.9
    assert loss < bigram - 0.2


@pytest.mark.parametrize(
    "changes",
    [
        {f"{MODEL}.z_loss": 1e-2},
        {f"{MODEL}.activation_checkpointing": True},
        {f"{MODEL}.attention": "math"},
        {f"{MODEL}.schedule": "constant"},
        {"trainer.precision": "bf16-mixed"},
        {"trainer.accumulate_grad_batches": 2},
        {"trainer.gradient_clip_val": 0.1},
        {f"{DATA}.mask_across_documents": True},
        {f"{DATA}.tokenizer": "bpe:300"},
        {f"{DATA}.max_documents": 70},
    ],
    ids=str,
)
def test_an_option_trains(tmp_path, changes):
    cli = fit(tmp_path, changes)
    assert cli.trainer.global_step == 4
    assert torch.isfinite(cli.trainer.callback_metrics["val/loss"])


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_gradients_of_a_fused_optimiser_are_clipped(tmp_path, precision):
    fused = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 1e-3, "fused": True}}
    changes = {f"{MODEL}.optimizer": fused, "trainer.gradient_clip_val": 1e-2}
    cli = fit(tmp_path, {**changes, "trainer.precision": precision, "trainer.max_steps": 1})
    norm = torch.nn.utils.get_total_norm([p.grad for p in cli.model.parameters()])
    assert float(norm) == pytest.approx(1e-2, rel=1e-3)


def test_activation_checkpointing_changes_no_weight(tmp_path):
    plain = fit(tmp_path / "a")
    saved = fit(tmp_path / "b", {f"{MODEL}.activation_checkpointing": True})
    for name, weight in plain.model.state_dict().items():
        torch.testing.assert_close(weight, saved.model.state_dict()[name])


def test_masked_documents_do_not_see_each_other(tmp_path):
    cli = fit(tmp_path, {f"{DATA}.mask_across_documents": True, f"{DATA}.max_train_tokens": None})
    batch = next(
        b for b in cli.datamodule.train_dataloader() if (b["document_ids"].diff(dim=1) > 0).any()
    )
    row = int((batch["document_ids"].diff(dim=1) > 0).any(dim=1).nonzero()[0])
    start = int((batch["document_ids"][row].diff() > 0).nonzero()[0]) + 1
    changed = {k: v.clone() for k, v in batch.items()}
    changed["input_ids"][row, :start] = (changed["input_ids"][row, :start] + 1) % 256
    cli.model.eval()
    with torch.no_grad():
        before, after = cli.model(batch)[row, start:], cli.model(changed)[row, start:]
    torch.testing.assert_close(before, after)


def test_test_scores_documents_by_their_length(tmp_path):
    config = {f"{DATA}.max_train_tokens": None}
    fit(tmp_path, config)
    cli = fit(tmp_path, config, "test", "--ckpt_path", "last")
    metrics = cli.trainer.callback_metrics
    names = [name for name in metrics if name.startswith("test/loss_documents")]
    assert len(names) >= 2
    assert min(metrics[n] for n in names) <= metrics["test/loss"] <= max(metrics[n] for n in names)


def test_sums_by_length_puts_each_token_into_the_bin_of_its_document():
    losses = torch.arange(6.0).view(2, 3)
    counted = torch.tensor([[True, True, False], [True, True, True]])
    lengths = torch.tensor([[4, 5, 5], [9, 9, 100]])
    sums = sums_by_length(losses, counted, lengths, (4, 10))
    assert sums.tolist() == [[0.0, 1.0 + 3.0 + 4.0, 5.0], [1.0, 3.0, 1.0]]


def test_predict_writes_the_log_probability_of_every_test_token(tmp_path):
    fit(tmp_path)
    fit(tmp_path, None, "predict", "--ckpt_path", "last")
    tested = fit(tmp_path, None, "test", "--ckpt_path", "last")
    [path] = tmp_path.rglob("log_probs.0.parquet")
    rows = pq.read_table(path).to_pydict()
    values = torch.tensor(rows["log_probs"])
    assert values.shape[0] == len(tested.datamodule.windows("test"))
    assert rows["labels"][0][:-1] == rows["input_ids"][0][1:]
    loss = float(tested.trainer.callback_metrics["test/loss"])
    assert -float(values.mean()) == pytest.approx(loss, rel=1e-4)


def test_total_steps_takes_the_shorter_of_steps_and_epochs(tmp_path):
    cli = fit(tmp_path, {"trainer.max_epochs": 2, "trainer.max_steps": -1})
    batches = cli.datamodule.batches_per_epoch
    assert cli.trainer.global_step == 2 * batches == total_steps(cli.trainer)
    half = fit(tmp_path, {"trainer.max_epochs": 2, "trainer.accumulate_grad_batches": 2})
    assert total_steps(half.trainer) == 4


def test_the_learning_rate_ends_near_zero_and_starts_by_warming_up(tmp_path):
    cli = fit(tmp_path, {"trainer.max_steps": 10, f"{MODEL}.warmup": 0.2})
    scheduler = cli.trainer.lr_scheduler_configs[0].scheduler
    assert scheduler.get_last_lr()[0] == pytest.approx(0.0, abs=1e-12)
    assert cli.trainer.global_step == 10


def test_a_loaded_model_is_trained_on(tmp_path):
    first = fit(tmp_path / "a", {"checkpoint.export_hf": True})
    folder = Path(first.trainer.log_dir) / "hf"
    second = fit(
        tmp_path / "b",
        {
            f"{MODEL}.lm": {"folder": str(folder)},
            f"{DATA}.tokenizer": str(folder),
            "trainer.max_steps": 0,
        },
    )
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name


def test_samples_are_text_and_leave_the_random_state_alone(tmp_path):
    cli = fit(tmp_path)
    before = torch.get_rng_state()
    texts = cli.model.sample(["The ", "def "], max_new_tokens=5, temperature=1.0, seed=0)
    assert len(texts) == 2
    assert all(isinstance(t, str) for t in texts)
    assert torch.equal(before, torch.get_rng_state())


def test_splits_share_no_document(tmp_path):
    documents = Corpus("embedded:topics").documents
    ids = [set(documents[s]["id"]) for s in ("train", "validation", "test")]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    assert not ids[1] & ids[2]


def test_a_streamed_corpus_trains_and_resumes_exactly(tmp_path):
    lines = [json.dumps({"text": f"document {i} " * (i % 7 + 20)}) for i in range(60)]
    (tmp_path / "text.jsonl").write_text("\n".join(lines))
    data = {
        "class_path": "StreamedCorpus",
        "init_args": {
            "source": str(tmp_path / "text.jsonl"),
            "sequence_length": 32,
            "batch_size": 4,
            "batches_per_epoch": 10,
            "held_out_documents": 10,
        },
    }
    changes = {"data": data, "trainer.max_steps": 14, "checkpoint.every_n_train_steps": 7}
    changes |= {"trainer.val_check_interval": 5, "checkpoint.keep": 3}
    whole = fit(tmp_path / "a", changes)
    part = fit(tmp_path / "b", {**changes, "trainer.max_steps": 7, f"{MODEL}.schedule": "constant"})
    assert part.trainer.global_step == 7
    assert isinstance(whole.datamodule, StreamedCorpus)
    [seventh] = (tmp_path / "a").rglob("step=7.ckpt")
    same_run = "--trainer.logger.init_args.version=0"
    resumed = fit(tmp_path / "a", changes, "fit", "--ckpt_path", str(seventh), same_run)
    assert last_checkpoint(tmp_path / "b")["global_step"] == 7
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name


@pytest.mark.parametrize("files", [12, 1])
def test_small_corpora_and_runs_without_held_out_text_are_trained(files, tmp_path, capsys):
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(files):
        lines = "".join(f"line {number * 500 + n} of a book.\n" for n in range(500))
        (folder / f"{number}.txt").write_text(lines)
    changes = {"data.init_args.source": str(folder), "data.init_args.max_train_tokens": 5000}
    held_out = main(["fit", "--config", str(write_tiny(tmp_path, changes))])
    assert "val/loss" in held_out.trainer.callback_metrics
    none = {"data.init_args.validation_fraction": 0, "data.init_args.test_fraction": 0}
    config = str(write_tiny(tmp_path, {**changes, **none}))
    without = main(["fit", "--config", config])
    assert without.trainer.global_step == 4
    assert "val/loss" not in without.trainer.callback_metrics
    for verb, split in (("validate", "validation"), ("test", "test"), ("predict", "test")):
        with pytest.raises(
            UserError, match=rf"there is no {split} split \({split}_fraction is 0\)"
        ):
            main([verb, "--config", config, "--ckpt_path", "none"])
