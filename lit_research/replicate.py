"""``python -m lit_research.replicate METHOD``: a paper's claim at laptop scale, with a verdict.

The arms, the claims and the figure are declared in the method's ``replica.py``; the arms are run
through the ordinary command, arm by arm and seed by seed (``lit_research.arms``). Results:
``replicas/METHOD.json``, ``METHOD.png`` and the method's rows in the README's table of measured
claims.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from lit_research.arms import Arm, Results, make_executor, result_file, run_arms
from lit_research.errors import UserError
from lit_research.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Verdict = Literal["reproduced", "unresolved", "contradicted"]
PACKAGES = ("lit_research", "torch", "lightning", "transformers", "numpy")
ROWS_BEGIN, ROWS_END = "<!-- replicas:begin -->", "<!-- replicas:end -->"
OUT = Path("replicas")


@dataclass(frozen=True)
class Claim:
    """What a replica says of one claim of the paper.

    Args:
        claim: the claim in one sentence.
        verdict: ``reproduced``, ``unresolved`` (this scale cannot tell) or ``contradicted``.
        effect: the number that decides, in the unit that the claim names.
        interval: its interval, (low, high).
        seeds: number of seeds behind it.
    """

    claim: str
    verdict: Verdict
    effect: float
    interval: tuple[float, float]
    seeds: int


def paired_interval(effects: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 90% interval of the mean of one effect a seed (Student's t); nan for one seed."""
    from scipy import stats

    values = np.asarray(effects, dtype=float)
    if len(values) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf(0.95, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def judge(claim: str, effects: Sequence[float] | np.ndarray) -> Claim:
    """Judge a claim whose effect is above 0 where it holds, one value a seed.

    Reproduced if its interval is above 0, contradicted if it is below, else unresolved.
    """
    low, high = paired_interval(effects)
    verdict: Verdict = "reproduced" if low > 0 else "contradicted" if high < 0 else "unresolved"
    return Claim(claim, verdict, float(np.mean(effects)), (low, high), len(effects))


class Replica(Protocol):
    """What a method's ``replica.py`` declares."""

    ARMS: list[Arm]

    def verdicts(self, results: Results) -> list[Claim]:
        """Judge the claims from the arms' metrics."""

    def figure(self, results: Results) -> Figure:
        """Draw the arms."""


def load_replica(method: str) -> Replica:
    """Import ``lit_research.methods.METHOD.replica``.

    Raises:
        UserError: there is no such method, or it declares no replica.
    """
    import pkgutil

    import lit_research.methods

    known = [m.name for m in pkgutil.iter_modules(lit_research.methods.__path__) if m.ispkg]
    if method not in known:
        raise UserError(
            f"there is no method {method!r}, on the command line: known: {', '.join(known)}"
        )
    return importlib.import_module(f"lit_research.methods.{method}.replica")


def report(method: str, claims: list[Claim], results: Results, seconds: float) -> dict[str, Any]:
    """Return the content of ``replicas/METHOD.json``; ``seconds`` are those of all arms."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "method": method,
        "claims": [asdict(claim) for claim in claims],
        "arms": results,
        "commit": commit or "unknown",
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "seconds": round(seconds, 1),
    }


def readme_rows(reports: list[dict[str, Any]]) -> str:
    """Return the README's table of measured claims, in Markdown."""
    lines = ["| method | claim | verdict | effect [interval] | seeds |", "|---|---|---|---|--:|"]
    for entry in reports:
        for c in entry["claims"]:
            low, high = c["interval"]
            effect = f"{c['effect']:.3g} [{low:.3g}, {high:.3g}]"
            lines.append(
                f"| {entry['method']} | {c['claim']} | {c['verdict']} | {effect} | {c['seeds']} |"
            )
    return "\n".join(lines)


def update_readme(readme: Path, folder: Path) -> None:
    """Write the table of all ``folder/*.json`` between the README's two marks, if it has them."""
    text = readme.read_text() if readme.is_file() else ""
    if ROWS_BEGIN not in text:
        return
    reports = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    head, rest = text.split(ROWS_BEGIN, 1)
    tail = rest.split(ROWS_END, 1)[1]
    write_atomic(readme, f"{head}{ROWS_BEGIN}\n{readme_rows(reports)}\n{ROWS_END}{tail}")


def print_table(claims: list[Claim], results: Results) -> None:
    """Print the arms and the verdicts as plain tables."""
    from rich.console import Console
    from rich.table import Table

    arms = Table("arm", "val/loss by seed", "mean")
    for name, metrics in results.items():
        losses = metrics.get("val/loss", [])
        mean = f"{sum(losses) / len(losses):.4f}" if losses else "-"
        arms.add_row(name, " ".join(f"{v:.4f}" for v in losses), mean)
    verdicts = Table("claim", "verdict", "effect", "interval")
    for c in claims:
        verdicts.add_row(
            c.claim, c.verdict, f"{c.effect:.4g}", f"{c.interval[0]:.4g} to {c.interval[1]:.4g}"
        )
    console = Console()
    console.print(arms)
    console.print(verdicts)


def run(options: argparse.Namespace) -> None:
    """Run the replica that the options name, judge it and write its results."""
    replica, out = load_replica(options.method), Path(options.out)
    arms = [arm for arm in replica.ARMS if options.only is None or arm.name in options.only]
    if not arms:
        names = ", ".join(arm.name for arm in replica.ARMS)
        raise UserError(f"there is no arm {options.only}, on the command line: known: {names}")
    with make_executor(options.executor, options.jobs) as executor:
        work = out / "work" / options.method
        results = run_arms(arms, range(options.seeds), work, executor)
    # A verdict needs all arms; with --only, the others are run another time or on another machine.
    claims = replica.verdicts(results) if len(arms) == len(replica.ARMS) else []
    print_table(claims, results)
    if claims:
        spent = [
            json.loads(result_file(arm, seed, work).read_text())["seconds"]
            for arm in arms
            for seed in range(options.seeds)
        ]
        content = report(options.method, claims, results, sum(spent))
        write_atomic(out / f"{options.method}.json", json.dumps(content, indent=1) + "\n")
        replica.figure(results).savefig(out / f"{options.method}.png", dpi=110)
        if out.resolve() == OUT.resolve():  # the table is of the results beside it
            update_readme(Path("README.md"), out)


def main(args: list[str] | None = None) -> None:
    """Parse the command line and run; a user's mistake is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m lit_research.replicate", description=__doc__)
    parser.add_argument("method", help="a folder of lit_research/methods")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, 0 to SEEDS-1")
    parser.add_argument("--only", nargs="+", metavar="ARM", help="run only these arms")
    parser.add_argument("--jobs", type=int, default=1, help="arms that run side by side")
    parser.add_argument(
        "--executor", help="path of an Executor, such as lit_research.executors.RayExecutor"
    )
    parser.add_argument("--out", default=str(OUT), help="folder of the results")
    try:
        run(parser.parse_args(args))
    except UserError as error:
        print(f"replicate: error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
