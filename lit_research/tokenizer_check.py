"""Refuse weights that were trained with another tokenizer.

Two tokenizers may share a name and a size: ``bpe:512`` of two corpora, or a folder that was
overwritten. Each id then means another text, and losses are silently wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.files import replacing_folder

TOKENIZER = "lit_research.tokenizer"
FOLDER = "tokenizer"


def tokens_hash(data: object) -> str | None:
    """Return a hash of what each id of a data module's tokenizer means; None without one."""
    tokenizer = getattr(data, "tokenizer", None)
    if tokenizer is None:
        return None
    tokens = json.dumps(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(tokens.encode()).hexdigest()


def check_same_tokens(checkpoint: Mapping[str, Any], path: str, data: object) -> None:
    """Compare the tokenizer that a checkpoint was trained with and the run's.

    Args:
        checkpoint: its content; older ones do not record a tokenizer.
        path: its path, for the message.
        data: the run's data module.

    Raises:
        UserError: they differ.
    """
    saved, current = checkpoint.get(TOKENIZER), tokens_hash(data)
    if saved is None or current is None or saved == current:
        return
    saved_folder = Path(path).absolute().parent.parent / FOLDER
    right_tokenizer = (
        str(saved_folder) if saved_folder.is_dir() else "the one that it was trained with"
    )
    raise UserError(
        f"the checkpoint {path} was trained with another tokenizer than that of "
        f"{type(data).__name__}, whose ids mean other texts; data.init_args.tokenizer must be "
        f"{right_tokenizer}"
    )


def save_trained_tokenizer(data: Any, run: Path) -> None:
    """Save a tokenizer that was trained on the run's own corpus in the run's folder."""
    if str(getattr(data, "hparams", {}).get("tokenizer", "")).startswith("bpe:"):
        with replacing_folder(run / FOLDER, only_writer=True) as folder:
            data.tokenizer.save_pretrained(str(folder))
