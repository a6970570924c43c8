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
                f"x is a plain array, for {name}, which has the variables {list(law.variables)}; "
                "must be a dict with an array for each"
            )
        x = {law.variables[0]: x}
    if set(x) != set(law.variables):
        raise UserError(
            f"x has the variables {sorted(x)}, for {name}; must be exactly {list(law.variables)}"
        )
    try:
        arrays = np.broadcast_arrays(*(_numbers(f"x[{key!r}]", x[key]) for key in law.variables))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        shapes = {key: np.shape(x[key]) for key in law.variables}
        raise UserError(
            f"x has the shapes {shapes}, for {name}; must have the same number of values of each "
            "variable"
        ) from None
    for key, array in zip(law.variables, arrays, strict=True):
        if np.any(array < law.least.get(key, 0.0)):
            raise UserError(
                f"x[{key!r}] holds {np.min(array):.6g}, for {name}; must be at least "
                f"{law.least[key]:g}"
            )
        _positive(f"x[{key!r}]", array, "must be above 0, as any measure of scale")
    return dict(zip(law.variables, arrays, strict=True))


def as_known(y: Values, known: Mapping[str, Values]) -> tuple[Array, dict[str, Array]]:
    """Targets and known variables of an inversion, broadcast to a common shape."""
    target = _numbers("y", y)
    known_arrays = {key: _numbers(key, value) for key, value in known.items()}
    for key, array in known_arrays.items():
        _positive(key, array, "must be above 0, as any measure of scale")
    return target, {
        key: np.broadcast_to(a, np.broadcast(a, target).shape) for key, a in known_arrays.items()
    }


def check_points(
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
            f"x has shapes {shapes} and y has {loss.shape}, in fit; must be one-dimensional arrays "
            "of the same length"
        )
    if method == "huber_log":
        _positive("y", loss, "must be above 0 for method='huber_log', or use method='ls'")
    distinct = len(np.unique(np.stack(list(columns.values())), axis=1).T) if n else 0
    needed = len(law.parameters)
    if distinct < needed:
        raise UserError(
            f"too few points: {distinct} distinct x among {n} points, in fit of "
            f"{type(law).__name__}, which has the {needed} parameters {list(law.names)}; "
            f"must be at least {needed}, better {needed + 2}"
        )
    return Points(columns, loss, None if noise is None else _noise(noise, n))


def _noise(noise: Values, n: int) -> Array:
    sd = _numbers("noise", noise)
    if sd.shape not in ((), (n,)):
        raise UserError(
            f"noise has shape {sd.shape} for {n} points, in fit; must be the s.d. of y, as one "
            "number or one for every point"
        )
    _positive("noise", sd, "must be above 0, or left out when it is unknown")
    return np.broadcast_to(sd, (n,)).copy()


def _numbers(name: str, values: Values) -> Array:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UserError(
            f"{name} is {values!r:.60}, which does not hold numbers alone; must be numbers"
        ) from None
    if not np.all(np.isfinite(array)):
        raise UserError(
            f"{name} holds {array[~np.isfinite(array)][0]} among {array.size} values; must be "
            "finite: leave out the points of runs that failed"
        )
    return array


def _positive(name: str, array: Array, remedy: str) -> None:
    if np.any(array <= 0):
        raise UserError(f"{name} holds {np.min(array):.6g}, which is not positive; {remedy}")


SUFFIXES = (".jsonl", ".json", ".csv")


def read_columns(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Read the named columns ``[n]`` of a table of points, one record each.

    ``.jsonl`` holds an object on every line, ``.json`` a list of objects, ``.csv`` a header.

    Raises:
        UserError: the file cannot be read, or a record lacks a column or holds no number there.
    """
    records = _records(path)
    if not records:
        raise UserError(f"{path} holds no points; must have one record for each")
    columns: dict[str, Array] = {}
    for name in names:
        values = [_number(path, position, record, name) for position, record in records]
        columns[name] = np.array(values)
    return columns


def _records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every record with its position in the file, for messages."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"{path} ends in {path.suffix!r}; points are read from {', '.join(SUFFIXES)}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"{path} cannot be read: {reason}; must be a file of points") from None
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(text.splitlines())
        return [(f"line {rows.line_num}", dict(row)) for row in rows]
    if path.suffix.lower() == ".json":
        return _objects(path, [("", text)])
    lines = [(f"line {k}", line) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    return _objects(path, lines)


def _objects(path: Path, texts: list[tuple[str, str]]) -> list[tuple[str, dict[str, Any]]]:
    """The objects in JSON texts: one in each, or a list of them in a single text."""
    objects: list[tuple[str, Any]] = []
    for position, text in texts:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            where = position or f"line {error.lineno}"
            raise UserError(
                f"{path}, {where}, is not JSON ({error.msg}); must hold objects like "
                '{"N": 1e6, "loss": 3.2}'
            ) from None
        is_list = not position and isinstance(value, list)
        objects += (
            [(f"record {k}", v) for k, v in enumerate(value, 1)] if is_list else [(position, value)]
        )
    for position, value in objects:
        if not isinstance(value, dict):
            raise UserError(
                f"{path}, {position or 'the whole file'}, holds {json.dumps(value):.40}, not an "
                "object; must be an object on every line of a .jsonl file, a list of objects in a "
                ".json file"
            )
    return objects


def _number(path: Path, position: str, record: dict[str, Any], name: str) -> float:
    if name not in record:
        raise UserError(
            f"{path}, {position}, has no column {name!r}; it has "
            f"{', '.join(map(str, record)) or 'none'}"
        )
    value = record[name]
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError):
        raise UserError(
            f"{path}, {position}, holds {value!r} for {name!r}; must be a number: correct or "
            "remove the record"
        ) from None
