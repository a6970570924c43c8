"""Test whether a model keeps packed documents apart.

A batch whose ``position_ids`` restart at each document asks the model to attend within documents.
Some architectures accept such positions and still attend across documents, some interpret positions
differently, some fail. A list of names would go out of date, so the built model is tested once, on
two short documents in a row.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm.attention import document_positions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Run = Callable[["PreTrainedModel", Mapping[str, Tensor]], Tensor]
FIRST, SECOND = 5, 6  # tokens of the two documents
# Tolerance relative to the largest logit: packed and alone, sums are taken in another order.
ALONE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 1e-1}

# What is wrong with each model that was tested; empty if nothing is.
_known: WeakKeyDictionary[PreTrainedModel, str] = WeakKeyDictionary()


def check_keeps_documents_apart(model: PreTrainedModel, run: Run) -> None:
    """Test once whether a model attends within documents.

    It costs three forward passes over two short rows, before the first batch.

    Args:
        model: a causal language model.
        run: returns its logits for a batch with ``input_ids`` and ``position_ids``.

    Raises:
        UserError: it does not, or it takes no positions.
    """
    if model not in _known:
        takes_positions = "position_ids" in inspect.signature(model.forward).parameters
        if model._is_stateful or not takes_positions:
            _refuse(model, "has a recurrent state" if takes_positions else "takes no positions")
        if _is_traced() or model.device.type == "meta":
            return
        _known[model] = _fault(model, run)
    if _known[model]:
        _refuse(model, _known[model])


def _refuse(model: PreTrainedModel, reason: str) -> None:
    raise UserError(
        f"{type(model).__name__} {reason}, in a batch whose documents are kept apart; "
        "set mask_across_documents to false, or choose a model such as llama"
    )


def _is_traced() -> bool:
    """Return whether this runs inside a transformation or a compiler, without tensor values."""
    return torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None


def _fault(model: PreTrainedModel, run: Run) -> str:
    """Return what is wrong with a model that packs two documents; empty if nothing is."""
    one, other, second = _documents(model)
    with _evaluated(model), torch.no_grad():
        try:
            packed, changed = (
                run(model, _packed(first, second)).reshape(2, FIRST + SECOND, -1)[:, FIRST:]
                for first in (one, other)
            )
            alone = run(model, _packed(second)).reshape(2, SECOND, -1)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            return f"fails on positions that begin anew ({reason[:100]})"
    scale = float(packed.abs().max())
    # A masked document adds exact zeros: nothing may change beyond rounding.
    leak = float((packed - changed).abs().max())
    if not leak <= 16 * torch.finfo(packed.dtype).eps * scale:
        return f"attends across documents (logits change by {leak:.2g} of {scale:.2g})"
    apart = float((packed - alone).abs().max())
    if not apart <= ALONE.get(packed.dtype, 1e-1) * scale:
        return f"reads a packed document otherwise than alone (by {apart:.2g} of {scale:.2g})"
    return ""


def _documents(model: PreTrainedModel) -> tuple[Tensor, Tensor, Tensor]:
    """Return token ids of two first documents and a second, without special tokens."""
    config = model.config.get_text_config()
    special = set()
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        value = getattr(config, name, None)
        special |= set(value if isinstance(value, list) else [value])
    plain = [i for i in range(min(config.vocab_size, 1000)) if i not in special]
    draw = torch.Generator().manual_seed(0)
    ids = torch.tensor(plain)[torch.randint(len(plain), (2 * FIRST + SECOND,), generator=draw)]
    one, other, second = ids.split([FIRST, FIRST, SECOND])
    if torch.equal(one, other):  # a vocabulary of one word
        other = one.flip(0)
    return tuple(ids.to(model.device) for ids in (one, other, second))


def _packed(*documents: Tensor) -> dict[str, Tensor]:
    numbers = [torch.full_like(ids, number) for number, ids in enumerate(documents)]
    positions = document_positions(torch.cat(numbers)[None])
    # Twice: some models fail on positions of more than one row.
    batch = {"input_ids": torch.cat(documents)[None], "position_ids": positions}
    return {name: value.repeat(2, 1) for name, value in batch.items()}


@contextmanager
def _evaluated(model: PreTrainedModel) -> Iterator[None]:
    """Switch off dropout, and restore the random state after it."""
    modes = [(module, module.training) for module in model.modules()]
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode
