"""Work by shard that is slow enough to be killed: ``python -m tests.text.shard_work FOLDER``."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from datasets import Dataset

from lit_research.text import Encoder, MinHash, embed
from lit_research.text.minhash import signatures

SETTINGS = MinHash(shingle=2, bands=2, rows=2)
TEXTS = [f"{n % 97} {n % 89} {n}" for n in range(20 * 1024)]  # 20 shards of signatures


def documents_of(count):
    rng = np.random.default_rng(count)
    texts = [" ".join(rng.integers(50, size=12).astype(str)) for _ in range(count)]
    return Dataset.from_dict({"text": texts, "id": [str(n) for n in range(count)]})


class Lengths(Encoder):
    """The length of a text and its ones; counts the texts that were encoded."""

    def __init__(self):
        self.encoded = 0

    def encode(self, texts):
        self.encoded += len(texts)
        return np.array([[len(text), text.count("1")] for text in texts], np.float32)

    def card(self):
        return {}


class SlowPool(ThreadPoolExecutor):
    """Takes its time for every call."""

    def submit(self, function, *args):
        return super().submit(lambda: (time.sleep(0.2), function(*args))[1])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    # By its own name: the path of the class is part of a cache's name.
    from tests.text.shard_work import Lengths as Encoding

    with ThreadPoolExecutor(1) as other, SlowPool(1) as first, SlowPool(1) as second:
        other.submit(signatures, TEXTS, SETTINGS, executor=second, shards=folder / "signatures")
        embed(documents_of(400), Encoding(), cache_dir=folder, executor=first, shard=20)
