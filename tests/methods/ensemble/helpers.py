"""Small ensembles that the command trains in a second or two."""

from pathlib import Path
from typing import Any

from lit_research.cli import main
from tests.helpers import tiny

MEMBERS = {
    "model.class_path": "Ensemble",
    "model.init_args.seeds": [4, 0, 9],
    "data.class_path": "MemberCorpus",
    "trainer.gradient_clip_val": 1.0,
    "trainer.max_steps": 20,
    "trainer.val_check_interval": 15,
    # Comparisons between ways to train are to rounding: let it be small.
    "trainer.precision": "64-true",
}


def run(folder: Path, changes: dict[str, Any] | None = None, verb: str = "fit", **more: Any) -> Any:
    """Run the command on a small ensemble with ``changes``; return its parts."""
    folder.mkdir(exist_ok=True)
    return main(
        {"subcommand": verb, verb: {**tiny(folder, {**MEMBERS, **(changes or {})}), **more}}
    )


def checkpoint(folder: Path) -> str:
    """Return the last checkpoint of the one run under a folder."""
    [path] = folder.rglob("last.ckpt")
    return str(path)
