"""Fit a law to a file of points: ``python -m lit_research.laws points.jsonl --law power``.

Prints the table of the fit and writes a figure beside the points.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lit_research.errors import UserError
from lit_research.files import replacing, write_atomic
from lit_research.laws.fitting import fit
from lit_research.laws.points import read_columns
from lit_research.laws.registry import LAWS, as_law

if TYPE_CHECKING:
    from lit_research.laws.result import Fit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 for a user's mistake, told in one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        found = _fit_file(options)
        figure = options.figure or options.points.with_suffix(".png")
        _write(found, figure, options.out)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{found.report()}\nfigure: {figure}\n")
    return 0


def _fit_file(options: argparse.Namespace) -> "Fit":
    law = as_law(_law(options.law))
    names = options.x or list(law.variables)
    if len(names) != len(law.variables):
        raise UserError(
            f"--x names {len(names)} columns: {type(law).__name__} has the variables "
            f"{', '.join(law.variables)}; give their columns in this order"
        )
    columns = read_columns(options.points, [*names, options.y])
    x = {variable: columns[name] for variable, name in zip(law.variables, names, strict=True)}
    return fit(
        law,
        x,
        columns[options.y],
        method=options.method,
        noise=options.noise,
        intervals=options.intervals,
        interval_method=options.interval_method,
        seed=options.seed,
        fixed=dict(map(_assignment, options.fix)),
        **({} if options.delta is None else {"delta": options.delta}),
    )


def _law(text: str) -> Any:
    """Return a name or a class path as it is, and a mapping in YAML as what it says."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(
            f"--law {text!r} is no YAML mapping: {' '.join(str(error).split())}; must be like "
            "'{class_path: my_file.MyLaw, init_args: {...}}'"
        ) from None


def _assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise UserError(
            f"--fix {text!r} is not NAME=VALUE with a number: give e.g. E=1.7"
        ) from None


def _write(found: "Fit", figure: Path, out: Path | None) -> None:
    """Write the figure, whole or not at all, and the fit as JSON."""
    try:
        figure.parent.resolve(strict=True)  # a missing folder is a mistake: it is not made
        with replacing(figure) as temporary:
            found.figure().savefig(temporary, dpi=150, format=figure.suffix[1:])
        if out:
            write_atomic(out, json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"the figure {figure} or --out {out} cannot be written: {reason}; give names in a "
            "folder that exists, the figure's ending in .png, .pdf or .svg"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lit_research.laws", description="Fit a scaling law to a file of points."
    )
    add = parser.add_argument
    add("points", type=Path, help="records with named numbers: .jsonl, .json or .csv")
    add(
        "--law",
        default="power",
        help=f"one of {', '.join(LAWS)} (default: power); or your own: my_file.MyLaw, or "
        "'{class_path: my_file.MyLaw, init_args: {...}}'",
    )
    add("--x", nargs="+", metavar="COLUMN", help="columns of the law's variables, in its order")
    add("--y", default="loss", metavar="COLUMN", help="column of the losses (default: loss)")
    add("--method", default="huber_log", choices=("huber_log", "ls"), help="what is minimised")
    add("--noise", type=float, metavar="SD", help="s.d. of a loss from run to run, if known")
    add("--intervals", type=float, default=0.9, metavar="LEVEL", help="confidence (default: 0.9)")
    add(
        "--interval-method",
        default="auto",
        choices=("auto", "profile", "parametric_bootstrap", "case_bootstrap"),
        help="how the intervals are found (default: profile)",
    )
    add("--delta", type=float, help="Huber's, of log loss (default: 1e-3)")
    add("--fix", nargs="+", default=[], metavar="NAME=VALUE", help="parameters that are known")
    add("--seed", type=int, default=0, help="seed of simulated points (default: 0)")
    add("--figure", type=Path, metavar="PNG", help="figure to write (default: beside the points)")
    add("--out", type=Path, metavar="JSON", help="also write the fit as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
