"""Questions of kind ``why``: a model makes them of a repository's issues, as for the paper."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lit_research.lm.engines import Completion, Engine
from lit_research.methods.longcode.issues import Issue
from lit_research.methods.longcode.items import LETTERS, QuestionItem
from lit_research.methods.longcode.letters import even_letters
from lit_research.methods.longcode.trees import SourceTree
from lit_research.seeds import derive_seed

BUILDER = "lit-research longcode why 1"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "is_qa": {"type": "boolean"},
        "reason": {"type": "string"},
        "question": {"type": "string"},
        "correct": {"type": "string"},
        "wrong": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["is_qa", "reason", "question", "correct", "wrong"],
    "additionalProperties": False,
}
"""Of a reply; where ``is_qa`` is false the last three are empty."""
_PROMPT = """Below is an issue of the repository `{package}`. Decide whether its discussion \
answers a question about how this codebase works, and if so, write that question with four options.

Accept: the behaviour of a function or module, the purpose of a variable or class, control flow, \
why an intended error is raised.
Reject: bug fixes, features, installation, plans, practices, whatever a change of the code has \
resolved, and whatever can be answered without this codebase. If in doubt, reject.

The question must be understood without the issue. Exactly one option is right; the three wrong \
ones are plausible, of the same length and style. Reply with one object in JSON and nothing else:
{{"is_qa": true or false, "reason": "...", "question": "...", "correct": "...", \
"wrong": ["...", "...", "..."]}}, where question, correct and wrong are empty if is_qa is false.

Issue: {title}

{text}
"""


@dataclass(frozen=True)
class NoQuestion:
    """Why there is no question of an issue.

    Attributes:
        issue: its id.
        reason: ``not a question`` (the model's judgement), ``no reply``, ``cut``, or
            ``malformed reply``. Only the first is no failure.
        detail: in words.
    """

    issue: str
    reason: str
    detail: str


def write_why(
    issues: Sequence[Issue],
    tree: SourceTree,
    engine: Engine,
    *,
    max_new_tokens: int = 1024,
    temperature: float = 0.0,
    seed: int = 0,
) -> tuple[list[QuestionItem], list[NoQuestion]]:
    """Have a model make a question of each issue that answers one.

    Right letters rotate over all that are made, exactly evenly. Nothing proves these answers: they
    are as good as the model.

    Args:
        issues: of the tree's repository.
        tree: what the questions are about.
        engine: writes; a chat model's with ``chat`` true. A server that takes a schema gets it.
        max_new_tokens: of a reply; one that is cut there is a failure.
        temperature: of the sampling.
        seed: of sampling and of the order of options.

    Returns:
        The questions, in the order of the issues; and why the others have none.
    """
    prompts = [
        _PROMPT.format(package=tree.origin.package, title=one.title, text=one.text)
        for one in issues
    ]
    seeds = [derive_seed(seed, one.id) >> 1 for one in issues]
    replies = engine.with_schema(SCHEMA).generate(
        prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seeds
    )
    made: list[QuestionItem] = []
    failed: list[NoQuestion] = []
    letters = even_letters(seed, tree.name)
    for issue, [reply] in zip(issues, replies, strict=True):
        found = _read(issue, reply)
        if isinstance(found, NoQuestion):
            failed.append(found)
        else:
            made.append(_item(issue, tree, found, next(letters), seed))
    return made, failed


def _read(issue: Issue, reply: Completion) -> dict[str, Any] | NoQuestion:
    if reply.failed:
        return NoQuestion(issue.id, "no reply", reply.finish_reason)
    if reply.finish_reason == "length":
        return NoQuestion(issue.id, "cut", "longer than max_new_tokens")
    begin, end = reply.text.find("{"), reply.text.rfind("}")
    try:
        value = json.loads(reply.text[begin : end + 1])
        if value["is_qa"] is False:
            return NoQuestion(issue.id, "not a question", str(value["reason"]))
        options = [value["correct"], *value["wrong"]]
        texts = [one.strip() for one in [value["question"], *options]]
        if value["is_qa"] is not True or len(set(texts[1:])) != len(LETTERS) or not all(texts):
            raise ValueError("there are not a question and four different options")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return NoQuestion(issue.id, "malformed reply", f"{error!r}: {reply.text[:200]}")
    return {
        "question": texts[0],
        "correct": texts[1],
        "wrong": texts[2:],
        "reason": value["reason"],
    }


def _item(
    issue: Issue, tree: SourceTree, found: Mapping[str, Any], answer: int, seed: int
) -> QuestionItem:
    wrong = random.Random(derive_seed(seed, issue.id)).sample(found["wrong"], len(found["wrong"]))
    return QuestionItem(
        id=f"{tree.name}/why/{issue.id}",
        kind="why",
        question=found["question"],
        options=(*wrong[:answer], found["correct"], *wrong[answer:]),
        answer=answer,
        tree=tree.name,
        origin=replace(tree.origin, seed=seed, builder=BUILDER),
        source={"issue": issue.id, "reason": str(found["reason"])},
    )
