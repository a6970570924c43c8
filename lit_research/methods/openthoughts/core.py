"""What a student writes and how it is scored: pure functions of texts and numbers."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lit_research.errors import UserError
from lit_research.evals import Result, clustered_mean, collapse_space, last_match, mean_pass_at_k

FIELDS = ("trace", "final")
SHORTEST = 8  # tokens: longest answer of the first group by length


class AnswerFormat:
    """How a student is to write a trace and the final answer, and how the final is found again.

    Args:
        written: with ``{final}`` and perhaps ``{trace}`` where they go; space at the beginning, as
            is left by an empty trace, is removed.
        pattern: regular expression; its first group in the last match is the final answer.
        where: names the two in error messages.

    Raises:
        UserError: a field is unknown or missing, or the pattern has no group.
    """

    def __init__(self, written: str, pattern: str, where: str = "in AnswerFormat") -> None:
        self.written, self.pattern, self.where = written, pattern, where
        self.fields = format_fields(written, "answer_format", FIELDS, where)
        if "final" not in self.fields:
            raise UserError(f"answer_format is {written!r}, {where}; must have {{final}}")
        try:
            self.parse: Callable[[str], str | None] = last_match(pattern)
        except re.error as error:
            raise UserError(
                f"answer_pattern is {pattern!r} ({error}), {where}; must be a regular expression"
            ) from error

    def write(self, row: Mapping[str, Any]) -> str:
        """Return the text that a student learns to write.

        Raises:
            UserError: the pattern does not find the row's final answer in it.
        """
        text = self.written.format(**{name: row[name] for name in self.fields}).lstrip()
        found = self.parse(text)
        final = collapse_space(row["final"])
        if not final or found is None or collapse_space(found) != final:
            raise UserError(
                f"answer_pattern {self.pattern!r} finds {found!r} where the final answer is "
                f"{row['final']!r}, of the row {row['id']!r}, {self.where}; give a pattern that "
                "finds what answer_format writes, or leave the row out"
            )
        return text


def format_fields(text: str, name: str, known: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the fields of a format string.

    Raises:
        UserError: one is not known, or the string is no format.
    """
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    except ValueError as error:
        raise UserError(
            f"{name} is {text!r} ({error}), {where}; write a brace as {{{{ or }}}}"
        ) from error
    for field in fields:
        if field not in known:
            fields_text = ", ".join(f"{{{one}}}" for one in known)
            raise UserError(
                f"{name} has the field {{{field}}}, {where}; known: {fields_text} (a brace is "
                "written as {{ or }})"
            )
    return tuple(dict.fromkeys(fields))


@dataclass(frozen=True)
class Outcome:
    """What became of one sample.

    Attributes:
        item: index of the item.
        sample: which of the item's samples it is.
        right: whether the final answer is the item's.
        parsed: whether there is a final answer.
        truncated: whether the sample was cut at the maximum number of tokens.
        tokens: number of tokens written.
    """

    item: int
    sample: int
    right: bool
    parsed: bool
    truncated: bool
    tokens: int


def accuracy(outcomes: Sequence[Outcome], name: str = "accuracy") -> Result:
    """Return pass@1: the mean over all samples, with its standard error over items.

    An unparsed sample is not right. Samples of one item are not independent: the standard error is
    clustered by item.
    """
    rights = [float(one.right) for one in outcomes]
    items = [one.item for one in outcomes]
    value, stderr = clustered_mean(rights, items)
    unparsed, truncated = (sum(flags) for flags in _flags(outcomes))
    return Result(name, len({*items}), value, stderr, len(outcomes), unparsed, truncated)


def _flags(outcomes: Iterable[Outcome]) -> tuple[list[bool], list[bool]]:
    listed = list(outcomes)
    return [not one.parsed for one in listed], [one.truncated for one in listed]


def results(
    outcomes: Sequence[Outcome], items: Sequence[Mapping[str, Any]], *, by_length: bool
) -> list[Result]:
    """Return the accuracy of all samples, pass@k, and the accuracy of each group.

    Args:
        outcomes: at least one, the same number for each item.
        items: with ``domain`` and ``difficulty``, None where there is none.
        by_length: also group by the number of tokens written, at powers of two.
    """
    found = [accuracy(outcomes)]
    samples = max(one.sample for one in outcomes) + 1
    if samples > 1:
        rights: dict[int, list[bool]] = {}
        for one in outcomes:
            rights.setdefault(one.item, []).append(one.right)
        found.append(mean_pass_at_k(list(rights.values()), samples))
    keys: list[tuple[str, Callable[[Outcome], Hashable]]] = [
        ("accuracy_of_{}", lambda one: items[one.item]["domain"]),
        ("accuracy_at_difficulty_{}", lambda one: items[one.item]["difficulty"]),
    ]
    if by_length:
        keys.append(("accuracy_of_answers_to_{}_tokens", lambda one: length_group(one.tokens)))
    for name, key in keys:
        groups: dict[Any, list[Outcome]] = {}
        for one in outcomes:
            groups.setdefault(key(one), []).append(one)
        for group in sorted(group for group in groups if group is not None):
            found.append(accuracy(groups[group], name.format(_label(group))))
    return found


def _label(group: Any) -> str:
    return f"{group:g}" if isinstance(group, (int, float)) else re.sub(r"\W+", "_", str(group))


def length_group(tokens: int) -> int:
    """Return the smallest power of two, from 8, that is at least a number of tokens."""
    return max(SHORTEST, 1 << max(0, tokens - 1).bit_length())


def metrics(found: Sequence[Result], outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return what is logged: the values, the first one's standard error, and what went wrong.

    ``unparsed_share`` and ``truncated_share`` are shares of all samples, ``accuracy_of_parsed`` is
    the share of the right ones among those with a final answer.
    """
    values = {result.name.replace("@", "_at_"): result.value for result in found}
    first, parsed = found[0], [one for one in outcomes if one.parsed]
    return {
        **values,
        "accuracy_stderr": first.stderr,
        "accuracy_of_parsed": clustered_mean([float(one.right) for one in parsed])[0],
        "unparsed_share": first.parse_failures / first.samples,
        "truncated_share": first.truncated / first.samples,
        "answer_tokens": sum(one.tokens for one in outcomes) / len(outcomes),
    }


def normalised(question: str) -> str:
    """Return a question without what does not tell questions apart: case, and runs of space."""
    return collapse_space(question).lower()


def on_both_sides(
    rows: Iterable[Mapping[str, Any]], items: Iterable[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Return the ids of training rows that have the question of an item, with the item's id."""
    asked = {normalised(item["question"]): item["id"] for item in items}
    found = ((row["id"], asked.get(normalised(row["question"]))) for row in rows)
    return [(row, item) for row, item in found if item is not None]
