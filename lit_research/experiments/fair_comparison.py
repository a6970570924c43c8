"""What makes a comparison of recipes void: unequal sizes, choices made on held-out items."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lit_research.catalogue import config_dir, with_bases
from lit_research.errors import UserError
from lit_research.experiments.greedy_steps import Options, Steps
from lit_research.storage import content_hash
from lit_research.text.files import row_files

# Keys of the number of rows or of steps, and of what says how many rows come out of a recipe.
_SIZE = re.compile(r"(?:^|\.)(?:recipes?(?:\.\w+)?\.n|max_rows|rows|max_steps|max_epochs)$")
_UNCONTROLLED = "not_compute_controlled"
# Keys of a data module that do not change which items are asked, but how many of them or how.
_NOT_ITEMS = ("max_items", "eval_batch_size", "batch_size", "num_workers")


def read_trial(trial: str, where: str) -> dict[str, Any]:
    """Return a trial's config with its bases, as plain data.

    Raises:
        UserError: there is no such file, or it is no config.
    """
    path = config_dir() / trial
    if not path.is_file():
        raise UserError(
            f"there is no trial config {path}, {where}; must be an absolute path, or relative to "
            f"{config_dir()}"
        )
    config: dict[str, Any] = {}
    for file in with_bases(path):
        content = yaml.safe_load(file.read_text())
        if not isinstance(content, dict):
            raise UserError(f"{file} holds no keys, {where}; must be a config")
        _merge(config, content)
    return config


def check_equal_sizes(
    config: Mapping[str, Any], steps: Steps, uncontrolled: Mapping[str, Sequence[str]], where: str
) -> None:
    """Refuse strategies that train on another number of rows, or for another number of steps.

    Args:
        config: of a trial, see ``read_trial``.
        steps: strategies of each step.
        uncontrolled: of a step the strategies that are marked as not compute-controlled.
        where: names the source in messages.

    Raises:
        UserError: a strategy sets a size that the baseline of its step has not, without a mark; or
            what is marked is no strategy, is a baseline, or leaves no comparison.
    """
    for step, names in uncontrolled.items():
        _check_marks(step, names, steps, where)
    for step, strategies in steps.items():
        baseline = next(iter(strategies))
        sizes = {name: _sizes(options) for name, options in strategies.items()}
        keys = dict.fromkeys(key for of_one in sizes.values() for key in of_one)
        for name, of_one in sizes.items():
            if name in uncontrolled.get(step, ()):
                continue
            for key in keys:
                default = True if key == _UNCONTROLLED else _at(config, key)
                ours, theirs = of_one.get(key, default), sizes[baseline].get(key, default)
                if ours != theirs:
                    what = f"a class that does not end in n rows ({ours})"
                    if key != _UNCONTROLLED:
                        what = f"{key} {ours!r} where {baseline!r} has {theirs!r}"
                    raise UserError(
                        f"strategies are compared at unequal n: {name!r} of the step {step!r} has "
                        f"{what}, {where}; give all the same, or name it in "
                        "not_compute_controlled, which shows it beside the others"
                    )


def check_equal_rows(rows: Mapping[str, Sequence[float]], step: str, where: str) -> None:
    """Refuse a step whose trials were made on different numbers of rows.

    Args:
        rows: trained on by each strategy that is compared, one a seed.
        step: its name.
        where: names the source in messages.

    Raises:
        UserError: they differ.
    """
    counts = {name: sorted(set(values)) for name, values in rows.items()}
    first = next(iter(counts), "")
    for name, values in counts.items():
        if values != counts[first]:
            raise UserError(
                f"strategies are compared at unequal n: {name!r} of the step {step!r} trained on "
                f"{values[0]:g} rows and {first!r} on {counts[first][0]:g}, {where}; give all the "
                "same, or name it in not_compute_controlled"
            )


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


def _sizes(options: Options) -> dict[str, Any]:
    """Return what an arm's options say of its size, by key."""
    found: dict[str, Any] = {}
    for key, value in _leaves(options):
        if _SIZE.search(key):
            found[key] = value
        if isinstance(value, str) and getattr(_class(value), "compute_controlled", True) is False:
            found[_UNCONTROLLED] = value
    return found


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _class(path: str) -> Any:
    """Return the class at a path; None where there is none: the trial will say so."""
    module, _, name = path.rpartition(".")
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module):
        return None
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _check_marks(step: str, names: Sequence[str], steps: Steps, where: str) -> None:
    known = list(steps.get(step, ()))
    for name in names:
        if name not in known[1:]:
            raise UserError(
                f"not_compute_controlled has {name!r} of the step {step!r}, {where}; must be a "
                f"strategy but the baseline, of {', '.join(known[1:]) or 'a step that there is'}"
            )
    if len(known) - len(set(names)) < 2:
        raise UserError(
            f"not_compute_controlled leaves one strategy of the step {step!r}, {where}; must leave "
            "two, which are compared"
        )


def _at(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, Mapping) else None
    return config


def _put(content: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    *parents, last = keys
    for part in parents:
        if not isinstance(content.get(part), dict):
            content[part] = {}
        content = content[part]
    content[last] = value


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value
