"""Warm start: convert a Llama- or Qwen-style checkpoint to a TTT-E2E model with equal logits.

    python -m lit_research.methods.ttt.convert FOLDER OUT --window 8192 --chunk 1024

Rows of queries and keys are permuted, since these checkpoints rotate the pairs (i, i + d / 2) of a
head and TTT-E2E the pairs (2 i, 2 i + 1). The prime MLPs are randomly initialised, with ``w2``
zero, so that at first they add nothing, yet ``w2`` has a gradient. There are no norms after the
sub-layers: such a norm would change the model, and at an output of zero its slope is
``1 / sqrt(eps)``. With a window as long as the text the logits are the checkpoint's; with a shorter
one they are those of the checkpoint under that window (the paper's extension starts from a model
that was trained with one). A window longer than the checkpoint's is refused. The weights are
written in fp32, which the outer optimiser and the fast weights need.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import load_lm
from lit_research.methods.ttt.config import TTTE2EConfig, check_config
from lit_research.methods.ttt.layers import SwiGLU
from lit_research.methods.ttt.model import TTTE2EForCausalLM

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3")
_LLAMA3 = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
_SCALING: dict[str, tuple[str, ...]] = {"default": (), "linear": ("factor",), "llama3": _LLAMA3}


def convert_checkpoint(
    folder: str | Path,
    *,
    window: int,
    chunk: int,
    num_suffix_layers: int | None = None,
    inner_lr: float = 1.0,
    seed: int = 0,
) -> TTTE2EForCausalLM:
    """Load a checkpoint folder as a TTT-E2E model.

    Args:
        folder: folder of a Llama, Mistral, Qwen2 or Qwen3 model of transformers.
        window: tokens that a query attends to, k.
        chunk: tokens between two inner steps, b.
        num_suffix_layers: last blocks that get a prime MLP; None is a quarter of them, at least
            one.
        inner_lr: eta; the paper's is 1, for models that were meta-trained.
        seed: seed of the prime MLPs.

    Raises:
        UserError: the folder holds no model, a model of another architecture, or one whose window
            is shorter than ``window``; or a value is impossible.
    """
    source = load_lm(folder)
    fields = _fields(source.config, str(folder))
    limit = _window_of(source.config)
    if limit is not None and window > limit:
        raise UserError(
            f"window is {window}, but the model in {str(folder)!r} has one of {limit} tokens; "
            f"must be at most {limit}"
        )
    if num_suffix_layers is None:
        num_suffix_layers = max(1, fields["num_hidden_layers"] // 4)
    config = TTTE2EConfig(
        **fields,
        window=window,
        chunk=chunk,
        num_suffix_layers=num_suffix_layers,
        inner_lr=inner_lr,
    )
    check_config(config, f"in the conversion of {str(folder)!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TTTE2EForCausalLM(config)
    missing, _ = model.load_state_dict(_weights(source, config), strict=False)
    new = {name for name, _ in model.named_parameters() if ".prime" in name}
    assert set(missing) <= new | {"lm_head.weight"}, sorted(set(missing) - new)
    with torch.no_grad():
        for block in model.suffix:
            block.prime_mlp.w2.zero_()  # type: ignore[union-attr, operator]
    return model.train()


def _fields(config: PreTrainedConfig, folder: str) -> dict[str, Any]:
    """Return the fields of ``TTTE2EConfig`` that describe a checkpoint."""
    if config.model_type not in MODEL_TYPES:
        raise UserError(
            f"a model of type {config.model_type!r} cannot be converted, in {folder!r}; give one "
            f"of type {', '.join(MODEL_TYPES)}"
        )
    rotary = dict(config.rope_parameters)
    rope_type = rotary.get("rope_type", "default")
    if rope_type not in _SCALING:
        raise UserError(
            f"rotary positions of type {rope_type!r} cannot be converted, in {folder!r}; give a "
            f"model with one of {', '.join(_SCALING)}"
        )
    if config.hidden_act != "silu" or getattr(config, "mlp_bias", False):
        raise UserError(
            f"the MLPs are not SwiGLU without biases ({config.hidden_act}), in {folder!r}; give a "
            "model with SwiGLU MLPs without biases"
        )
    biased = config.model_type == "qwen2"
    if not biased and getattr(config, "attention_bias", False):
        raise UserError(
            f"attention has a bias at its output, in {folder!r}; give a model without one"
        )
    scaling = {name: rotary[name] for name in _SCALING[rope_type]}
    same = (
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "rms_norm_eps",
        "initializer_range",
        "max_position_embeddings",
        "tie_word_embeddings",
        "bos_token_id",
        "eos_token_id",
    )
    return {
        **{name: getattr(config, name) for name in same},
        "head_dim": getattr(config, "head_dim", None),
        "rope_theta": rotary["rope_theta"],
        "rotary_scaling": scaling or None,
        "attention_bias": biased,
        "qk_norm": config.model_type == "qwen3",
        "post_norms": False,
    }


def _window_of(config: PreTrainedConfig) -> int | None:
    """Return the window of a checkpoint's blocks, or of those that have one; None if none has."""
    types = getattr(config, "layer_types", None) or ["sliding_attention"]
    return getattr(config, "sliding_window", None) if "sliding_attention" in types else None


