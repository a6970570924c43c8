"""``python -m lit_research.replicate METHOD``: a paper's claim at laptop scale, with a verdict.

The arms, the claims and the figure are declared in the method's ``replica.py``, those of a second
replica, which is called METHOD_NAME, in its ``replica_NAME.py``; each arm is run with each seed
through the ordinary command. Results: ``replicas/METHOD.json``, ``METHOD.png`` and the method's
rows in the README's table of measured claims. Until all arms are done, what each run measured is
kept in ``replicas/runs/METHOD.json``, so that arms can be run on several days or machines.
``--judge`` takes the arms from the JSON and states the verdicts again. A method with a plan in
``replicas/plans`` is judged by it and by nothing else; ``--pilot`` says how many seeds the plan's
claims need.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import lit_research.methods
from lit_research.errors import UserError
from lit_research.experiments.arm_runs import result_file, run_arms
from lit_research.experiments.command import Command
from lit_research.experiments.executors.factory import make_executor
from lit_research.experiments.kept_runs import keep, restore, runs_file
from lit_research.experiments.plan import PILOT_SEEDS, Plan, load_plan
from lit_research.experiments.replica_report import (
    print_findings,
    print_proposals,
    print_table,
    report,
    update_readme,
)
from lit_research.files import replacing, write_atomic
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, Replica

OUT = Path("replicas")


def replica_modules() -> dict[str, str]:
    """Return the modules that declare replicas, by the name of each on the command line."""
    found = {}
    for package in pkgutil.iter_modules(lit_research.methods.__path__):
        if package.ispkg:
            found[package.name] = f"{package.name}.replica"
            folder = Path(lit_research.methods.__path__[0]) / package.name
            for module in sorted(folder.glob("replica_*.py")):
                name = module.stem.removeprefix("replica_")
                found[f"{package.name}_{name}"] = f"{package.name}.{module.stem}"
    return found


def load_replica(method: str) -> Replica:
    """Import ``lit_research.methods.METHOD.replica``, or ``replica_NAME`` for ``METHOD_NAME``.

    Raises:
        UserError: there is no such method, or it declares no replica.
    """
    known = replica_modules()
    if method not in known:
        raise UserError(
            f"there is no method {method!r}, on the command line; must be one of {', '.join(known)}"
        )
    return importlib.import_module(f"lit_research.methods.{known[method]}")


def plan_of(method: str, out: Path) -> Plan | None:
    """Return the plan of a method, ``OUT/plans/METHOD.yaml``, or None where it has none."""
    path = out / "plans" / f"{method}.yaml"
    return load_plan(path) if path.is_file() else None


def run(options: argparse.Namespace, command: Command) -> None:
    """Run the replica that the options name, judge it and write its results.

    Raises:
        UserError: there is no such arm, or the plan looks at another number of seeds.
    """
    replica, out = load_replica(options.method), Path(options.out)
    plan = plan_of(options.method, out)
    seeds = options.seeds or (plan.seeds if plan else 3)
    if plan is not None:
        plan.check_seeds(seeds)
    arms = [arm for arm in replica.ARMS if options.only is None or arm.name in options.only]
    if not arms:
        names = ", ".join(arm.name for arm in replica.ARMS)
        raise UserError(f"there is no arm {options.only}, in --only; must be among {names}")
    results, seconds = _run_seeds(options, arms, range(seeds), command, plan)
    # A verdict needs all arms; with --only, the others are run another time or on another machine.
    claims = _verdicts(replica, plan, results) if len(arms) == len(replica.ARMS) else []
    print_table(claims, results)
    if claims:
        content = report(options.method, claims, results, seconds)
        _write(replica, content | _findings(replica, results), out)
        runs_file(out, options.method).unlink(missing_ok=True)


def _run_seeds(
    options: argparse.Namespace, arms: list[Arm], seeds: range, command: Command, plan: Plan | None
) -> tuple[Results, float]:
    """Return what arms measured, and the seconds of all their runs."""
    work = Path(options.out) / "work" / options.method
    kept, plan_hash = runs_file(Path(options.out), options.method), plan.hash if plan else None
    restore(kept, arms, seeds, work)
    keep_all = partial(keep, kept, arms, seeds, work)
    try:
        with make_executor(options.executor, options.jobs) as executor:
            results = run_arms(arms, seeds, work, command, executor, plan_hash, keep_all)
    finally:  # those that ended while an interrupted one waited for them
        keep_all()
    files = [result_file(arm, seed, work) for arm in arms for seed in seeds]
    return results, sum(json.loads(file.read_text())["seconds"] for file in files)


def _findings(replica: Replica, results: Results) -> dict[str, Any]:
    """Return and print what the replica says beside its claims, if anything."""
    if (find := getattr(replica, "findings", None)) is None:
        return {}
    found = find(results)
    print_findings(found)
    return {"findings": found}


def _verdicts(replica: Replica, plan: Plan | None, results: Results) -> list[Claim]:
    """Judge the claims: those of the plan, or the replica's own where there is none."""
    return replica.verdicts(results) if plan is None else plan.judge(replica.effects(results))


