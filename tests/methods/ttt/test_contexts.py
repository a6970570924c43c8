"""Sums by context give the means that a plain computation gives, in tests run by the command."""

import pytest
import torch
from torch.nn import functional as F

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.methods.ttt.contexts import ContextLosses, NeedleScores
from lit_research.methods.ttt.core import without_steps
from lit_research.methods.ttt.inner_loop import InnerLoop, scan, scan_logits
from lit_research.text import IGNORE

QUIET = [
    "--trainer.max_steps=2",
    "--trainer.limit_val_batches=1",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--model.init_args.lm.hidden_size=16",
    "--model.init_args.lm.intermediate_size=16",
]
TEXT = [
    "--data.init_args.source=embedded:topics",
    "--data.init_args.test_fraction=0.3",
    "--data.init_args.sequence_length=128",
    "--data.init_args.batch_size=2",
    "--data.init_args.contexts=[64, 256]",
    "--data.init_args.test_documents=3",
]
NEEDLES = [
    "--data.init_args.contexts=[64, 128]",
    "--data.init_args.sequence_length=64",
    "--data.init_args.depths=2",
    "--data.init_args.eval_sequences=3",
]


def run(folder, config, *options, verb="fit"):
    where = f"--trainer.logger.init_args.save_dir={folder}"
    path = str(config_dir() / "ttt" / config)
    return main([verb, "--config", path, where, *QUIET, *options])


