"""Two arms of a replica that take a moment."""

import pytest

from lit_research.experiments import Arm
from tests.helpers import tiny, write_tiny

LM = "model.init_args.lm"


@pytest.fixture
def arms(tmp_path, monkeypatch) -> list[Arm]:
    write_tiny(tmp_path, {"trainer.logger": tiny(tmp_path)["trainer"]["logger"]}, "arm.yaml")
    monkeypatch.setattr("lit_research.methods.arms.config_dir", lambda: tmp_path)
    return [
        Arm("narrow", "arm.yaml", {f"{LM}.hidden_size": 8}),
        Arm("wide", "arm.yaml", {f"{LM}.hidden_size": 16}),
    ]
