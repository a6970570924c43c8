"""A pool is the same however it was interrupted; the student's passes are exact."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import load_from_disk
from lightning.pytorch.callbacks import Callback

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.lm.engines import TransformersEngine
from lit_research.methods.ensemble.sampling import BeyondContext
from lit_research.text import load_tokenizer
from tests.callbacks.board import check_decisive_curves
from tests.helpers import run_apart, stop_run, tiny, write_tiny
from tests.methods.ensemble.helpers import MEMBERS, checkpoint, run

MODEL, DATA = "model.init_args", "data.init_args"
# Eleven texts of three members: shards of four, four and three.
POOL = {"data.class_path": "TeacherPool", f"{DATA}.documents": 11, f"{DATA}.max_tokens": 70}
STUDENT = {
    "model.class_path": "Distill",
    "data.class_path": "DistillCorpus",
    f"{DATA}.share": 0.5,
    f"{DATA}.passes": 2,
    "trainer.max_epochs": 1,
    "trainer.max_steps": ...,
    "trainer.val_check_interval": 1.0,
}


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    run(folder, {"trainer.precision": "32-true"})
    return checkpoint(folder)


class KillAtShard(Callback):
    """Kill the process before it writes a shard."""

    def __init__(self, shard: int) -> None:
        self.shard = shard

    def on_predict_batch_start(self, trainer, pl_module, batch, *_):
        if int(batch["shard"]) == self.shard:
            os.kill(os.getpid(), signal.SIGKILL)


def pool(folder, teachers, changes=None):
    return {
        **MEMBERS,
        **POOL,
        "trainer.precision": "32-true",
        f"{MODEL}.gather": [teachers],
        f"{DATA}.folder": str(folder / "pool"),
        **(changes or {}),
    }


def write_pool(folder, teachers, changes=None):
    folder.mkdir(exist_ok=True)
    main({"subcommand": "predict", "predict": tiny(folder, pool(folder, teachers, changes))})
    return folder / "pool"


@pytest.fixture(scope="module")
def whole_pool(teachers, tmp_path_factory):
    return write_pool(tmp_path_factory.mktemp("whole"), teachers)


def texts(folder):
    documents = load_from_disk(str(folder))
    return [(row["id"], row["source_id"], row["text"]) for row in documents]


def test_each_member_writes_its_part_and_the_card_says_which(whole_pool):
    card = json.loads((whole_pool / "card.json").read_text())
    assert card["members"] == 3
    assert card["texts"] == 11
    assert {source for _, source, _ in texts(whole_pool)} == {"member 0", "member 1", "member 2"}
    assert 0 < card["tokens"] <= 11 * 70
    assert max(len(text.encode()) for *_, text in texts(whole_pool)) <= 3 * 70


def test_killed_while_writing_the_pool_is_the_same_and_no_shard_is_written_twice(
    teachers, whole_pool, tmp_path
):
    kill = {
        "class_path": "tests.methods.ensemble.test_distill.KillAtShard",
        "init_args": {"shard": 1},
    }
    config = write_tiny(tmp_path, pool(tmp_path, teachers, {"trainer.callbacks": [kill]}))
    assert run_apart(["predict", "--config", str(config)]) == -9
    [first] = (tmp_path / "pool.shards").glob("0*.arrow")
    assert not (tmp_path / "pool").exists()
    before = first.stat().st_mtime_ns
    written = write_pool(tmp_path, teachers)
    assert first.stat().st_mtime_ns == before
    assert texts(written) == texts(whole_pool)
    card = (written / "card.json").stat().st_mtime_ns
    write_pool(tmp_path, teachers)  # complete: left alone
    assert (written / "card.json").stat().st_mtime_ns == card


def test_a_pool_of_other_weights_is_not_gone_on_with(teachers, tmp_path):
    write_pool(tmp_path, teachers)
    with pytest.raises(UserError, match="another temperature was started"):
        write_pool(tmp_path, teachers, {f"{DATA}.temperature": 0.5})
    (tmp_path / "other").mkdir()
    other = run(tmp_path / "other", {f"{MODEL}.seeds": [7], "trainer.precision": "32-true"})
    assert other.model.size == 1
    with pytest.raises(UserError, match="another members, weights was started"):
        write_pool(tmp_path, checkpoint(tmp_path / "other"))


def test_texts_longer_than_the_context_go_on_from_its_last_half():
    torch.manual_seed(0)
    config = {
        "model_type": "llama",
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 16,
    }
    tokenizer = load_tokenizer("bytes")
    engine = TransformersEngine(build_lm(config, vocab_size=len(tokenizer)), tokenizer)
    prompts = [[tokenizer.eos_token_id]] * 4
    beyond = BeyondContext(engine, tokenizer, context=16)

    def sample(seed):
        done = beyond.generate(prompts, max_new_tokens=50, seed=seed)
        return [list(completion.token_ids) for [completion] in done]

    found = sample(3)
    assert found == sample(3)
    assert found != sample(4)
    # With a seed each, a text does not depend on those beside it.
    [[third]] = beyond.generate(prompts[:1], max_new_tokens=50, seed=[7])
    assert beyond.generate(prompts[:3], max_new_tokens=50, seed=[5, 6, 7])[2][0].text == third.text
    assert max(map(len, found)) == 50
    assert not any(tokenizer.eos_token_id in text for text in found)
    # No stretch is drawn twice with the same random numbers.
    [longest] = [text for text in found if len(text) == 50][:1]
    assert longest[15:23] != longest[23:31]


def test_real_windows_get_exactly_their_passes_while_teachers_fill_the_share(whole_pool, tmp_path):
    changes = {**STUDENT, f"{DATA}.pool": str(whole_pool)}
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path, changes)})
    data = cli.datamodule
    real, teacher = data.mixture.counts.tolist()
    assert real == 2 * len(data.windows("train"))
    assert teacher == real
    assert cli.trainer.global_step == data.batches_per_epoch == -(-(real + teacher) // 4)
    stream, draw = data.mixture.locate(np.arange(real + teacher))
    assert sorted(draw[stream == 0].tolist()) == list(range(real))


@pytest.mark.parametrize(("share", "streams"), [(0.0, [124]), (1.0, None)])
def test_a_student_can_learn_from_one_kind_of_text_alone(whole_pool, tmp_path, share, streams):
    changes = {**STUDENT, f"{DATA}.pool": str(whole_pool), f"{DATA}.share": share}
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path, changes)})
    counts = cli.datamodule.mixture.counts.tolist()
    assert len(counts) == 1
    assert counts == (streams or counts)
    assert cli.trainer.global_step == -(-counts[0] // 4)


def test_a_student_of_logits_draws_near_its_teachers_and_reports_its_share(
    teachers, whole_pool, tmp_path
):
    changes = {
        **STUDENT,
        f"{DATA}.pool": str(whole_pool),
        f"{DATA}.passes": 6,
        f"{MODEL}.teachers": [teachers],
        f"{MODEL}.logit_weight": 1.0,
        f"{MODEL}.single_loss": 6.0,
        f"{MODEL}.ensemble_loss": 3.0,
    }
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path, changes)})
    check_decisive_curves(Path(cli.trainer.log_dir), cli.model)
    found = {name: float(value) for name, value in cli.trainer.callback_metrics.items()}
    assert found["train/divergence"] < 0.2
    assert found["val/retained_share"] == pytest.approx((6.0 - found["val/loss"]) / 3.0, rel=1e-5)
    # Teachers are not the student's: neither in its weights nor in its checkpoint.
    state = torch.load(checkpoint(tmp_path), weights_only=True)["state_dict"]
    assert sorted(state) == sorted(cli.model.state_dict())
    assert all(value.ndim <= 2 for value in state.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{DATA}.pool": None}, "there is no pool"),
        ({f"{DATA}.share": 1.5}, "from 0 to 1"),
        ({f"{DATA}.passes": 0}, "at least 1"),
        ({"trainer.max_epochs": 2}, "give trainer.max_epochs 1"),
        ({f"{MODEL}.logit_weight": 0.5}, "give both for logit distillation"),
        ({f"{MODEL}.teachers": ["x"]}, "give both for logit distillation"),
        ({f"{MODEL}.single_loss": 3.0}, "give both or neither"),
        ({f"{MODEL}.single_loss": 3.0, f"{MODEL}.ensemble_loss": 3.0}, "no gain"),
        ({f"{MODEL}.temperature": 0.0}, "above 0"),
        ({f"{DATA}.test_fraction": 0.2}, "learned from another training split"),
        ({f"{DATA}.pool": "nowhere"}, "nowhere"),
    ],
)
def test_mistakes_are_refused_before_training(whole_pool, tmp_path, changes, message):
    config = {**STUDENT, f"{DATA}.pool": str(whole_pool), **changes}
    with pytest.raises((UserError, ValueError), match=message):
        main({"subcommand": "fit", "fit": tiny(tmp_path, config)})


def test_a_student_that_was_stopped_ends_the_same(whole_pool, tmp_path):
    weights = []
    for stop in (None, 37):
        folder = tmp_path / str(stop)
        folder.mkdir()
        changes = {
            **STUDENT,
            f"{DATA}.pool": str(whole_pool),
            "checkpoint.every_n_train_steps": 10,
        }
        name = "--trainer.logger.init_args.name=run"
        if stop:
            args = {"step": stop, "how": "exception"}
            callbacks = [{"class_path": "tests.helpers.StopAt", "init_args": args}]
            config = write_tiny(folder, {**changes, "trainer.callbacks": callbacks})
            stop_run(["fit", "--config", str(config), name], "exception")
        config = write_tiny(folder, changes)
        main(["fit", "--config", str(config), name, "--ckpt_path", "last"])
        weights.append(torch.load(checkpoint(folder), weights_only=True)["state_dict"])
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name]), name
