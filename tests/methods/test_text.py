"""``TextDataModule`` makes the loaders of a data module that gives its data sets alone."""

import pytest
import torch

from lit_research.methods.text import TextDataModule


class Numbers(torch.utils.data.Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitems__(self, indices):
        return {"input_ids": torch.tensor(indices)}


class Counted(TextDataModule):
    def __init__(self, batch_size: int = 4, tokenizer: str = "bytes", seed: int = 0):
        super().__init__()
        self.keep_hyperparameters()

    def dataset(self, split):
        return Numbers({"train": 10, "validation": 6, "test": 5, "predict": 3}[split])


def read(loader):
    return [batch["input_ids"].tolist() for batch in loader]


def test_a_data_set_for_each_split_is_enough():
    data = Counted()
    assert data.batches_per_epoch == 2
    train = [number for batch in read(data.train_dataloader()) for number in batch]
    assert len(train) == 8
    assert train != sorted(train)
    assert read(data.val_dataloader()) == [[0, 1, 2, 3], [4, 5]]
    assert read(data.test_dataloader()) == [[0, 1, 2, 3], [4]]
    assert read(data.predict_dataloader()) == [[0, 1, 2]]
    assert data.vocab_size == len(data.tokenizer)


def test_the_order_follows_from_the_seed():
    orders = [read(Counted(seed=seed).train_dataloader()) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_a_data_module_without_data_sets_says_what_it_needs():
    with pytest.raises(NotImplementedError, match=r"must define dataset\(split\)"):
        TextDataModule().dataset("train")