def _weights(source: PreTrainedModel, config: TTTE2EConfig) -> dict[str, Tensor]:
    """Return a checkpoint's weights under the names of ``TTTE2EForCausalLM``."""
    given = source.state_dict()
    weights = {
        "embed.weight": given["model.embed_tokens.weight"],
        "norm.weight": given["model.norm.weight"],
        "lm_head.weight": given["lm_head.weight"],
    }
    prefix = config.num_hidden_layers - config.num_suffix_layers
    for layer in range(config.num_hidden_layers):
        ours = f"prefix.{layer}." if layer < prefix else f"suffix.{layer - prefix}."
        theirs = f"model.layers.{layer}."
        weights[f"{ours}pre.attention.weight"] = given[f"{theirs}input_layernorm.weight"]
        weights[f"{ours}pre.mlp.weight"] = given[f"{theirs}post_attention_layernorm.weight"]
        for name, key in zip(SwiGLU.NAMES, ("gate_proj", "down_proj", "up_proj"), strict=True):
            weights[f"{ours}mlp.{name}"] = given[f"{theirs}mlp.{key}.weight"].T
        attention = f"{theirs}self_attn."
        for name in [name for name in given if name.startswith(attention)]:
            key = name.removeprefix(attention)
            rotated = key.split("_")[0] in ("q", "k")
            value = to_pairs(given[name], config.head_dim) if rotated else given[name]
            weights[f"{ours}attention.{key}"] = value
    return weights


def to_pairs(rows: Tensor, head_dim: int) -> Tensor:
    """Move the rows i and i + d / 2 of each head to 2 i and 2 i + 1.

    Args:
        rows: weights ``[H * d, ...]`` or biases of queries or keys, or a norm's weight ``[d]``.
        head_dim: d.
    """
    halves = rows.unflatten(0, (-1, 2, head_dim // 2))
    return halves.transpose(1, 2).flatten(0, 2)


def command(arguments: list[str] | None = None) -> None:
    """Convert a folder and copy its tokenizer.

    Args:
        arguments: command line; None takes the process's.
    """
    parser = argparse.ArgumentParser(
        prog="python -m lit_research.methods.ttt.convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", help="checkpoint of transformers")
    parser.add_argument("out", help="new folder")
    parser.add_argument("--window", type=int, required=True, help="tokens that a query attends to")
    parser.add_argument("--chunk", type=int, required=True, help="tokens between two inner steps")
    parser.add_argument("--suffix", type=int, help="last blocks with fast weights (a quarter)")
    parser.add_argument("--inner-lr", type=float, default=1.0, help="of the inner steps")
    options = parser.parse_args(arguments)
    write_folder(
        options.out,
        os.path.expanduser(options.folder),
        lambda: convert_checkpoint(
            options.folder,
            window=options.window,
            chunk=options.chunk,
            num_suffix_layers=options.suffix,
            inner_lr=options.inner_lr,
        ),
    )


def write_folder(out: str, tokenizer: str, convert: Callable[[], TTTE2EForCausalLM]) -> None:
    """Write a converted model as a transformers folder; for commands, errors end the process.

    Args:
        out: the new folder.
        tokenizer: name or folder of the model's tokenizer.
        convert: returns the model, or raises ``UserError``.
    """
    from lit_research.lm import export_hf
    from lit_research.text import load_tokenizer

    try:
        # Cheap checks come before the weights. `export_hf` would replace a model at OUT.
        if Path(out).expanduser().exists():
            raise UserError(f"{out!r} exists, given as OUT; give a new folder")
        loaded = load_tokenizer(tokenizer)
        sys.stdout.write("reading the weights\n")
        sys.stdout.flush()
        model = convert()
        export_hf(model, loaded, out)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    sys.stdout.write(
        f"{out}: {model.num_parameters():,} parameters, prime MLPs in the last "
        f"{model.config.num_suffix_layers} of {model.config.num_hidden_layers} blocks\n"
    )


if __name__ == "__main__":
    command()
