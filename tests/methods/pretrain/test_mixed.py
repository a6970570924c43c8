"""Real and synthetic text in exact amounts, and losses of groups of tokens."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lm import lm_token_losses
from lit_research.methods.pretrain import MixedCorpus, Pretrain
from lit_research.methods.pretrain.core import sums_by_group
from lit_research.text import DocumentSource, GroupedDocuments
from tests.helpers import tiny

WORDS = [f"w{number}" for number in range(20)]
DATA = "data.init_args"


class Chains(DocumentSource):
    """Documents of seven words each: counting up for real text, down for synthetic text."""

    def __init__(self, documents: int, step: int = 1, of: str = "own", held_out: bool = True):
        self.documents, self.step, self.of, self.held_out = documents, step, of, held_out

    def splits(self) -> Mapping[str, list[dict[str, str]]]:
        def row(name: str, start: int) -> dict[str, str]:
            words = [WORDS[(start + self.step * k) % 20] for k in range(7)]
            of = f"{self.of}-{start}"
            return {"text": " ".join(words), "id": f"{name}-{self.step}-{start}", "source_id": of}

        splits = {"train": [row("train", k) for k in range(self.documents)]}
        if self.held_out:
            splits["validation"] = [row("validation", k) for k in range(4)]
        return splits

    def vocabulary(self) -> list[str]:
        return WORDS


def source(documents, **options):
    return {
        "class_path": f"{__name__}.Chains",
        "init_args": {"documents": documents, **options},
    }


def corpus(tmp_path, **options):
    fixed = {"tokenizer": "words", "sequence_length": 8, "batch_size": 2, "test_fraction": 0.0}
    return MixedCorpus(source=source(33), cache_dir=str(tmp_path), seed=0, **fixed, **options)


SYNTHETIC = source(17, step=-1, held_out=False)


def test_the_budget_holds_all_synthetic_windows_once_and_real_ones_for_the_rest(tmp_path):
    data = corpus(tmp_path, synthetic=SYNTHETIC, total_tokens=803)
    real, synthetic = data.mixture.components
    assert len(data.mixture) == 100  # windows of 8 tokens; documents have 8 with the end of text
    assert data.mixture.counts.tolist() == [84, 16]
    assert len(real.dataset) == 32
    assert len(synthetic.dataset) == 16
    assert data.batches_per_epoch == 50


def test_documents_for_tuning_are_no_others_and_move_no_others(tmp_path):
    without = corpus(tmp_path, passes=1).documents
    validating = corpus(tmp_path, passes=1, tuning_fraction=0.2)
    tuning = corpus(tmp_path, passes=1, tuning_fraction=0.2, validate_on="tuning")
    ids = {name: {*documents["id"]} for name, documents in tuning.documents.items()}
    assert ids["validation"] == {*without["validation"]["id"]}
    assert ids["train"] | ids["tuning"] == {*without["train"]["id"]}
    assert not ids["train"] & ids["tuning"]
    assert 0 < len(ids["tuning"]) < 14
    scored = {*tuning.split("validation")["id"]}
    assert scored == ids["tuning"]
    assert {*validating.split("validation")["id"]} == ids["validation"]
    assert len(tuning.windows("validation")) == len(ids["tuning"]) - 1  # the last has no next token
    assert {*tuning.split("train")["id"]} == {*validating.split("train")["id"]} == ids["train"]
    for wrong in ({"validate_on": "tuning"}, {"validate_on": "test", "tuning_fraction": 0.2}):
        with pytest.raises(UserError, match=r"validate_on is .*; must be validation, or tuning"):
            corpus(tmp_path, passes=1, **wrong)
    with pytest.raises(UserError, match=r"tuning_fraction is 1, in .*; must be"):
        corpus(tmp_path, passes=1, tuning_fraction=1)


def test_the_budget_without_synthetic_text_is_real_text_repeated(tmp_path):
    data = corpus(tmp_path, total_tokens=803)
    assert data.mixture.counts.tolist() == [100]


def test_passes_are_exact_and_the_share_is_synthetic(tmp_path):
    data = corpus(tmp_path, synthetic=SYNTHETIC, passes=3, share=0.75)
    assert len(data.mixture) == 3 * 32 * 4
    assert data.mixture.counts.tolist() == [96, 288]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one of them"),
        ({"passes": 1, "total_tokens": 80}, "give one of them"),
        ({"passes": 1, "synthetic": SYNTHETIC}, "share is None"),
        ({"passes": 1, "share": 0.5}, "share is 0.5"),
        ({"passes": 1, "share": 1.0, "synthetic": SYNTHETIC}, "above 0 and below 1"),
        ({"total_tokens": 800, "synthetic_passes": 2}, "leave it out"),
        ({"passes": 0}, "passes"),
    ],
)
def test_amounts_that_contradict_each_other_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        corpus(tmp_path, **options)


def test_synthetic_text_longer_than_the_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="16 windows, and the synthetic text alone is 16"):
        _ = corpus(tmp_path, synthetic=SYNTHETIC, total_tokens=128).mixture


def test_text_made_from_a_held_out_document_is_refused(tmp_path):
    leaked = source(17, step=-1, of="validation-1", held_out=False)
    with pytest.raises(UserError, match="'validation-1-0' first"):
        _ = corpus(tmp_path, synthetic=leaked, total_tokens=803).mixture


def test_words_need_a_source_with_a_closed_vocabulary(tmp_path):
    data = MixedCorpus(tokenizer="words", total_tokens=800, cache_dir=str(tmp_path))
    with pytest.raises(UserError, match="'embedded' has no closed vocabulary"):
        _ = data.tokenizer


class HalvesCorpus(MixedCorpus):
    """Validates the first and the last words apart."""

    loss_groups = ["first", "last"]

    def dataset(self, split):
        if split == "train":
            return super().dataset(split)
        tokens = [self.tokenizer.encode(text) for text in self.split("validation")["text"]]
        return GroupedDocuments(tokens, [[0, 0, 0, -1, 1, 1, 1]] * len(tokens))


def test_the_loss_of_each_group_is_logged(tmp_path):
    changes = {
        "data": {
            "class_path": f"{__name__}.HalvesCorpus",
            "init_args": {
                "source": source(33),
                "tokenizer": "words",
                "sequence_length": 8,
                "batch_size": 3,
                "total_tokens": 160,
                "test_fraction": 0.0,
            },
        },
        "trainer.max_steps": ...,
        "trainer.max_epochs": 1,
        "trainer.val_check_interval": 1.0,
        "trainer.limit_val_batches": 1.0,
    }
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path, changes)})
    assert isinstance(cli.model, Pretrain)
    assert cli.trainer.global_step == 7  # 20 windows, three in a batch
    batch = cli.datamodule.dataset("validation").__getitems__(np.arange(4))
    with torch.no_grad():
        losses = lm_token_losses(cli.model.eval().lm, batch, fused=False)
    metrics = cli.trainer.callback_metrics
    for group, name in enumerate(HalvesCorpus.loss_groups):
        mean = losses[batch["loss_groups"] == group].mean()
        assert float(metrics[f"val/loss_of_{name}"]) == pytest.approx(float(mean), rel=1e-5)
    assert float(metrics["val/loss"]) == pytest.approx(float(losses.mean()), rel=1e-5)


def test_sums_of_groups_leave_out_what_has_none():
    losses = torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    groups = torch.tensor([[0, -1, 2], [0, 2, -1]])
    sums, counts = sums_by_group(losses, groups, 3)
    assert sums.tolist() == [9.0, 0.0, 20.0]
    assert counts.tolist() == [2, 0, 2]
