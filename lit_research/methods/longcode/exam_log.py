"""``ExamLog``: what was answered, a line of JSON a sample; a stopped exam goes on from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.files import append_line, write_atomic
from lit_research.methods.longcode.asking import Step
from lit_research.methods.longcode.records import Graded
from lit_research.storage import writing

CARD = "exam.json"


def step_of(graded: Graded) -> Step:
    """Return which sample a record is of."""
    return Step(graded.item, graded.bucket, graded.rotation, graded.repeat)


class ExamLog:
    """The records of an exam in ``FOLDER/answers.RANK.jsonl``.

    Records are on disk before the next batch is asked, so that an exam that is killed asks
    nothing again whose answer had been graded. Records of status ``infrastructure`` are kept, and
    asked again; the last one of a sample counts.

    Args:
        folder: of the exam.
        card: what determines the answers; plain JSON data.

    Raises:
        UserError: the folder is of another exam.
    """

    def __init__(self, folder: str | Path, card: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        plain = json.loads(json.dumps(card))
        path = self.folder / CARD
        started = json.loads(path.read_text()) if path.is_file() else None
        if started is not None and started != plain:
            keys = dict.fromkeys([*plain, *started])
            different = [key for key in keys if started.get(key) != plain.get(key)]
            raise UserError(
                f"an exam with another {', '.join(different)} was begun in {str(self.folder)!r}; "
                "give another folder, or delete that one"
            )
        if started is None:
            with writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                write_atomic(path, json.dumps(plain, indent=1))

    def read(self) -> dict[Step, Graded]:
        """Return the last record of every sample, of all ranks.

        A line that a kill has cut is no record: its sample is asked again.
        """
        records: dict[Step, Graded] = {}
        for file in sorted(self.folder.glob("answers.*.jsonl")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                record = _record(line)
                if record is None:
                    continue
                known = records.get(step_of(record))
                if known is None or known.status == "infrastructure":
                    records[step_of(record)] = record
        return records

    def add(self, records: Sequence[Graded], rank: int) -> None:
        """Append records, in one durable write."""
        if not records:
            return
        file = self.folder / f"answers.{rank}.jsonl"
        lines = [json.dumps(asdict(record)) for record in records]
        with writing(self.folder):
            # After a line that a kill has cut, what is appended would be part of it.
            append_line(file, "\n".join([*([""] if _is_cut(file) else []), *lines]))


def _is_cut(file: Path) -> bool:
    if not file.is_file() or not file.stat().st_size:
        return False
    with file.open("rb") as opened:
        opened.seek(-1, 2)
        return opened.read(1) != b"\n"


def _record(line: str) -> Graded | None:
    try:
        return Graded(**json.loads(line))
    except (ValueError, TypeError):
        return None