def shown(cli):
    """Return the names of figures and texts of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(cli.trainer.log_dir).Reload().Tags()
    return set(events["images"]) | set(events["tensors"])


def test_losses_by_context_are_means_over_labels_and_gains_are_of_sequences():
    torch.manual_seed(0)
    scores = ContextLosses(torch.device("cpu"))
    batches = [(torch.rand(2, 3, 8), 8), (torch.rand(2, 1, 8), 8), (torch.rand(2, 2, 16), 16)]
    for (on, off), T in batches:
        labels = torch.randint(5, on.shape)
        labels[:, T // 2] = IGNORE
        on[:, T // 2], off[:, T // 2] = 0.0, 0.0
        scores.add(on, off, labels)
    scores.reduce()
    eight = torch.cat([values for values, T in batches if T == 8], dim=1)
    gains = (eight[1] - eight[0]).sum(1) / 7
    assert scores.losses(8) == pytest.approx((eight.sum(dim=(1, 2)) / 28).tolist())
    expected = (float(gains.mean()), float(gains.std()) / 2)
    assert scores.gain(8) == pytest.approx(expected, abs=1e-6)
    metrics = scores.metrics()
    assert metrics["loss"] == metrics["loss_16"]
    assert metrics["loss_last_eighth"] == pytest.approx(float(batches[2][0][0, :, -2:].mean()))
    assert [line.split()[0] for line in scores.report().splitlines()] == ["context", "8", "16"]
    assert len(scores.figure().axes[0].lines) == 4


def test_an_answer_is_right_where_all_its_tokens_are_the_most_likely():
    scores = NeedleScores([0.0, 1.0], torch.device("cpu"))
    answers = torch.tensor([[1, 2], [IGNORE, 2], [1, 2]])
    guesses = torch.tensor([[1, 2], [0, 2], [1, 3]])
    on = 2.0 * F.one_hot(guesses, 4)
    scores.add(64, [on, torch.zeros(3, 2, 4)], answers, torch.tensor([0, 0, 1]))
    scores.reduce()
    assert scores.accuracy("on").tolist() == [[1.0], [0.0]]
    assert scores.accuracy("off").tolist() == [[0.0], [0.0]]
    metrics = scores.metrics()
    assert metrics["accuracy"] == metrics["accuracy_64"] == pytest.approx(2 / 3)
    expected = F.cross_entropy(on.flatten(0, 1), answers.flatten(), reduction="none").view(3, 2)
    of_sequence = expected.sum(1) / torch.tensor([2, 1, 2])
    assert metrics["loss"] == pytest.approx(float(of_sequence.mean()))
    assert metrics["loss_frozen"] == pytest.approx(float(torch.tensor(4.0).log()))
    assert "64 on" in scores.report()
    assert [axes.get_title() for axes in scores.figure().axes] == [
        "accuracy (share of 1), inner loop on",
        "accuracy (share of 1), inner loop off",
    ]


@pytest.mark.parametrize("arm", ["e2e", "naive", "swa"])
def test_long_documents_are_tested_at_every_context(tmp_path, arm):
    model = f"--model.init_args.arm={arm}"
    run(tmp_path, "tiny_text.yaml", *TEXT, model)
    cli = run(tmp_path, "tiny_text.yaml", *TEXT, model, "--ckpt_path=last", verb="test")
    found = {name: float(value) for name, value in cli.trainer.callback_metrics.items()}
    for T in (64, 256):
        values = _losses(cli, T)
        assert found[f"test/loss_{T}"] == pytest.approx(float(values[0].mean()), abs=1e-5)
        assert found[f"test/loss_frozen_{T}"] == pytest.approx(float(values[1].mean()), abs=1e-5)
    assert found["test/loss"] == found["test/loss_256"]
    same = found["test/loss"] == pytest.approx(found["test/loss_frozen"], abs=1e-7)
    assert same == (arm == "swa")
    assert {"loss_by_context/test", "loss_by_context/test/text_summary"} <= shown(cli)


def _losses(cli, T):
    """Return the token losses of all windows of a length, inner loop on and off, one by one."""
    model, config = cli.model, cli.model.lm.config
    on = InnerLoop(config.inner_lr, config.inner_clip)
    on = without_steps("none") if model.hparams["arm"] == "swa" else on
    batches = [b for b in cli.datamodule.test_dataloader() if b["labels"].shape[1] == T]
    ids, labels = (torch.cat([b[name] for b in batches]) for name in ("input_ids", "labels"))
    with torch.no_grad():
        return [scan(model.lm, ids, labels, mode)[1] for mode in (on, without_steps("none"))]


def test_needles_are_tested_by_depth_and_context(tmp_path):
    run(tmp_path, "needles_tiny.yaml", *NEEDLES)
    cli = run(tmp_path, "needles_tiny.yaml", *NEEDLES, "--ckpt_path=last", verb="test")
    found = {name: float(value) for name, value in cli.trainer.callback_metrics.items()}
    assert {f"test/{n}" for n in ("accuracy", "accuracy_frozen", "loss", "loss_128")} <= set(found)
    assert {"needles/test", "needles/test/text_summary"} <= shown(cli)
    # The same by one pass over whole sequences that keeps all logits.
    config = cli.model.lm.config
    scores = NeedleScores(cli.datamodule.depths, torch.device("cpu"))
    for batch in cli.datamodule.test_dataloader():
        ids, A = batch["input_ids"], batch["answers"].shape[1]
        modes = (InnerLoop(config.inner_lr, config.inner_clip), without_steps("none"))
        with torch.no_grad():
            logits = [scan_logits(cli.model.lm, ids, mode)[:, -A:] for mode in modes]
        scores.add(ids.shape[1], logits, batch["answers"], batch["depth"])
    scores.reduce()
    for name, value in scores.metrics().items():
        assert found[f"test/{name}"] == pytest.approx(value, abs=1e-5)


def test_documents_are_read_whole_by_predict(tmp_path):
    run(tmp_path, "tiny_text.yaml", *TEXT)
    (tmp_path / "short.txt").write_text("one two three " * 30)
    options = [f"--data.init_args.predict_source={tmp_path / 'short.txt'}", "--ckpt_path=last"]
    cli = run(tmp_path, "tiny_text.yaml", *TEXT, *options, verb="predict")
    [log_probs] = cli.trainer.predict_loop.predictions
    assert log_probs.shape == (1, 420)


def test_contexts_must_be_whole_chunks(tmp_path):
    contexts = ["--data.init_args.contexts=[32, 256]", "--ckpt_path=none"]
    with pytest.raises(UserError, match="a length of contexts is 32"):
        run(tmp_path, "tiny_text.yaml", *TEXT, *contexts, verb="test")
