"""What all rivals of the metagradient train: a small GPT-2, its batches, and the metric."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from lit_research.lm import build_lm
from lit_research.metagrad import AdamW, SequenceLosses, Training
from lit_research.metagrad.saves import cost, parse_save

BATCH, LENGTH, VOCABULARY = 8, 64, 256
SIZES = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": LENGTH + 1}
LR, BETAS, EPS, EPS_ROOT = 1e-3, (0.9, 0.95), 1e-8, 1e-9


def build() -> Any:
    """Build the model, the same at each call."""
    torch.manual_seed(0)
    config = {"model_type": "gpt2", "tie_word_embeddings": False, **SIZES}
    return build_lm(config, vocab_size=VOCABULARY, attention="math").eval()


def tokens(steps: int) -> Tensor:
    """Draw the examples ``[T, B, LENGTH + 1]``."""
    draw = torch.Generator().manual_seed(1)
    return torch.randint(VOCABULARY, (steps, BATCH, LENGTH + 1), generator=draw)


def metric(model: Any) -> Tensor:
    """Phi."""
    return -model.lm_head.weight.norm()


@cache
def model() -> Any:
    """Build the model that ours train, and leave as it is: what is compiled for it is kept."""
    return build()


@cache
def problem(steps: int, save: str = "all", compiled: bool = False) -> Training:
    """Return what is trained; ``budget`` is of as many states as ``sqrt`` keeps."""
    batches = [{"input_ids": x[:, :-1], "labels": x[:, 1:]} for x in tokens(steps)]
    optimizer = AdamW(LR, BETAS, EPS, EPS_ROOT)
    if save == "budget":
        save = f"budget:{cost(parse_save('sqrt', steps), steps).states - 1}"
    losses = SequenceLosses()
    return Training(model(), batches, losses, optimizer, save=save, compile=compiled)


def metric_of(head: Tensor) -> Tensor:
    """Phi, of the output head itself."""
    return -head.norm()
