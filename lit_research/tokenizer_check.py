"""Refuses weights that learned with another tokenizer.

Two tokenizers may share a name and a size: ``bpe:512`` of two corpora, a folder that was written
anew. Each id then means another text, and losses are wrong without an error.
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
    """Compare the tokenizer that a checkpoint's weights learned with and the run's.

    Args:
        checkpoint: its content; older ones say nothing of a tokenizer.
        path: where it is, for the message.
        data: the run's data module.

    Raises:
        UserError: they differ.
    """
    then, now = checkpoint.get(TOKENIZER), tokens_hash(data)
    if then is None or now is None or then == now:
        return
    kept = Path(path).absolute().parent.parent / FOLDER
    cure = str(kept) if kept.is_dir() else "the one that the weights learned with"
    raise UserError(
        f"the checkpoint {path} learned with another tokenizer than that of "
        f"{type(data).__name__}, whose ids mean other texts: give data.init_args.tokenizer {cure}"
    )


def save_trained_tokenizer(data: Any, run: Path) -> None:
    """Keep a tokenizer that was trained on the run's own corpus beside the run."""
    if str(getattr(data, "hparams", {}).get("tokenizer", "")).startswith("bpe:"):
        with replacing_folder(run / FOLDER, only_writer=True) as folder:
            data.tokenizer.save_pretrained(str(folder))
