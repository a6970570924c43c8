"""The student learns, is asked, and its answers are counted as they are."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.strategies import FSDPStrategy

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.methods.openthoughts import ReasoningSFT
from tests.callbacks.board import check_decisive_curves
from tests.helpers import last_checkpoint, stop_run, tiny, write_tiny

MODEL, DATA = "model.init_args", "data.init_args"
WORLD = {"rows": 30, "evaluation": 6, "teacher": "T1"}
CHANGES = {
    "model.class_path": "ReasoningSFT",
    f"{MODEL}.lm": {
        "model_type": "llama",
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
    },
    f"{MODEL}.samples": 2,
    f"{MODEL}.max_new_tokens": 12,
    "data": {
        "class_path": "ReasoningRows",
        "init_args": {
            "source": {
                "class_path": "lit_research.methods.openthoughts.WorldRows",
                "init_args": WORLD,
            },
            "sequence_length": 128,
            "batch_size": 4,
            "eval_batch_size": 4,
        },
    },
    "trainer.max_steps": 3,
    "trainer.val_check_interval": 3,
    "trainer.check_val_every_n_epoch": None,
    "trainer.limit_val_batches": 1.0,
    "checkpoint": {"every_n_train_steps": 1},
}


def run(folder, changes=None, verb="fit", **more):
    folder.mkdir(exist_ok=True)
    return main(
        {"subcommand": verb, verb: {**tiny(folder, {**CHANGES, **(changes or {})}), **more}}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("trained"))


def test_it_trains_validates_and_logs(trained):
    metrics, log = trained.trainer.callback_metrics, Path(trained.trainer.log_dir)
    assert trained.trainer.global_step == 3
    assert metrics["train/loss"] > 0
    assert 0 <= metrics["val/accuracy"] <= 1
    # Three steps teach no form: nothing is parsed, and everything is as long as it may be.
    assert metrics["val/unparsed_share"] == 1
    assert metrics["val/accuracy"] == 0
    assert metrics["val/answer_tokens"] <= 12
    assert {"val/accuracy_stderr", "val/truncated_share", "val/pass_at_2"} <= {*metrics}
    assert any(name.startswith("val/accuracy_at_difficulty_") for name in metrics)
    assert any(name.startswith("val/accuracy_of_") for name in metrics)
    check_decisive_curves(log, trained.model)
    card = json.loads((log / "rows.json").read_text())
    assert card["rows"] == 30
    assert card["cut_rows"] == card["dropped_rows"] == card["leaked_rows"] == 0


class Oracle:
    """An engine that answers some samples as told."""

    def __init__(self, texts):
        self.texts = texts

    def generate(self, prompts, *, n, **options):
        from lit_research.lm.engines import Completion

        reasons = {"long": "length"}
        return [
            [
                Completion(text, (1,) * len(text), (), reasons.get(text, "stop"), 0, index, sample)
                for sample, text in enumerate(self.texts[:n])
            ]
            for index in range(len(prompts))
        ]


def test_the_test_counts_answers_by_item_difficulty_and_length(trained, monkeypatch):
    items = trained.datamodule.items("test")
    answer = items[0]["answer"]
    texts = [f"steps\n#### {answer}", "no answer", "long", f"#### {answer} "]
    monkeypatch.setattr(ReasoningSFT, "engine_of", lambda self, lm: Oracle(texts))
    cli = main(["test", "--run", trained.trainer.log_dir])
    metrics = {name: float(value) for name, value in cli.trainer.callback_metrics.items()}
    lucky = [item["answer"] == answer for item in items]
    shares = [0.5 * luck for luck in lucky]
    mean = sum(shares) / 6
    assert metrics["test/accuracy"] == pytest.approx(mean)
    variance = sum((share - mean) ** 2 for share in shares) / 5
    assert metrics["test/accuracy_stderr"] == pytest.approx(math.sqrt(variance / 6))
    assert metrics["test/unparsed_share"] == pytest.approx(0.5)
    assert metrics["test/truncated_share"] == pytest.approx(0.25)
    assert metrics["test/accuracy_of_parsed"] == pytest.approx(2 * mean)
    assert metrics["test/pass_at_4"] == pytest.approx(sum(lucky) / 6)
    assert metrics["test/accuracy_of_answers_to_16_tokens"] >= 0
    level = items[0]["difficulty"]
    same = [luck for luck, item in zip(lucky, items, strict=True) if item["difficulty"] == level]
    expected = 0.5 * sum(same) / len(same)
    assert metrics[f"test/accuracy_at_difficulty_{level}"] == pytest.approx(expected)
    [file] = Path(cli.trainer.log_dir).glob("answers.*.jsonl")
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(written) == 24
    assert [one["final"] for one in written[:4]] == [answer, None, None, answer]
    assert [one["right"] for one in written[:4]] == [True, False, False, True]


def test_an_evaluation_is_the_same_again_and_depends_on_no_batch(trained, tmp_path):
    first, second = (
        main(["validate", "--run", trained.trainer.log_dir, f"--{DATA}.eval_batch_size={size}"])
        for size in (4, 6)
    )
    for name, value in first.trainer.callback_metrics.items():
        assert second.trainer.callback_metrics[name].equal(value) or value.isnan(), name


def test_it_resumes_exactly(tmp_path, trained):
    changes = {**CHANGES, "trainer.max_steps": 3}
    name = ["--trainer.logger.init_args.name=run", "--ckpt_path", "last"]
    stop = {"step": 2, "hook": "on_train_batch_end", "how": "exception"}
    callback = {"class_path": "tests.helpers.StopAt", "init_args": stop}
    stopping = write_tiny(tmp_path, {**changes, "trainer.callbacks": [callback]}, "a.yaml")
    stop_run(["fit", "--config", str(stopping), *name], "exception")
    main(["fit", "--config", str(write_tiny(tmp_path, changes, "b.yaml")), *name])
    resumed = last_checkpoint(tmp_path)
    whole = last_checkpoint(Path(trained.trainer.log_dir))
    assert resumed["global_step"] == whole["global_step"] == 3
    for key, weight in whole["state_dict"].items():
        assert torch.equal(weight, resumed["state_dict"][key]), key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{MODEL}.temperature": 0.0}, "samples is 2 at temperature 0"),
        ({f"{MODEL}.top_p": 0.0}, "top_p is 0.0"),
        ({f"{MODEL}.samples": 0}, "samples is 0"),
        ({f"{DATA}.sequence_length": 256}, "beyond the model's 128 positions"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, changes)


def test_an_option_of_the_command_reaches_the_source(tmp_path):
    config = write_tiny(tmp_path, {**CHANGES, "trainer.limit_val_batches": 0})
    options = ["--trainer.max_steps=1", f"--{DATA}.source.init_args.teacher", "T0"]
    cli = main(["fit", "--config", str(config), *options, f"--{DATA}.source.init_args.rows=24"])
    assert len(cli.datamodule.rows) == 24
    assert {row["trace"] for row in cli.datamodule.rows} == {""}
    with pytest.raises(UserError, match="WorldRows has no argument 'tutor', in init_args"):
        main(["fit", "--config", str(config), f"--{DATA}.source.init_args.tutor=T0"])


def test_data_without_questions_are_refused(tmp_path):
    with pytest.raises(UserError, match="needs data with prompt, and Corpus has none"):
        run(tmp_path, {"data": tiny(tmp_path)["data"]})


def test_sharded_parameters_are_not_asked():
    model = ReasoningSFT(lm=CHANGES[f"{MODEL}.lm"], vocab_size=257)
    data = SimpleNamespace(has_validation=True)
    model._trainer = SimpleNamespace(
        strategy=FSDPStrategy(), limit_val_batches=1.0, datamodule=data
    )
    with pytest.raises(UserError, match=r"sharded parameters.*limit_val_batches 0"):
        model.setup("fit")
    model._trainer.limit_val_batches = 0
    model.setup("fit")
    with pytest.raises(UserError, match="sharded parameters"):
        model.setup("test")
