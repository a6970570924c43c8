"""Losses of the world are those of the tokens they name, and every verb can read it."""

import numpy as np
import pytest
import torch

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.methods.megadocs import Records, RecordsCorpus
from lit_research.methods.megadocs.records_corpus import GROUPS, passage_groups
from tests.helpers import tiny

PATH = "lit_research.methods.megadocs.Records"
SMALL = {"entities": 40, "validation_entities": 12, "passage_pieces": 4}


def source(part="corpus", generations=None, **options):
    given = {"part": part, "generations": generations, **SMALL, **options}
    return {"class_path": PATH, "init_args": given}


def arguments(**changes):
    fixed = {
        "source": source(),
        "synthetic": source("stitched", 3),
        "passes": 2,
        "share": 0.75,
        "sequence_length": 40,
        "batch_size": 4,
    }
    return {**fixed, **changes}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return RecordsCorpus(**arguments(), seed=7, cache_dir=str(tmp_path_factory.mktemp("cache")))


def words(data, split="validation"):
    """Return the label words of each group, over all rows."""
    rows = data.dataset(split)
    batch = rows.__getitems__(np.arange(len(rows)))
    found = {name: [] for name in GROUPS}
    names = [*data.records.vocabulary(), "<end>"]
    for group, label in zip(batch["loss_groups"].flatten(), batch["labels"].flatten(), strict=True):
        if group >= 0:
            found[GROUPS[group]].append(names[label])
    return found


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_groups_are_what_their_names_say(data, split):
    found = words(data, split)
    # A document has 9 words and the end of text; the first word is no label.
    for half in ("short", "tuning"):
        assert len(found[half]) == 6 * 9
        assert found[half].count("<end>") == 6
    assert len(found["first_values"]) == 12 * 4
    assert len(found["late_values_last_a"]) == 2 * 4
    assert len(found["late_values_last_others"]) == 10 * 4
    for name in GROUPS[2:]:
        assert all("=" in word for word in found[name])


def test_late_values_are_values_that_were_stated_before():
    for texts in Records(**SMALL, seed=7).passages("validation"):
        flat = " ".join(texts).split()
        late = [g.startswith("late") for g in (GROUPS[i] if i >= 0 else "" for i in groups(texts))]
        for at, word in enumerate(flat):
            if late[at]:
                assert word in flat[:at]
                assert texts[-1].split().count(word) == 1
        assert sum(late) == 4


def groups(texts):
    found = passage_groups(texts)
    assert len(found) == len(" ".join(texts).split()) + 1
    return found[:-1]


def test_masked_windows_and_rows_have_what_the_model_reads(tmp_path):
    data = RecordsCorpus(**arguments(mask_across_documents=True), seed=7, cache_dir=str(tmp_path))
    assert "position_ids" in next(iter(data.train_dataloader()))
    assert "loss_groups" in next(iter(data.val_dataloader()))


def test_arms_of_a_seed_share_the_world(data, tmp_path):
    other = RecordsCorpus(
        **arguments(synthetic=source("simple", 2)), seed=7, cache_dir=str(tmp_path)
    )
    for split in ("train", "validation"):
        assert data.split(split)["text"] == other.split(split)["text"]
    assert len(data.mixture) == len(other.mixture)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sequence_length": 35}, "sequence_length is 35, .* the passages have 36 tokens"),
        ({"source": source("simple", 1)}, "with its part corpus"),
        ({"source": "embedded", "tokenizer": "bytes"}, "source is 'embedded'"),
    ],
)
def test_what_cannot_be_graded_is_refused(tmp_path, changes, message):
    data = RecordsCorpus(**arguments(**changes), seed=7, cache_dir=str(tmp_path))
    with pytest.raises(UserError, match=message):
        data.dataset("validation")


def test_every_verb_reads_it(tmp_path):
    changes = {
        "data": {"class_path": "RecordsCorpus", "init_args": arguments()},
        "trainer.max_steps": ...,
        "trainer.max_epochs": 1,
        "trainer.val_check_interval": 1.0,
        "trainer.limit_val_batches": 1.0,
        "model.init_args.lm.max_position_embeddings": 40,
    }
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path, changes)})
    metrics = cli.trainer.callback_metrics
    assert all(torch.isfinite(metrics[f"val/loss_of_{name}"]) for name in GROUPS)
    assert cli.trainer.global_step == 2 * len(cli.datamodule.windows("train"))
    [tested] = cli.trainer.test(cli.model, cli.datamodule, verbose=False)
    assert tested["test/loss_documents_to_128"] == pytest.approx(tested["test/loss"])
