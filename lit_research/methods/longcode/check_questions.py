"""Verifies every question again, by what it says and by the tokens of the shown files alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lit_research.methods.longcode.check_calls import Call, run_calls
from lit_research.methods.longcode.check_outline import (
    Outline,
    Tokens,
    arguments,
    code_of,
    default_of,
)
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import LETTERS, QuestionItem
from lit_research.progress import counting

_OF = r"`(?P<name>[^`]+)`(?: in `(?P<file>[^`]+)`)?"
_FORMS = {
    "parameter": rf"what is the default value of the parameter `(?P<of>[^`]+)` of {_OF}\?$",
    "which": rf"which parameter of {_OF} has the default value `(?P<of>[^`]+)`\?$",
    "attribute": rf"what value does the body of the class {_OF} assign to `(?P<of>[^`]+)`\?$",
    "constant": rf"what value is assigned to {_OF}\?$",
    "raises": rf"which exception does {_OF} raise in the branch with the condition "
    r"`(?P<of>[^`]+)`\?$",
    "defines": r"^In which file is the (?P<of>class|function|method) `(?P<name>[^`]+)` defined\?$",
    "base": rf"from which class does the class {_OF} inherit directly\?$",
    "caller": rf"which function or method calls {_OF}\?$",
}
_RETURNS = re.compile(
    r"what does the call `(?P<call>[^`]+)`(?:, of `[^`]+` in `[^`]+`,)? return\?$"
)
_NOT_CHECKED = frozenset({"why", "published"})


@dataclass(frozen=True)
class Failure:
    """A question that cannot be confirmed.

    Attributes:
        item: its id; empty where it is the whole set.
        reason: why.
    """

    item: str
    reason: str


def check_questions(items: ItemSet) -> list[Failure]:
    """Return the questions whose answer is not found again, exactly once, among the options.

    Nothing is shared with the builder: each question is read as its text says, files are read as
    tokens, and calls are made in the imported module where it can be imported. Kinds ``why`` and
    ``published`` have no answer that can be found.

    Args:
        items: with their trees.

    Returns:
        What failed; empty where all is well. Unbalanced letters are a failure of the set.

    Raises:
        UserError: the sandbox does not work here.
    """
    shown = {name: tree.shown() for name, tree in items.trees.items()}
    outlines: dict[str, Outline] = {}
    failures: list[Failure] = []
    calls: dict[str, list[QuestionItem]] = {}
    with counting("checking questions", len(items.questions), unit="items", delay=2) as add:
        for item in items.questions:
            if item.tree not in outlines:
                outlines[item.tree] = Outline(shown[item.tree])
            reason = _evidence(item, shown[item.tree])
            if not reason and item.kind == "returns":
                calls.setdefault(item.tree, []).append(item)
            elif not reason and item.kind not in _NOT_CHECKED:
                reason = _check(item, outlines[item.tree])
            failures += [Failure(item.id, reason)] if reason else []
            add(1)
    for name, asked in calls.items():
        failures += _returns(asked, items.trees[name].files)
    answers = [item.answer for item in items.questions]
    counts = {letter: answers.count(number) for number, letter in enumerate(LETTERS)}
    if max(counts.values()) - min(counts.values()) > 1:
        failures.append(Failure("", f"right letters are not balanced: {counts}"))
    return failures


def _evidence(item: QuestionItem, shown: Mapping[str, str]) -> str:
    if not item.evidence and item.kind not in _NOT_CHECKED:
        return "no evidence"
    for span in item.evidence:
        if span.file not in shown or span.last > shown[span.file].count("\n") + 1:
            return f"the evidence {span} is not among the shown files"
    return ""


def _check(item: QuestionItem, outline: Outline) -> str:
    """Return why an answer is not confirmed; empty if it is."""
    for form, pattern in _FORMS.items():
        if found := re.search(pattern, item.question):
            values = found.groupdict()
            answers = _FINDERS[form](
                outline, values["name"], values.get("file"), values.get("of") or ""
            )
            break
    else:
        return "the question has none of the known forms"
    if len(answers) != 1:
        return f"{len(answers)} answers are found: {answers[:3]!r}"
    if form in ("parameter", "attribute", "constant"):
        return _same_value(item, answers[0])
    return _same_text(item, answers[0])


def _same_text(item: QuestionItem, answer: str) -> str:
    right = [n for n, option in enumerate(item.options) if option == answer]
    return "" if right == [item.answer] else f"{answer!r} is found, not the option said to be right"


def _same_value(item: QuestionItem, answer: str) -> str:
    try:
        value = ast.literal_eval(answer.strip())
        options = [ast.literal_eval(option) for option in item.options]
    except (ValueError, SyntaxError):
        return f"{answer!r} or an option is no literal"
    right = [n for n, option in enumerate(options) if option == value]
    same_type = all(type(option) is type(value) for option in options)
    return "" if right == [item.answer] and same_type else f"{value!r} is found"


def _parameter(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    return [
        _text(default_of(argument))
        for block in outline.named("def", name, file)
        for argument in arguments(block.head)
        if _parameter_name(argument) == of and default_of(argument)
    ]


def _which(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    wanted = code_of(of)
    return [
        _parameter_name(argument)
        for block in outline.named("def", name, file)
        for argument in arguments(block.head)
        if [token.string for token in default_of(argument)] == wanted
    ]


def _parameter_name(argument: Tokens) -> str:
    return next((token.string for token in argument if token.string not in "**"), "")


def _constant(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    del of
    found = [one for one in outline.assigned if one.name == name and file in (None, one.file)]
    return [_text(one.value) for one in found]


def _attribute(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    if len(outline.named("class", name, file)) != 1:
        return []
    return [
        _text(one.value)
        for one in outline.assigned
        if (one.scope, one.name) == (name, of) and file in (None, one.file)
    ]


def _raises(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    if len(outline.named("def", name, file)) != 1:
        return []
    wanted = code_of(of)
    branches = [
        block
        for block in outline.blocks
        if block.keyword in ("if", "elif") and block.name == name and file in (None, block.file)
        if [token.string for token in block.head] in (wanted, ["(", *wanted, ")"])
        or code_of(_text(block.head)) == wanted
    ]
    return [_raised(block.last) for block in branches]


def _raised(statement: Tokens) -> str:
    words = [token.string for token in statement]
    if words[:1] != ["raise"]:
        return ""
    end = 1
    while end < len(words) and words[end] != "from" and re.fullmatch(r"\w+|\.", words[end]):
        end += 1
    return words[end - 1]


def _defines(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    del file
    return [block.file for block in outline.named("class" if of == "class" else "def", name)]


def _base(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    del of
    bases: list[str] = []
    for block in outline.named("class", name, file):
        bases += [part[-1].string for part in arguments(block.head) if _is_base(part)]
    return bases


def _is_base(part: Tokens) -> bool:
    return not any(token.string == "=" for token in part[:2])


def _caller(outline: Outline, name: str, file: str | None, of: str) -> list[str]:
    del file, of
    if outline.others[name]:
        return [f"used {outline.others[name]} times without a call"] * 2
    return sorted(set(outline.calls[name]))


def _text(tokens: Tokens) -> str:
    return " ".join(token.string for token in tokens)


_FINDERS: Mapping[str, Callable[[Outline, str, str | None, str], list[str]]] = {
    "parameter": _parameter,
    "which": _which,
    "attribute": _attribute,
    "constant": _constant,
    "raises": _raises,
    "defines": _defines,
    "base": _base,
    "caller": _caller,
}


def _returns(items: list[QuestionItem], files: Mapping[str, str]) -> list[Failure]:
    """Make the calls again, and compare what they return with the options."""
    failures: list[Failure] = []
    calls: list[tuple[QuestionItem, Call]] = []
    for item in items:
        if found := _RETURNS.search(item.question):
            calls.append((item, Call(found["call"], item.evidence)))
        else:
            failures.append(Failure(item.id, "the question has none of the known forms"))
    results = run_calls([call for _, call in calls], files)
    for (item, _), result in zip(calls, results, strict=True):
        reason = _same_text(item, result) if result else "the call fails"
        failures += [Failure(item.id, reason)] if reason else []
    return failures
