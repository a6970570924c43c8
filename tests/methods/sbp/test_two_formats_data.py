"""The corpus of the world: which tokens each of its losses is the mean of."""

import pytest

from lit_research.errors import UserError
from lit_research.methods.sbp import TwoFormatsCorpus
from lit_research.text import IGNORE
from tests.methods.sbp.worlds import world

LENGTH = 9  # format, topic, two anchors, four words, the end of text


def corpus(tmp_path, **options):
    fixed = {"tokenizer": "words", "batch_size": 4, "seed": 0, "cache_dir": str(tmp_path)}
    fixed |= {"sequence_length": 2 * LENGTH, "total_tokens": 1800}
    return TwoFormatsCorpus(**{"source": world(seed=0), **fixed, **options})


def test_the_losses_by_kind_count_the_words_of_their_documents_alone(tmp_path):
    data = corpus(tmp_path)
    for split in ("validation", "test"):
        batch = data.dataset(split).__getitems__(range(24))
        kinds = data.documents[split]["kind"]
        for row, kind in enumerate(kinds):
            groups = batch["loss_groups"][row].tolist()
            number = data.loss_groups.index(kind)
            assert groups == [-1] * 4 + [number] * 4 + [-1]
        spelled = data.tokenizer.decode(batch["labels"][0][:-1])
        assert spelled == data.documents[split]["text"][0]
        assert (batch["input_ids"][:, 0] == data.tokenizer.eos_token_id).all()
        assert (batch["labels"] != IGNORE).all()


@pytest.mark.parametrize(
    "part",
    [
        {"part": "fresh", "documents": 51},
        {"part": "posterior", "documents": 51},
        {"part": "reweighted", "documents": 51, "share_b": 0.5},
    ],
)
def test_every_arm_has_equally_many_tokens(tmp_path, part):
    arm = corpus(tmp_path, synthetic=world(seed=0, **part))
    assert arm.mixture.counts.tolist() == [75, 25]
    assert len(arm.mixture) == len(corpus(tmp_path).mixture) == 100


def test_documents_of_another_world_are_refused(tmp_path):
    data = corpus(tmp_path, source="embedded:topics", tokenizer="bytes", test_fraction=0.0)
    with pytest.raises(UserError, match="give TwoFormats"):
        data.dataset("validation")
