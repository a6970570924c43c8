"""Strategies are compared at equal n and equal steps, or are marked as not compute-controlled."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lit_research.errors import UserError
from lit_research.experiments.greedy_steps import Options, Steps

# Keys of the number of rows or of steps, and of what says how many rows come out of a recipe.
_SIZE = re.compile(r"(?:^|\.)(?:recipes?(?:\.\w+)?\.n|max_rows|rows|max_steps|max_epochs)$")
_UNCONTROLLED = "not_compute_controlled"


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
