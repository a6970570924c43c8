"""Two processes log what one logs, of evaluations that leave one of them less, or nothing."""

import lightning.pytorch as pl
import pytest
import torch

from lit_research.callbacks import LossByPosition
from lit_research.lm import IGNORE
from lit_research.methods.base import DataModule
from lit_research.methods.dpg import DatasetPolicyGradient, Prompts
from lit_research.methods.dpg.inner_run import Inner
from lit_research.methods.dpg.metrics import HeadNorm
from lit_research.methods.ensemble import Distill, Ensemble, MultipleChoice
from lit_research.methods.pretrain import Pretrain
from lit_research.methods.self_play import SelfPlay, Theorems
from lit_research.methods.ttt import TTTE2E
from lit_research.text import ShardedSampler, load_tokenizer, make_loader
from tests.helpers import run_as_ranks

SIZES = (1, 3)  # one of the two processes has none, or fewer
LLAMA = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 512,
}
TTT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_suffix_layers": 1,
    "window": 8,
    "chunk": 8,
}


class Windows(torch.utils.data.Dataset):
    """Windows of two lengths, with other numbers of labels in each."""

    def __init__(self, size, lengths):
        self.size, self.lengths = size, lengths

    def __len__(self):
        return self.size

    def __getitems__(self, indices):
        [index] = indices
        draw = torch.Generator().manual_seed(index)
        T = self.lengths[index % len(self.lengths)]
        ids = torch.randint(17, (1, T + 1), generator=draw)
        labels = ids[:, 1:].clone()
        labels[:, 1 : 2 + 2 * index] = IGNORE
        return {
            "input_ids": ids[:, :-1],
            "labels": labels,
            "document_ids": torch.full_like(labels, index),
        }


class Few(DataModule):
    """A handful of windows, one a batch."""

    unique_tokens, batches_per_epoch = 80, 1

    def __init__(self, size, lengths=(16, 32)):
        super().__init__()
        self.windows = Windows(size, lengths)
        self.document_lengths = torch.tensor([100, 1000, 100, 9000, 300])

    def val_dataloader(self):
        place = {"rank": self.trainer.global_rank, "world_size": self.trainer.world_size}
        sampler = ShardedSampler(
            self.windows, batch_size=1, shuffle=False, drop_last=False, **place
        )
        return make_loader(self.windows, sampler=sampler)

    test_dataloader = val_dataloader


def dpg(size):
    tokens = len(load_tokenizer("bytes"))
    prompts = Prompts(
        prompts=list("abcde")[:size], tokenizer="bytes", test_fraction=0.0, batch_size=1
    )
    inner = Inner(lr=1e-2, batch_size=4, length=8)
    module = DatasetPolicyGradient(
        LLAMA, LLAMA, HeadNorm(), inner, tokens, rollouts=2, max_new_tokens=6, seed=3
    )
    return module, prompts


def self_play(size):
    theorems = Theorems(families=["lists"], levels=[1], size=4, held_out=size, warm=0, seed=0)
    module = SelfPlay(LLAMA, theorems.vocab_size, eval_attempts=2, max_new_tokens=8, seed=3)
    return module, theorems


def choices(size):
    data = MultipleChoice(tokenizer="bytes", max_items=size, batch_size=1)
    return Ensemble(LLAMA, data.vocab_size, seeds=[0, 3]), data


CASES = {
    "pretrain": lambda size: (Pretrain(LLAMA, 17), Few(size)),
    "distill": lambda size: (
        Distill(lm=LLAMA, vocab_size=17, single_loss=3.0, ensemble_loss=2.0),
        Few(size),
    ),
    "ensemble": lambda size: (Ensemble(LLAMA, 17, seeds=[0, 3]), Few(size)),
    "choices": choices,
    "ttt": lambda size: (TTTE2E(TTT, 17), Few(size)),
    "dpg": dpg,
    "self_play": self_play,
}


def evaluate(folder, case, size, processes):
    """Return what validation and test log, on this rank."""
    found = {}
    for verb in ("validate", "test"):
        pl.seed_everything(1)
        module, data = CASES[case](size)
        callbacks = [LossByPosition()] if isinstance(data, Few) else []
        trainer = pl.Trainer(
            default_root_dir=folder,
            accelerator="cpu",
            devices=processes,
            strategy="ddp" if processes > 1 else "auto",
            logger=False,
            callbacks=callbacks,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        getattr(trainer, verb)(module, datamodule=data, verbose=False)
        found |= {name: float(value) for name, value in trainer.callback_metrics.items()}
    return found


def evaluate_all(folder):
    return {f"{case} {size}": evaluate(folder, case, size, 2) for case in CASES for size in SIZES}


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory):
    """What each of two processes logs; one pair of them evaluates everything."""
    return run_as_ranks(evaluate_all, tmp_path_factory.mktemp("ranks"))


@pytest.mark.filterwarnings("ignore:Starting from v1.9.0")  # no logger, on purpose
@pytest.mark.filterwarnings("ignore:The 'val_dataloader' does not have many workers")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", CASES)
def test_two_processes_log_what_one_logs(of_ranks, tmp_path, case, size):
    one = evaluate(tmp_path, case, size, 1)
    assert one
    for of_rank in of_ranks:
        assert of_rank[f"{case} {size}"] == pytest.approx(one, rel=1e-5, nan_ok=True)
