"""Shared hygiene: one thread, no state of the user's cache, no test's process left to the next."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

# Before any test module is imported, and for the subprocesses of tests too.
os.environ.setdefault(
    "LIT_RESEARCH_CACHE", os.path.join(tempfile.gettempdir(), "lit_research-tests")
)
os.environ.setdefault(
    "TORCHINDUCTOR_CACHE_DIR", os.path.join(os.environ["LIT_RESEARCH_CACHE"], "inductor")
)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
# With Python's own thresholds an eighth of the time goes to looking for garbage, most of it among
# what the imports left.
gc.set_threshold(100_000, 20, 20)


@pytest.fixture(autouse=True)
def _restore_process() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    # A run that is refused under DDP leaves its process group to the next test.
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


# The files that take longest, so that no process works on at the end while the others wait.
LONGEST = [
    "methods/self_play/test_module.py",
    "methods/ttt/test_inner_loop.py",
    "readme/test_commands.py",
    "methods/dpg/test_module.py",
    "test_notebooks.py",
    "experiments/test_recipe_search.py",
    "methods/ensemble/test_module.py",
    "test_ranks.py",
    "test_scale_out.py",
    "test_resume.py",
    "test_readme.py",
    "methods/ensemble/test_distill.py",
    "test_cases.py",
    "test_bad_input.py",
    "test_cli.py",
    "test_verbs.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Never look for garbage among what the imports left."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of a file to one process, in order: what a file builds is built once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)
