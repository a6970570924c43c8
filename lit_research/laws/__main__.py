"""Fit a law to a file of points: ``python -m lit_research.laws points.jsonl --law power``.

Prints a report of the fit and writes a figure next to the file of points.
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
    """Run the command; a user's mistake is one line on stderr and exit code 2."""
    options = _parser().parse_args(arguments)
    try:
        result = _fit_file(options)
        figure = options.figure or options.points.with_suffix(".png")
        _write(result, figure, options.out)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{result.report()}\nfigure: {figure}\n")
    return 0


def _fit_file(options: argparse.Namespace) -> "Fit":
    law = as_law(_parse_law(options.law))
    names = options.x or list(law.variables)
    if len(names) != len(law.variables):
        raise UserError(
            f"--x names {len(names)} columns, for {type(law).__name__}; must be the columns of its "
            f"variables {', '.join(law.variables)}, in this order"
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


def _parse_law(text: str) -> Any:
    """Return a name or a class path as it is, and the content of a mapping in YAML."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(
            f"--law is {text!r}, which is not a YAML mapping ({' '.join(str(error).split())}); "
            "must be like '{class_path: my_file.MyLaw, init_args: {...}}'"
        ) from None


def _assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise UserError(
            f"--fix is {text!r}; must be NAME=VALUE with a number, such as E=1.7"
        ) from None


def _write(result: "Fit", figure: Path, out: Path | None) -> None:
    """Write the figure and, if requested, the fit as JSON; both atomically."""
    try:
        figure.parent.resolve(strict=True)  # a missing folder is a mistake: it is not made
        with replacing(figure) as temporary:
            result.figure().savefig(temporary, dpi=150, format=figure.suffix[1:])
        if out:
            write_atomic(out, json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"the figure {figure} or --out {out} cannot be written ({reason}); must be in an "
            "existing folder, the figure's name ending in .png, .pdf or .svg"
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
    add("--noise", type=float, metavar="SD", help="s.d. of a loss between runs, if known")
    add("--intervals", type=float, default=0.9, metavar="LEVEL", help="confidence (default: 0.9)")
    add(
        "--interval-method",
        default="auto",
        choices=("auto", "profile", "parametric_bootstrap", "case_bootstrap"),
        help="how the intervals are found (default: profile)",
    )
    add("--delta", type=float, help="Huber's delta, of log loss (default: 1e-3)")
    add("--fix", nargs="+", default=[], metavar="NAME=VALUE", help="parameters that are known")
    add("--seed", type=int, default=0, help="seed of simulated points (default: 0)")
    add("--figure", type=Path, metavar="PNG", help="figure to write (default: next to the points)")
    add("--out", type=Path, metavar="JSON", help="also write the fit as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
