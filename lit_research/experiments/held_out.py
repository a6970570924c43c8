"""A confirmation asks items that no choice has seen, or is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.experiments.greedy_steps import Options, Steps
from lit_research.storage import content_hash
from lit_research.text.files import row_files

# Keys of a data module that do not change which items are asked, but how many of them or how.
_NOT_ITEMS = ("max_items", "eval_batch_size", "batch_size", "num_workers")


def check_held_out(config: Mapping[str, Any], steps: Steps, confirm: Options, where: str) -> None:
    """Refuse a confirmation on items by which strategies are chosen.

    Files are told apart by their content, whatever their names.

    Args:
        config: of a trial, see ``read_trial``.
        steps: strategies of each step.
        confirm: options of the confirmation.
        where: names the source in messages.

    Raises:
        UserError: a held-out set is among the dev sets, or none is named.
    """
    arms = [one for strategies in steps.values() for one in strategies.values()]
    for options in ({}, *arms):
        dev, held_out = _asked(config, options), _asked(config, {**options, **confirm})
        if shared := sorted(dev.keys() & held_out.keys()):
            raise UserError(
                f"a held-out set is named among the dev sets: confirm asks {held_out[shared[0]]}, "
                f"as the trials do, {where}; must name items that no choice has seen, such as "
                "{data.init_args.validation: held_out.jsonl}"
            )


def _asked(config: Mapping[str, Any], options: Options) -> dict[str, str]:
    """Return what is asked by a trial with options: a name for a message, by identity."""
    data = json.loads(json.dumps(config.get("data") or {}, default=str))
    for key, value in options.items():
        first, *rest = key.split(".")
        if first == "data" and rest:
            _put(data, rest, value)
    args = data.get("init_args") or {}
    if (path := args.get("validation")) is not None:
        return _contents(str(path))
    split = args.get("validation_of") or "validation"
    others = {key: value for key, value in args.items() if key not in _NOT_ITEMS}
    identity = json.dumps({**others, "validation_of": split}, sort_keys=True, default=str)
    return {identity: f"the data's own items of {split!r}"}


def _contents(path: str) -> dict[str, str]:
    try:
        return {
            content_hash(one.read_bytes()): str(one) for one in row_files(Path(path).expanduser())
        }
    except (UserError, OSError):  # not there yet, or a folder of another kind
        return {str(Path(path).expanduser().absolute()): path}


def _put(content: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    *parents, last = keys
    for part in parents:
        if not isinstance(content.get(part), dict):
            content[part] = {}
        content = content[part]
    content[last] = value
