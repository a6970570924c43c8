"""Judge what came out of a suite's process: its lines, its sentinels and twins, and its end."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lit_research.errors import UserError
from lit_research.sandbox.records import Result
from lit_research.sandbox.suite_records import Guard, SuiteRun, SuiteStatus, TestOutcome
from lit_research.sandbox.suite_sentinels import Marked


@dataclass
class _Seen:
    """What the records say."""

    outcomes: dict[str, TestOutcome] = field(default_factory=dict)  # of real tests, by true id
    messages: dict[str, str] = field(default_factory=dict)
    sentinels: dict[tuple[str, str], str] = field(default_factory=dict)  # by file and name
    twins: list[tuple[str, str, str]] = field(default_factory=list)  # id of original, name, outcome
    uncollected: dict[str, str] = field(default_factory=dict)
    tampered: list[str] = field(default_factory=list)
    started: bool = False
    end: int | None = None


def judge(
    result: Result, key: str, marked: Mapping[str, Marked], guards: Collection[Guard]
) -> SuiteRun:
    """Return how a suite went, from what its process wrote.

    Args:
        result: of the sandbox.
        key: with which records are signed, in hexadecimal digits.
        marked: the files of tests that have sentinels.
        guards: those that are on.

    Raises:
        UserError: the suite cannot run here, whatever the candidate is.
    """
    seen = _Seen()
    for record in _records(result.stdout, key, "signed" in guards, seen.tampered):
        _take(record, marked, "signed" in guards, seen)
    unmarked = _check_sentinels(seen, marked)
    status, reason = _status(result, seen)
    if status == "finished" and not (seen.outcomes or seen.uncollected):
        status, reason = "stopped", "no test was collected"  # by the suite's fault, or after one
    return SuiteRun(
        status, seen.outcomes, seen.messages, reason, result.seconds, seen.uncollected, unmarked
    )


def _records(output: bytes, key: str, is_signed: bool, tampered: list[str]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for line in output.splitlines():
        mac, _, text = line.partition(b" ")
        expected = hashlib.blake2b(text, key=bytes.fromhex(key), digest_size=16).hexdigest()
        if is_signed and not hmac.compare_digest(mac, expected.encode()):
            tampered.append("a record is not signed")
            continue
        try:
            record = json.loads(text)
        except ValueError:
            continue
        if is_signed and record.get("n") != len(records):
            tampered.append("a record is missing, or there twice")
        records.append(record)
    return records


def _take(record: dict[str, Any], marked: Mapping[str, Marked], is_strict: bool, to: _Seen) -> None:
    if "refused" in record:
        kind, what = record["refused"], record["what"]
        hint = (
            "give a Python that has pytest"
            if kind == "pytest"
            else "another copy could be imported: give a Python without it"
        )
        raise UserError(f"the suite's Python is not fit: {kind}, {what}; {hint}")
    if "start" in record:
        to.started = True
    elif "tampered" in record:
        to.tampered.append(record["tampered"])
    elif "end" in record:
        to.end = record["end"]
    elif "uncollected" in record:
        to.uncollected[record["uncollected"]] = record["message"]
    elif "test" in record:
        _take_test(record, marked, is_strict, to)


def _take_test(
    record: dict[str, Any], marked: Mapping[str, Marked], is_strict: bool, to: _Seen
) -> None:
    file, _, rest = record["test"].partition("::")
    name, bracket, parameters = rest.partition("[")
    mark, outcome = marked.get(file, Marked("")), record["outcome"]
    if name in mark.must_fail or name in mark.must_pass:
        to.sentinels.setdefault((file, name), outcome)
        return
    twins, renamed = dict(mark.twins), dict(mark.renamed)
    if name in twins:
        original = renamed.get(twins[name], twins[name])
        to.twins.append((f"{file}::{original}{bracket}{parameters}", name, outcome))
        return
    true = f"{file}::{renamed.get(name, name)}{bracket}{parameters}"
    if true in to.outcomes:
        if is_strict:
            to.tampered.append(f"{true} was reported twice")
        return
    to.outcomes[true] = outcome
    if record.get("message"):
        to.messages[true] = record["message"]


def _check_sentinels(seen: _Seen, marked: Mapping[str, Marked]) -> tuple[str, ...]:
    """Add what is wrong to ``tampered``; return the files where sentinels did not run."""
    unmarked = []
    passed = {test.partition("::")[0] for test, had in seen.outcomes.items() if had == "passed"}
    for file in sorted(passed & set(marked)):
        mark = marked[file]
        wanted = [(name, "failed") for name in mark.must_fail]
        wanted += [(name, "passed") for name in mark.must_pass]
        had = [(seen.sentinels.get((file, name)), outcome) for name, outcome in wanted]
        if any(found in (None, "skipped") for found, _ in had):
            unmarked.append(file)
        if any(found != outcome for found, outcome in had):
            seen.tampered.append(f"a test of known outcome went otherwise, in {file}")
    for original, _, outcome in seen.twins:
        if outcome == seen.outcomes.get(original) == "passed":
            seen.tampered.append(f"{original} passed, and so did its contrary")
    return tuple(unmarked)


def _status(result: Result, seen: _Seen) -> tuple[SuiteStatus, str]:
    if result.status in ("timeout", "cpu"):
        return "timeout", result.reason
    if seen.tampered:
        return "tampered", seen.tampered[0]
    if not seen.started:
        return "infrastructure", result.reason or result.error_text[-600:] or "nothing was reported"
    if seen.end is None:
        return "stopped", result.reason or "the process ended before the suite did"
    if seen.end == 0 and "failed" in seen.sentinels.values():
        return "tampered", "pytest's exit code is 0, where a test must have failed"
    if seen.end not in (0, 1, 5):
        return "stopped", f"pytest's exit code is {seen.end}"
    return "finished", ""
