"""Seeds that follow from others; published numbers depend on each of these values."""

import pytest

from lit_research.generation import row_seed
from lit_research.seeds import derive_seed, numbered_seed, resolve_seed

SEED_0_1 = 17_449_080_249_234_257_484
SEED_SOLVER = 13_517_634_814_779_595


def test_a_seed_is_a_hash_of_its_parts_alone():
    assert derive_seed(0, 1) == derive_seed("0", "1") == derive_seed("0:1") == SEED_0_1
    assert derive_seed(0, 1, digest_size=1) == 226
    assert derive_seed(1, 0) != derive_seed(0, 1)
    assert derive_seed(0, 3, "solver", digest_size=7, separator="/") == SEED_SOLVER


def test_seeds_of_rows_and_steps_are_those_of_published_runs():
    assert row_seed(0, 1) == SEED_0_1 >> 1
    assert numbered_seed(2, 5) == 2_000_011


@pytest.mark.parametrize(("seed", "expected"), [(3, 3), (0, 0), (None, 7)])
def test_without_a_seed_that_of_the_run_is_taken(seed, expected, monkeypatch):
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    assert resolve_seed(seed) == expected
    monkeypatch.delenv("PL_GLOBAL_SEED")
    assert resolve_seed(None) == 0
