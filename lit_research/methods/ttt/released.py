"""Convert the released checkpoints of TTT-E2E, which the official JAX code wrote with Orbax.

    python -m lit_research.methods.ttt.released FOLDER OUT --tokenizer TOKENIZER

``FOLDER`` is the result of ``gcloud storage cp -r gs://ttt-e2e-checkpoints/NAME FOLDER``; reading
it needs the package ``orbax-checkpoint``. Without it, a ``.npz`` file of the same names works too:
``numpy.savez(path, **{"language_model.model.wte.weight": ...})``.

The official code stacks blocks and stores linear layers as ``[in, out]``; queries and keys rotate
the pairs (2 i, 2 i + 1) of a head, as here, so no rows are permuted. Every name must be present,
with consistent shapes, and no other name. Weights are written in fp32.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.methods.ttt.config import CHANGEABLE, TTTE2EConfig, check_config
from lit_research.methods.ttt.convert import write_folder
from lit_research.methods.ttt.model import TTTE2EForCausalLM

ROOT = "language_model.model."
BLOCKS, PRIME = "h.blocks.", "h.prime_storage."
# The token that is not a label in the official code.
BOS = 128_000

# Name there: name here, and sizes there. V tokens, D width, F hidden width of an MLP, L blocks, S
# of them with fast weights, d width of a head.
NAMES: dict[str, tuple[str, str]] = {
    "wte.weight": ("embed.weight", "V D"),
    "ln_f.weight": ("norm.weight", "D"),
    "h.blocks.seq_modeling_block.wq.weight": ("attention.q_proj.weight", "L D D"),
    "h.blocks.seq_modeling_block.wk.weight": ("attention.k_proj.weight", "L D D"),
    "h.blocks.seq_modeling_block.wv.weight": ("attention.v_proj.weight", "L D D"),
    "h.blocks.seq_modeling_block.wo.weight": ("attention.o_proj.weight", "L D D"),
    "h.blocks.seq_modeling_block.q_norm.weight": ("attention.q_norm.weight", "L d"),
    "h.blocks.seq_modeling_block.k_norm.weight": ("attention.k_norm.weight", "L d"),
    "h.blocks.feed_forward.w1.weight": ("mlp.w1", "L D F"),
    "h.blocks.feed_forward.w2.weight": ("mlp.w2", "L F D"),
    "h.blocks.feed_forward.w3.weight": ("mlp.w3", "L D F"),
    "h.blocks.seq_norm.weight": ("pre.attention.weight", "L D"),
    "h.blocks.seq_post_norm.weight": ("post.attention.weight", "L D"),
    "h.blocks.ffn_norm.weight": ("pre.mlp.weight", "L D"),
    "h.blocks.ffn_post_norm.weight": ("post.mlp.weight", "L D"),
    "h.prime_storage.feed_forward_prime.w1.weight": ("prime_mlp.w1", "S D F"),
    "h.prime_storage.feed_forward_prime.w2.weight": ("prime_mlp.w2", "S F D"),
    "h.prime_storage.feed_forward_prime.w3.weight": ("prime_mlp.w3", "S D F"),
    "h.prime_storage.ffn_prime_norm.weight": ("pre.prime.weight", "S D"),
    "h.prime_storage.ffn_prime_post_norm.weight": ("post.prime.weight", "S D"),
}


def from_released(source: str | Path | Mapping[str, Any], **changes: Any) -> TTTE2EForCausalLM:
    """Return a released model; its sizes follow from its weights.

    Args:
        source: an Orbax checkpoint (the folder of all steps, of which the last is used, that of one
            step, or its ``model_weights``), a ``.npz`` file, or the weights themselves: names
            joined by dots, or nested mappings, to arrays.
        changes: fields of ``TTTE2EConfig`` that no weight's shape depends on: ``window``,
            ``chunk``, ``inner_lr``, ``inner_clip``, ``rope_theta``, ``ignored_label_ids``. The
            defaults are the published values, which all released models share. A checkpoint of
            full attention has no prime MLPs and needs ``window=None``.

    Raises:
        UserError: the source cannot be read; names are missing or unknown, or shapes are
            inconsistent (all are listed); a value is impossible.
    """
    where = "in the given weights" if isinstance(source, Mapping) else f"in {str(source)!r}"
    for name in changes:
        if name not in CHANGEABLE:
            raise UserError(
                f"unknown field {name!r}, in from_released; give {', '.join(CHANGEABLE)}"
            )
    weights = _flat(source if isinstance(source, Mapping) else read_released(source))
    names = _checked_names(weights, where)
    arrays = {name: np.asarray(weights[ROOT + name], dtype=np.float32) for name in names}
    sizes = _checked_sizes(arrays, where)
    config = TTTE2EConfig(
        vocab_size=sizes["V"],
        hidden_size=sizes["D"],
        intermediate_size=sizes["F"],
        num_hidden_layers=sizes["L"],
        num_attention_heads=sizes["D"] // sizes["d"],
        num_suffix_layers=sizes.get("S", 0),
        **{"ignored_label_ids": [BOS], **changes},
    )
    check_config(config, where)
    model = TTTE2EForCausalLM(config)
    missing, _ = model.load_state_dict(_state(arrays, config), strict=False)
    assert set(missing) <= {"lm_head.weight"}, missing  # shares the embedding's
    return model.train()


def read_released(source: str | Path) -> dict[str, Any]:
    """Read the weights of a checkpoint folder or ``.npz`` file, as nested or flat names to arrays.

    Raises:
        UserError: there is no such file or folder, it is neither kind, or Orbax is not installed.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise UserError(f"there is no {str(source)!r}; give a released checkpoint's folder")
    try:
        if path.is_file():
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
        return _read_orbax(path)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{str(source)!r} cannot be read as an Orbax checkpoint or a .npz file ({first}); give "
            "a released checkpoint's folder"
        ) from error


