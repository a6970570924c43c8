"""What both exports of questions have in common: names and files of samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.longcode.asking import AskedQuestion


def sample_name(asked: AskedQuestion) -> str:
    """Return a name that no other sample of an exam has."""
    step = asked.step
    return f"{step.item}/{step.bucket}/{step.rotation}/{step.repeat}"


def check_any(written: Sequence[Any], asked: Sequence[AskedQuestion]) -> None:
    """Refuse to write a task without a question."""
    if not written:
        raise UserError(
            f"none of the {len(asked)} questions can be asked, in an export; give questions whose "
            "prompts fit into their buckets"
        )


def write_lines(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as lines of JSON."""
    write_atomic(file, "".join(f"{json.dumps(row)}\n" for row in rows))
