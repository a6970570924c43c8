"""Shared hygiene: one thread, no state of the user's cache, no test's process left to the next."""

import os
import tempfile
from collections.abc import Iterator

import pytest
import torch

# Before any test module is imported, and for the subprocesses of tests too.
os.environ.setdefault(
    "LIT_RESEARCH_CACHE", os.path.join(tempfile.gettempdir(), "lit_research-tests")
)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _restore_process() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    # A run that is refused under DDP leaves its process group to the next test.
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
