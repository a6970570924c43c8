"""The results of a replica: JSON, rows of the README's table, and tables in the terminal."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lit_research.files import write_atomic
from lit_research.methods.arms import Results
from lit_research.methods.claims import Claim

PACKAGES = ("lit_research", "torch", "lightning", "transformers", "numpy")
ROWS_BEGIN, ROWS_END = "<!-- replicas:begin -->", "<!-- replicas:end -->"


def report(method: str, claims: list[Claim], results: Results, seconds: float) -> dict[str, Any]:
    """Return the content of ``replicas/METHOD.json``; ``seconds`` is the total of all arms."""
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
    lines = [
        "| method | claim | role | verdict | effect [interval] | seeds |",
        "|---|---|---|---|---|--:|",
    ]
    for entry in reports:
        for c in entry["claims"]:
            low, high = c["interval"]
            effect = f"{c['effect']:.3g} [{low:.3g}, {high:.3g}]"
            lines.append(
                f"| {entry['method']} | {c['claim']} | {c['role']} | {c['verdict']} | {effect} | "
                f"{c['seeds']} |"
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
    verdicts = Table("claim", "role", "verdict", "effect", "interval")
    for c in claims:
        interval = f"{c.interval[0]:.4g} to {c.interval[1]:.4g}"
        verdicts.add_row(c.claim, c.role, c.verdict, f"{c.effect:.4g}", interval)
    console = Console()
    console.print(arms)
    console.print(verdicts)


def print_findings(found: dict[str, Any]) -> None:
    """Print what a replica says beside its claims, a line each."""
    from rich.console import Console

    console = Console()
    for name, value in found.items():
        console.print(f"{name.replace('_', ' ')}: {json.dumps(value)}", markup=False)


def print_proposals(proposals: dict[str, dict[str, Any]], planned: int) -> None:
    """Print what a pilot found, with the seeds that each primary claim needs for a power of 0.9."""
    from rich.console import Console
    from rich.table import Table

    table = Table("claim", "pilot's mean", "pilot's sd", "seeds for power 0.9")
    for claim, found in proposals.items():
        seeds = found["seeds"] or "the pilot is not on the claim's side"
        table.add_row(claim, f"{found['mean']:.4g}", f"{found['sd']:.4g}", str(seeds))
    console = Console()
    console.print(table)
    console.print(f"The plan has {planned} seeds. Changing it gives it another hash.")
