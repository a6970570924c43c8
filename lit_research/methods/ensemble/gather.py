"""Put members together that were trained apart, from the checkpoints of their runs."""

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
    """Return the files that paths and glob patterns name, in order, each once.

    Raises:
        UserError: a pattern names no file.
    """
    files: list[str] = []
    for pattern in patterns:
        found = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))
        if not found:
            raise UserError(
                f"no checkpoint matches {pattern!r}, in gather of Ensemble: give the files of "
                "finished runs, such as runs/ensemble/*/version_*/checkpoints/last.ckpt"
            )
        files += [file for file in found if file not in files]
    return files


def gather_members(
    patterns: Sequence[str], build: Callable[[], PreTrainedModel], data: object = None
) -> tuple[PreTrainedModel, list[str], int]:
    """Return one stacked model of all members, the members' names, and steps that they trained.

    Args:
        patterns: checkpoints of ``Ensemble`` (members stacked) or ``Pretrain`` (one each) runs.
        build: makes a language model of the members' config.
        data: the run's data module, whose tokenizer the members must have learned with.

    Raises:
        UserError: a file is missing, is no checkpoint of such a run, or is of another model or
            tokenizer; or the same member is there twice.
    """
    lm = build()
    shapes = {name: p.shape for name, p in lm.named_parameters()}
    parts: list[dict[str, Tensor]] = []
    names: list[str] = []
    holders: dict[str, list[str]] = {}
    steps: set[int] = set()
    for file in find_checkpoints(patterns):
        checkpoint = _load(file)
        check_same_tokens(checkpoint, file, data)
        weights, of_file = _members_of(checkpoint, file, shapes)
        parts.append(weights)
        names += of_file
        for name in of_file:
            holders.setdefault(name, []).append(file)
        steps.add(checkpoint["global_step"])
    for name, files in holders.items():
        if len(files) > 1:
            raise UserError(
                f"the member of {name} is there twice, in {' and '.join(files)}, in gather of "
                "Ensemble: give patterns that name each member once, such as the runs of one --name"
            )
    if len(steps) > 1:
        raise UserError(
            f"members trained for {sorted(steps)} steps, in gather of Ensemble: give checkpoints "
            "of finished runs of one recipe"
        )
    stacked = {name: nn.Parameter(torch.cat([part[name] for part in parts])) for name in shapes}
    return with_parameters(lm, stacked), names, steps.pop()


def members_config(patterns: Sequence[str]) -> Callable[[], PreTrainedModel]:
    """Return what builds a language model of the config that the first checkpoint names.

    Raises:
        UserError: as ``gather_members``.
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
        wanted = (len(names), *shape) if stacked else tuple(shape)
        if value is None or tuple(value.shape) != wanted:
            found = "missing" if value is None else f"of shape {list(value.shape)}"
            raise UserError(
                f"weight {name} is {found}, not {list(wanted)}; in {file}, in gather of Ensemble: "
                "give the members' own lm config"
            )
        weights[name] = value if stacked else value[None]
    return weights, names


def _load(file: str) -> dict[str, Any]:
    """Read a checkpoint; its tensors stay on disk until they are used."""
    try:
        checkpoint: dict[str, Any] = torch.load(
            file, map_location="cpu", weights_only=True, mmap=True
        )
        checkpoint["state_dict"], checkpoint["hyper_parameters"]["lm"], checkpoint["global_step"]
    except Exception as error:  # a damaged file can fail in any layer below
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"cannot read a checkpoint: {reason}; from {file}, in gather_members: "
            "give checkpoints of Ensemble or Pretrain runs"
        ) from error
    return checkpoint
