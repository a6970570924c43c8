"""Load a model from a checkpoint folder of transformers, and export one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.files import replacing_folder
from lit_research.hub import load_named
from lit_research.lm.attention import resolve_attention
from lit_research.lm.build import resolve_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_lm(
    folder: str | Path, *, attention: str = "sdpa", dtype: str = "float32"
) -> PreTrainedModel:
    """Load a causal language model, in training mode like ``build_lm``.

    Weights are read from safetensors only, never from a pickle, and no code from the folder runs.

    Args:
        folder: a checkpoint folder of transformers, or a name on the model hub (``org/model``).
        attention: ``sdpa``, ``flash`` or ``math``.
        dtype: dtype of the weights.

    Raises:
        UserError: the folder is missing, damaged or no model, weights are missing, or the hub
            cannot be reached.
    """
    from transformers import AutoModelForCausalLM

    name = os.path.expanduser(folder)
    options = {"attn_implementation": resolve_attention(attention), "dtype": resolve_dtype(dtype)}

    def load(resolved: str) -> Any:
        _check_folder(resolved)
        with _quiet():
            return AutoModelForCausalLM.from_pretrained(
                resolved,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )

    right = (
        "give a folder with config.json and *.safetensors of a causal language model, or a name on "
        "the model hub"
    )
    model, report = load_named(name, load, what="language model", right=right)
    # Otherwise transformers would initialise them randomly and continue.
    if missing := sorted(report["missing_keys"]):
        raise UserError(
            f"{len(missing)} weights are missing ({missing[0]}, ...), in {name!r}; "
            "give a complete checkpoint of a causal language model"
        )
    return model.train()


def _check_folder(name: str) -> None:
    """Refuse an existing folder that holds no model."""
    path = Path(name)
    if not path.exists():
        return
    if not (path / "config.json").is_file():
        raise UserError(
            f"{name!r} is no model folder, given as a language model: it has no config.json; "
            "give one that save_pretrained or export_hf wrote"
        )
    try:
        json.loads((path / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(
            f"config.json is not JSON ({error}), in the model folder {name!r}; export it again"
        ) from error
    if not any(path.glob("*.safetensors")):
        pickled = any(path.glob("*.bin")) or any(path.glob("*.pt"))
        raise UserError(
            f"there are {'only pickled weights, which can run code' if pickled else 'no weights'}, "
            f"in the model folder {name!r}; give one with *.safetensors"
        )


def export_hf(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> None:
    """Write ``model`` and ``tokenizer`` as a folder that transformers and its servers can load.

    The folder is written atomically; an earlier export there is replaced. If the model has no
    end-of-text token, the tokenizer's is written, so that generation stops.

    Args:
        model: the language model.
        tokenizer: its tokenizer.
        folder: the target folder.

    Raises:
        UserError: the folder exists and is no export.
    """
    target = Path(folder).expanduser()
    if target.exists() and not (target / "config.json").is_file():
        raise UserError(f"{str(target)!r} exists and is no exported model: give a new folder")
    with replacing_folder(target) as new:
        _write(model, tokenizer, new)


def _write(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    generation = model.generation_config
    if generation is not None and generation.eos_token_id is None:
        generation.eos_token_id = tokenizer.eos_token_id
    with _quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide transformers' progress bars, which would disturb the trainer's."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
