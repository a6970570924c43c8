"""Repairs built from real releases, where their archives are given: long, and not in CI.

LIT_RESEARCH_SDISTS names a folder with ``sqlparse-0.5.0.tar.gz`` and ``sqlparse-0.5.1.tar.gz``.
"""

import os
from pathlib import Path

import pytest

from lit_research.methods.longcode.grading import Grader
from lit_research.methods.longcode.release_repairs import build_release_repairs
from lit_research.methods.longcode.releases import read_release
from lit_research.methods.longcode.repair_checks import check_repairs
from lit_research.methods.longcode.repair_runs import Runner
from lit_research.methods.longcode.trees import SourceTree
from lit_research.sandbox import Pool

ARCHIVES = Path(os.environ.get("LIT_RESEARCH_SDISTS", "/nowhere"))


def read(version: str) -> SourceTree:
    path = ARCHIVES / f"sqlparse-{version}.tar.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not there; LIT_RESEARCH_SDISTS names its folder")
    return read_release(path)


@pytest.mark.replica
def test_two_releases_of_sqlparse():
    old, new = read("0.5.0"), read("0.5.1")
    with Pool(["pytest"]) as pool:
        built = build_release_repairs(old, new, runs=1, runner=Runner(pool=pool))
        flipped = {test for item in built.items for test in item.fail_to_pass}
        assert len(built.items) == 5
        assert len(flipped) == 11
        grader = Grader(built.trees, pool=pool)
        assert all(checked.holds for checked in check_repairs(built.items, grader))