def pilot(options: argparse.Namespace, command: Command) -> None:
    """Run seeds that no plan uses, and print how many the primary claims need.

    Writes ``OUT/plans/METHOD.pilot.json``.

    Raises:
        UserError: the method has no plan.
    """
    replica, out = load_replica(options.method), Path(options.out)
    plan = plan_of(options.method, out)
    if plan is None:
        raise UserError(f"there is no {out}/plans/{options.method}.yaml, for --pilot; write a plan")
    seeds = range(PILOT_SEEDS, PILOT_SEEDS + (options.seeds or 4))
    results, seconds = _run_seeds(options, replica.ARMS, seeds, command, plan)
    proposals = plan.propose(replica.effects(results))
    print_table([], results)
    print_proposals(proposals, plan.seeds)
    content = {"method": options.method, "plan": plan.hash, "pilot": proposals, "arms": results}
    path = out / "plans" / f"{options.method}.pilot.json"
    write_atomic(path, json.dumps({**content, "seconds": round(seconds, 1)}, indent=1) + "\n")


def judge(options: argparse.Namespace) -> None:
    """Judge arms that were run before, from ``OUT/METHOD.json``; all else of the file stays.

    Raises:
        UserError: there is no such file, it lacks an arm, or it was made under another plan.
    """
    replica, out = load_replica(options.method), Path(options.out)
    path, plan = out / f"{options.method}.json", plan_of(options.method, out)
    if not path.is_file():
        raise UserError(f"there is no {path}, for --judge; run the arms: leave --judge out")
    content = json.loads(path.read_text())
    results = content["arms"]
    if missing := [arm.name for arm in replica.ARMS if arm.name not in results]:
        raise UserError(f"{path} lacks the arms {', '.join(missing)}, for --judge; run them first")
    made_under = {claim["plan"] for claim in content["claims"]}
    if made_under != {plan and plan.hash}:
        raise UserError(
            f"{path} was made under the plan {', '.join(map(str, made_under))}, and today's is "
            f"{plan and plan.hash}, for --judge; restore that plan, or run the arms under this one"
        )
    claims = _verdicts(replica, plan, results)
    print_table(claims, results)
    judged = {"claims": [asdict(claim) for claim in claims], **_findings(replica, results)}
    _write(replica, content | judged, out)


def _write(replica: Replica, content: dict[str, Any], out: Path) -> None:
    """Write the JSON and the figure, and the README's table where it is of this folder."""
    method = content["method"]
    write_atomic(out / f"{method}.json", json.dumps(content, indent=1) + "\n")
    with replacing(out / f"{method}.png") as temporary:
        replica.figure(content["arms"]).savefig(temporary, dpi=110, format="png")
    if out.resolve() == OUT.resolve():
        update_readme(Path("README.md"), out)


def main(command: Command, args: list[str] | None = None) -> None:
    """Parse the command line and run; a user's mistake is one line and exit code 2.

    Args:
        command: runs an arm's command line; ``lit_research.cli.main``.
        args: the arguments; None reads ``sys.argv``.
    """
    parser = argparse.ArgumentParser(prog="python -m lit_research.replicate", description=__doc__)
    parser.add_argument("method", help="a folder of lit_research/methods, or METHOD_NAME")
    planned = "number of seeds, 0 to SEEDS-1; the plan's, or 3 where there is none"
    parser.add_argument("--seeds", type=int, help=planned)
    tried = "run 4 seeds from 1000 on, and propose the number that the plan's claims need"
    parser.add_argument("--pilot", action="store_true", help=tried)
    parser.add_argument("--only", nargs="+", metavar="ARM", help="run only these arms")
    judged = "judge the arms of OUT/METHOD.json again, with nothing run"
    parser.add_argument("--judge", action="store_true", help=judged)
    parser.add_argument("--jobs", type=int, default=1, help="arms that run in parallel")
    example = "lit_research.experiments.executors.RayExecutor"
    parser.add_argument("--executor", help=f"path of an Executor, such as {example}")
    parser.add_argument("--out", default=str(OUT), help="folder of the results")
    try:
        options = parser.parse_args(args)
        if options.judge:
            judge(options)
        elif options.pilot:
            pilot(options, command)
        else:
            run(options, command)
    except UserError as error:
        print(f"replicate: error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
