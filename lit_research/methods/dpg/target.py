"""The target: a model that can be differentiated twice, and texts as its tokens.

Legend: N texts, S tokens of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import IGNORE, lm_from_spec
from lit_research.sft import stack_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Padding = Literal["masked", "official"]


def make_target(
    spec: dict[str, Any], vocab_size: int, seed: int, dtype: str, device: torch.device
) -> PreTrainedModel:
    """Return a target that can be differentiated twice.

    It is in evaluation mode: the backward pass would draw another dropout mask.

    Args:
        spec: see ``lm_from_spec``.
        vocab_size: number of tokens, if the target is built.
        seed: seed of its weights, if it is built; torch's global random state is not changed.
        dtype: dtype of the weights.
        device: device of the weights.
    """
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        target = lm_from_spec(spec, vocab_size, attention="math", dtype=dtype).eval()
        return target.to(device)


def check_length(target: PreTrainedModel, name: str, length: int) -> None:
    """Check that texts of a length fit the target's context.

    Args:
        target: the model.
        name: name of the setting, for the message.
        length: length in tokens.

    Raises:
        UserError: they do not fit.
    """
    context = getattr(target.config, "max_position_embeddings", None)
    if context is not None and length > context:
        raise UserError(
            f"{name} is {length} tokens, and the target's context {context}; give at most {context}"
        )


def encode_texts(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    length: int,
    padding: Padding = "masked",
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``labels`` (next tokens) ``[N, S]``.

    Texts are truncated on the right: the last label of a truncated text is its next token, and only
    a text that fits ends in a position without a label. The tokenizer prepends its
    beginning-of-text token if it has one; no end-of-text token is appended.

    Args:
        texts: the N texts.
        tokenizer: tokenizer of the target.
        length: tokens per row, S.
        padding: ``masked``: only the tokens of a text are learned, nothing of an empty one.
            ``official``: as in the official code, rows are padded with token 0, which is learned
            after token 0 (in an empty text, after its first position), and end-of-text tokens are
            not learned.
    """
    rows = tokenizer(list(texts), verbose=False)["input_ids"]
    pad_label = 0 if padding == "official" else IGNORE
    # Shifted before truncation: the token after the last one that is kept is known.
    pairs = [(ids, [*ids[1:], IGNORE]) for ids in rows]
    batch = stack_rows(pairs, width=length, pad_label=pad_label)
    if padding == "official" and tokenizer.eos_token_id is not None:
        batch["labels"][batch["labels"] == tokenizer.eos_token_id] = IGNORE
    return batch