def _read_orbax(path: Path) -> dict[str, Any]:
    try:
        from orbax import checkpoint
    except ImportError as error:
        raise UserError(
            f"orbax-checkpoint is not installed, for reading {str(path)!r}; pip install "
            "orbax-checkpoint, or give a .npz file of the same names"
        ) from error
    steps = [int(entry.name) for entry in path.iterdir() if entry.name.isdigit()]
    path = path / str(max(steps)) if steps else path
    path = path / "model_weights" if (path / "model_weights").is_dir() else path
    with checkpoint.PyTreeCheckpointer() as reader:
        metadata = reader.metadata(path.absolute()).item_metadata
        if metadata is None:
            raise ValueError("it has no metadata")
        # As local arrays: the devices that wrote them are not available here.
        args = _map(metadata.tree, lambda _: checkpoint.RestoreArgs(restore_type=np.ndarray))
        weights: dict[str, Any] = reader.restore(path.absolute(), restore_args=args)
    return weights


def _map(tree: Any, function: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _map(value, function) for name, value in tree.items()}
    return function(tree)


def _flat(tree: Mapping[str, Any], root: str = "") -> dict[str, Any]:
    """Join nested names by dots, without the None values of modules that have no weights."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{root}{name}.")
        elif value is not None:
            flat[root + name] = value
    return flat


def _checked_names(weights: Mapping[str, Any], where: str) -> list[str]:
    """Return the names without their root; all prime MLPs are present, or none."""
    prime = any(name.startswith(ROOT + PRIME) for name in weights)
    names = [name for name in NAMES if prime or not name.startswith(PRIME)]
    known = [ROOT + name for name in names]
    differences = {
        "missing": [name for name in known if name not in weights],
        "unknown": [name for name in weights if name not in known],
    }
    if any(differences.values()):
        wrong = "; ".join(f"{what}: {', '.join(n)}" for what, n in differences.items() if n)
        raise UserError(
            f"names do not fit ({wrong}), {where}; give the weights that the official code wrote"
        )
    return names


def _checked_sizes(arrays: Mapping[str, np.ndarray], where: str) -> dict[str, int]:
    """Return the sizes that the symbols of ``NAMES`` stand for."""
    sizes: dict[str, int] = {}
    wrong = []
    for name, array in arrays.items():
        symbols = NAMES[name][1].split()
        fits = len(symbols) == array.ndim and all(
            sizes.setdefault(symbol, size) == size
            for symbol, size in zip(symbols, array.shape, strict=True)
        )
        if not fits:
            expected = ", ".join(str(sizes.get(symbol, symbol)) for symbol in symbols)
            wrong.append(f"{ROOT}{name} has {list(array.shape)}, not [{expected}]")
    if not wrong and sizes["D"] % sizes["d"]:
        wrong = [f"heads of {sizes['d']} channels do not divide the width of {sizes['D']}"]
    if wrong:
        raise UserError(
            f"shapes do not fit ({'; '.join(wrong)}), {where}; give the weights of one model"
        )
    return sizes


def _state(arrays: Mapping[str, np.ndarray], config: TTTE2EConfig) -> dict[str, Tensor]:
    """Return the weights under the names of ``TTTE2EForCausalLM``."""
    prefix = config.num_hidden_layers - config.num_suffix_layers
    state = {}
    for name, array in arrays.items():
        ours, value = NAMES[name][0], torch.from_numpy(np.require(array, requirements="W"))
        if ours.endswith("_proj.weight"):  # nn.Linear keeps [out, in]
            value = value.mT
        if not name.startswith((BLOCKS, PRIME)):
            state[ours] = value
            continue
        first = prefix if name.startswith(PRIME) else 0
        for layer, row in enumerate(value, first):
            block = f"prefix.{layer}" if layer < prefix else f"suffix.{layer - prefix}"
            state[f"{block}.{ours}"] = row
    return state


def command(arguments: list[str] | None = None) -> None:
    """Write a released checkpoint as a transformers folder.

    Args:
        arguments: command line; None takes the process's.
    """
    parser = argparse.ArgumentParser(
        prog="python -m lit_research.methods.ttt.released",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", help="released checkpoint, or a .npz file of its names")
    parser.add_argument("out", help="new folder")
    parser.add_argument("--tokenizer", required=True, help="Llama-3's: a name or a folder")
    parser.add_argument(
        "--window", type=int, default=8192, help="tokens that a query attends to (8192)"
    )
    parser.add_argument("--chunk", type=int, default=1024, help="tokens per inner step (1024)")
    parser.add_argument(
        "--ignore", type=int, nargs="*", default=[BOS], help="tokens that are not labels (128000)"
    )
    options = parser.parse_args(arguments)
    write_folder(
        options.out,
        options.tokenizer,
        lambda: from_released(
            options.folder,
            window=options.window,
            chunk=options.chunk,
            ignored_label_ids=options.ignore,
        ),
    )


if __name__ == "__main__":
    command()
