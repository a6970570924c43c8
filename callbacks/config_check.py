"""Refuse to resume from a checkpoint of another config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl

from lit_research.errors import UserError

SECTIONS = {
    "model": pl.LightningModule.CHECKPOINT_HYPER_PARAMS_KEY,
    "data": pl.LightningDataModule.CHECKPOINT_HYPER_PARAMS_KEY,
}
# How a run is executed, not what it computes: these may differ.
EXECUTION = {
    "num_workers",
    "cache_dir",
    "compile",
    "activation_checkpointing",
    "attention",
    "jobs",
    "executor",
}
MISSING = object()


def check_same_config(
    checkpoint: Mapping[str, Any], path: str, current: Mapping[str, Mapping[str, Any]]
) -> None:
    """Compare the hyper-parameters of a checkpoint with those of the run.

    Args:
        checkpoint: its content.
        path: its path, for the message.
        current: the run's hyper-parameters, under ``model`` and ``data``.

    Raises:
        UserError: a value differs; the first few are named with both values.
    """
    different = [
        f"{name}: {saved} in the checkpoint, {current_value} in this run"
        for name, saved, current_value in differences(checkpoint, current)
    ]
    if different:
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise UserError(
            f"the checkpoint {path} is of another config ({'; '.join(different[:3])}{more}); "
            "resume with the run's own config, or set checkpoint.allow_config_change to true"
        )


def check_same_optimizer(
    checkpoint: Mapping[str, Any], path: str, current: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse an optimizer of another class than the one whose state a checkpoint holds.

    Args:
        checkpoint: its content.
        path: its path, for the message.
        current: the run's hyper-parameters, under ``model`` and ``data``.

    Raises:
        UserError: the classes differ.
    """
    for name, saved, current_value in differences(checkpoint, current):
        if name.endswith("optimizer.class_path"):
            raise UserError(
                f"{name} is {current_value}, and the checkpoint {path} holds the state of {saved}; "
                "resume with the same optimizer, or start a new run"
            )


def differences(
    checkpoint: Mapping[str, Any], current: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return what differs: dotted name, the checkpoint's value and the run's, as text.

    Args:
        checkpoint: its content.
        current: the run's hyper-parameters, under ``model`` and ``data``.
    """
    different = []
    for section, key in SECTIONS.items():
        saved, now = (_flat(h) for h in (checkpoint.get(key, {}), current.get(section, {})))
        for name in sorted({*saved, *now}):
            then, given = saved.get(name, MISSING), now.get(name, MISSING)
            if name.split(".")[0] not in EXECUTION and then != given:
                different.append((f"{section}.{name}", _show(then), _show(given)))
    return different


def _show(value: Any) -> str:
    return "not set" if value is MISSING else repr(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return dotted keys and plain values, without the keys that LightningCLI adds."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if key == "_instantiator":
            continue
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat
