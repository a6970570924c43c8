"""What the generator wrote, as the target's tokens.

Legend: N texts, S tokens of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.sft import stack_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Padding = Literal["masked", "official"]


def check_length(target: PreTrainedModel, name: str, length: int) -> None:
    """Refuse texts that are longer than the target's context.

    Args:
        target: the model.
        name: of the setting, for the message.
        length: tokens.

    Raises:
        UserError: they are.
    """
    context = getattr(target.config, "max_position_embeddings", None)
    if context is not None and length > context:
        raise UserError(
            f"{name} is {length} tokens, and the target's context {context}: give at most {context}"
        )


def encode_texts(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    *,
    length: int,
    padding: Padding = "masked",
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``labels`` (next tokens) ``[N, S]``.

    Texts are cut at the right: the last label of a text that is cut is the token that follows
    there, and only a text that fits ends in a position without one. The tokenizer puts its own
    first token before a text if it has one; no end-of-text token is put after it.

    Args:
        texts: N of them.
        tokenizer: the target's.
        length: S, tokens.
        padding: ``masked``: only a text's own tokens are learned, nothing of an empty one.
            ``official``: as the official code has it, rows are filled with token 0, which is
            learned after token 0 (in an empty text, after its first position), and end-of-text
            tokens are not.
    """
    rows = tokenizer(list(texts), verbose=False)["input_ids"]
    filler = 0 if padding == "official" else IGNORE
    # Shifted before they are cut: what follows the last token that stays may be known.
    pairs = [(ids, [*ids[1:], IGNORE]) for ids in rows]
    batch = stack_rows(pairs, width=length, pad_label=filler)
    if padding == "official" and tokenizer.eos_token_id is not None:
        batch["labels"][batch["labels"] == tokenizer.eos_token_id] = IGNORE
    return batch
