"""Load members that were trained in separate runs, from their checkpoints, into one ensemble."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.methods.ensemble.members import with_parameters
from lit_research.tokenizer_check import check_same_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def find_checkpoints(patterns: Sequence[str]) -> list[str]:
    """Return the files that match paths and glob patterns, in order, without duplicates.

    Raises:
        UserError: a pattern matches no file.
    """
    files: list[str] = []
    for pattern in patterns:
        matches = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))
        if not matches:
            raise UserError(
                f"no checkpoint matches {pattern!r}, in gather of Ensemble; give the files of "
                "finished runs, such as runs/ensemble/*/version_*/checkpoints/last.ckpt"
            )
        files += [file for file in matches if file not in files]
    return files


def load_members(
    patterns: Sequence[str], build: Callable[[], PreTrainedModel], data: object = None
) -> tuple[PreTrainedModel, list[str], int]:
    """Return one stacked model of all members, the members' names, and their training steps.

    Args:
        patterns: checkpoints of ``Ensemble`` (stacked members) or ``Pretrain`` (one each) runs.
        build: builds a language model of the members' config.
        data: the run's data module, which must have the members' tokenizer.

    Raises:
        UserError: a file is missing, is no checkpoint of such a run, or has another model or
            tokenizer; or a member is duplicated.
    """
    lm = build()
    shapes = {name: p.shape for name, p in lm.named_parameters()}
    weights: list[dict[str, Tensor]] = []
    names: list[str] = []
    files_of: dict[str, list[str]] = {}
    steps: set[int] = set()
    for file in find_checkpoints(patterns):
        checkpoint = _load(file)
        check_same_tokens(checkpoint, file, data)
        file_weights, file_names = _members_of(checkpoint, file, shapes)
        weights.append(file_weights)
        names += file_names
        for name in file_names:
            files_of.setdefault(name, []).append(file)
        steps.add(checkpoint["global_step"])
    for name, files in files_of.items():
        if len(files) > 1:
            raise UserError(
                f"duplicate member ({name}, in {' and '.join(files)}), in gather of "
                "Ensemble; give patterns that name each member once, such as the runs of one --name"
            )
    if len(steps) > 1:
        raise UserError(
            f"members trained for {sorted(steps)} steps, in gather of Ensemble; give checkpoints "
            "of finished runs of one recipe"
        )
    stacked = {name: nn.Parameter(torch.cat([w[name] for w in weights])) for name in shapes}
    return with_parameters(lm, stacked), names, steps.pop()


def member_builder(patterns: Sequence[str]) -> Callable[[], PreTrainedModel]:
    """Return a function that builds a language model of the first checkpoint's config.

    Raises:
        UserError: as ``load_members``.
    """
    from lit_research.lm import build_lm

    args = _load(find_checkpoints(patterns)[0])["hyper_parameters"]
    options = {key: args[key] for key in ("vocab_size", "attention")}
    return partial(build_lm, args["lm"], **options)


def _members_of(
    checkpoint: dict[str, Any], file: str, shapes: dict[str, torch.Size]
) -> tuple[dict[str, Tensor], list[str]]:
    """Return the stacked weights of a checkpoint, ``[k, ...]`` each, and its members' names."""
    state, args = checkpoint["state_dict"], checkpoint["hyper_parameters"]
    stacked = "seeds" in args
    names = [f"seed {seed}" for seed in args["seeds"]] if stacked else [file]
    weights = {}
    for name, shape in shapes.items():
        value = state.get(f"lm.{name}")
        expected = (len(names), *shape) if stacked else tuple(shape)
        if value is None or tuple(value.shape) != expected:
            actual = "missing" if value is None else f"of shape {list(value.shape)}"
            raise UserError(
                f"weight {name} is {actual}, not {list(expected)}, in {file}, in gather of Ensemble"
                "; give the members' own lm config"
            )
        weights[name] = value if stacked else value[None]
    return weights, names


def _load(file: str) -> dict[str, Any]:
    """Read a checkpoint, memory-mapped: its tensors stay on disk until they are used."""
    try:
        checkpoint: dict[str, Any] = torch.load(
            file, map_location="cpu", weights_only=True, mmap=True
        )
        checkpoint["state_dict"], checkpoint["hyper_parameters"]["lm"], checkpoint["global_step"]
    except Exception as error:  # a damaged file can fail in any layer below
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"cannot read a checkpoint ({reason}), from {file}, in gather of Ensemble; "
            "give checkpoints of Ensemble or Pretrain runs"
        ) from error
    return checkpoint
