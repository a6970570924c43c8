"""The points of a fit: read from a file (JSON lines, a JSON list, CSV), and checked once."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lit_research.errors import UserError
from lit_research.laws.base import Array, Law
from lit_research.laws.objective import Method

Values: TypeAlias = float | Sequence[float] | NDArray[np.floating] | NDArray[np.integer]


@dataclass(frozen=True)
class Points:
    """What a law is fitted to: columns ``[n]`` of ``x``, values ``y [n]``, their s.d. or None."""

    x: dict[str, Array]
    y: Array
    noise: Array | None

    def __len__(self) -> int:
        return self.y.size


def as_columns(law: Law, x: Values | Mapping[str, Values]) -> dict[str, Array]:
    """One positive array for every variable of the law, broadcast to a common shape.

    Raises:
        UserError: a variable is missing or unknown, or a value is not a positive number.
    """
    name = type(law).__name__
    if not isinstance(x, Mapping):
        if len(law.variables) > 1:
            raise UserError(
                f"x is a plain array: {name} has the variables {list(law.variables)}; "
                "give a dict with an array for each"
            )
        x = {law.variables[0]: x}
    if set(x) != set(law.variables):
        raise UserError(
            f"x has the variables {sorted(x)}: {name} has {list(law.variables)}; give exactly these"
        )
    try:
        arrays = np.broadcast_arrays(*(_numbers(f"x[{key!r}]", x[key]) for key in law.variables))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        shapes = {key: np.shape(x[key]) for key in law.variables}
        raise UserError(
            f"the variables of {name} have the shapes {shapes}; give the same number of each"
        ) from None
    for key, array in zip(law.variables, arrays, strict=True):
        if np.any(array < law.least.get(key, 0.0)):
            raise UserError(
                f"x[{key!r}] holds {np.min(array):.6g}: {name} is defined from "
                f"{law.least[key]:g} upwards; correct or leave out these points"
            )
        _positive(f"x[{key!r}]", array, "a law of scale is defined for positive numbers")
    return dict(zip(law.variables, arrays, strict=True))


def as_known(y: Values, known: Mapping[str, Values]) -> tuple[Array, dict[str, Array]]:
    """Targets and known variables of an inversion, broadcast to a common shape."""
    target = _numbers("y", y)
    given = {key: _numbers(key, value) for key, value in known.items()}
    for key, array in given.items():
        _positive(key, array, "a law of scale is defined for positive numbers")
    return target, {
        key: np.broadcast_to(a, np.broadcast(a, target).shape) for key, a in given.items()
    }


def gather(
    law: Law,
    x: Values | Mapping[str, Values],
    y: Values,
    noise: Values | None,
    method: Method,
) -> Points:
    """Check the points of a fit.

    Raises:
        UserError: wrong shapes, values that are no (positive) numbers, or too few distinct points
            for the law's parameters.
    """
    columns = as_columns(law, x)
    loss = _numbers("y", y)
    n = loss.size
    if loss.ndim != 1 or any(column.shape != loss.shape for column in columns.values()):
        shapes = {key: column.shape for key, column in columns.items()}
        raise UserError(
            f"x has shapes {shapes} and y has {loss.shape}: a point needs one of each; "
            "give one-dimensional arrays of the same length"
        )
    if method == "huber_log":
        _positive("y", loss, "method='huber_log' takes its logarithm; use method='ls'")
    distinct = len(np.unique(np.stack(list(columns.values())), axis=1).T) if n else 0
    needed = len(law.parameters)
    if distinct < needed:
        raise UserError(
            f"too few points: {distinct} distinct x among {n} points given to fit; "
            f"{type(law).__name__} has the {needed} parameters {list(law.names)}; "
            f"give at least {needed}, better {needed + 2}"
        )
    return Points(columns, loss, None if noise is None else _noise(noise, n))


def _noise(noise: Values, n: int) -> Array:
    sd = _numbers("noise", noise)
    if sd.shape not in ((), (n,)):
        raise UserError(
            f"noise has shape {sd.shape} for {n} points: it is the s.d. of y; "
            "give one number, or one for every point"
        )
    _positive("noise", sd, "a s.d. is positive; leave noise out when it is unknown")
    return np.broadcast_to(sd, (n,)).copy()


def _numbers(name: str, values: Values) -> Array:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UserError(
            f"{name} holds something that is no number: {values!r:.60}; give numbers"
        ) from None
    if not np.all(np.isfinite(array)):
        raise UserError(
            f"{name} holds {array[~np.isfinite(array)][0]} among {array.size} values; "
            "leave out the points of runs that failed"
        )
    return array


def _positive(name: str, array: Array, why: str) -> None:
    if np.any(array <= 0):
        raise UserError(f"{name} holds {np.min(array):.6g}, which is not positive: {why}")


SUFFIXES = (".jsonl", ".json", ".csv")


def read_columns(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Read the named columns ``[n]`` of a table of points, one record each.

    ``.jsonl`` holds an object on every line, ``.json`` a list of objects, ``.csv`` a header.

    Raises:
        UserError: the file cannot be read, or a record lacks a column or holds no number there.
    """
    records = _records(path)
    if not records:
        raise UserError(f"{path} holds no points; give a file with one record for each")
    columns: dict[str, Array] = {}
    for name in names:
        values = [_number(path, at, record, name) for at, record in records]
        columns[name] = np.array(values)
    return columns


def _records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every record with the place where it stands."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{path} ends in {path.suffix!r}: points are read from {', '.join(SUFFIXES)}; "
            "give such a file"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"{path} cannot be read: {reason}; give a file of points") from None
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(text.splitlines())
        return [(f"line {rows.line_num}", dict(row)) for row in rows]
    if path.suffix.lower() == ".json":
        return _objects(path, [("", text)])
    lines = [(f"line {k}", line) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    return _objects(path, lines)


def _objects(path: Path, texts: list[tuple[str, str]]) -> list[tuple[str, dict[str, Any]]]:
    """The objects in pieces of JSON: one in each, or a list of them in the only one."""
    found: list[tuple[str, Any]] = []
    for at, text in texts:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            where = at or f"line {error.lineno}"
            raise UserError(
                f"{path}, {where}, is not JSON ({error.msg}); give objects like "
                '{"N": 1e6, "loss": 3.2}'
            ) from None
        whole = not at and isinstance(value, list)
        found += [(f"record {k}", v) for k, v in enumerate(value, 1)] if whole else [(at, value)]
    for at, value in found:
        if not isinstance(value, dict):
            raise UserError(
                f"{path}, {at or 'the whole file'}, holds {json.dumps(value):.40}, not an object; "
                "a .jsonl file has an object on every line, a .json file a list of objects"
            )
    return found


def _number(path: Path, at: str, record: dict[str, Any], name: str) -> float:
    if name not in record:
        raise UserError(
            f"{path}, {at}, has no column {name!r}; it has {', '.join(map(str, record)) or 'none'}"
        )
    value = record[name]
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError):
        raise UserError(
            f"{path}, {at}, holds {value!r} for {name!r}: a point is made of numbers; mend or "
            "remove the record"
        ) from None
