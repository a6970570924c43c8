"""``python -m lit_research.replicate METHOD``: a paper's claim at laptop scale, with a verdict.

The arms, the claims and the figure are declared in the method's ``replica.py``; each arm is run
with each seed through the ordinary command. Results: ``replicas/METHOD.json``,
``METHOD.png`` and the method's rows in the README's table of measured claims.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import lit_research.methods
from lit_research.errors import UserError
from lit_research.experiments.arm_runs import result_file, run_arms
from lit_research.experiments.command import Command
from lit_research.experiments.executors.factory import make_executor
from lit_research.experiments.replica_report import print_table, report, update_readme
from lit_research.files import write_atomic
from lit_research.methods.claims import Replica

OUT = Path("replicas")


def load_replica(method: str) -> Replica:
    """Import ``lit_research.methods.METHOD.replica``.

    Raises:
        UserError: there is no such method, or it declares no replica.
    """
    known = [m.name for m in pkgutil.iter_modules(lit_research.methods.__path__) if m.ispkg]
    if method not in known:
        raise UserError(
            f"there is no method {method!r}, on the command line; must be one of {', '.join(known)}"
        )
    return importlib.import_module(f"lit_research.methods.{method}.replica")


def run(options: argparse.Namespace, command: Command) -> None:
    """Run the replica that the options name, judge it and write its results."""
    replica, out = load_replica(options.method), Path(options.out)
    arms = [arm for arm in replica.ARMS if options.only is None or arm.name in options.only]
    if not arms:
        names = ", ".join(arm.name for arm in replica.ARMS)
        raise UserError(f"there is no arm {options.only}, in --only; must be among {names}")
    with make_executor(options.executor, options.jobs) as executor:
        work = out / "work" / options.method
        results = run_arms(arms, range(options.seeds), work, command, executor)
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
        if out.resolve() == OUT.resolve():  # the table shows the results of this folder
            update_readme(Path("README.md"), out)


def main(command: Command, args: list[str] | None = None) -> None:
    """Parse the command line and run; a user's mistake is one line and exit code 2.

    Args:
        command: runs an arm's command line; ``lit_research.cli.main``.
        args: the arguments; None reads ``sys.argv``.
    """
    parser = argparse.ArgumentParser(prog="python -m lit_research.replicate", description=__doc__)
    parser.add_argument("method", help="a folder of lit_research/methods")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, 0 to SEEDS-1")
    parser.add_argument("--only", nargs="+", metavar="ARM", help="run only these arms")
    parser.add_argument("--jobs", type=int, default=1, help="arms that run in parallel")
    example = "lit_research.experiments.executors.RayExecutor"
    parser.add_argument("--executor", help=f"path of an Executor, such as {example}")
    parser.add_argument("--out", default=str(OUT), help="folder of the results")
    try:
        run(parser.parse_args(args), command)
    except UserError as error:
        print(f"replicate: error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
