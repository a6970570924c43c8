"""Questions of issues: what a model writes is taken if it fits, and failures stand apart."""

import json

import pytest

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine
from lit_research.methods.longcode import Origin, SourceTree
from lit_research.methods.longcode.issues import read_issues
from lit_research.methods.longcode.question_why import SCHEMA, write_why

TREE = SourceTree("shop-1", {"a.py": ""}, Origin("shop", "1", licence="MIT"))
GOOD = {
    "is_qa": True,
    "reason": "asks why",
    "question": "Why is the cart locked?",
    "correct": "It is shared.",
    "wrong": ["It is slow.", "It is old.", "It is cold."],
}


class Scripted(Engine):
    """Replies to an issue with what its title says."""

    schema = None

    def card(self):
        return {"engine": "scripted"}

    def with_schema(self, schema):
        self.schema = schema
        return self

    def complete(self, prompts, sampling):
        return [[self._reply(prompt, index)] for index, prompt in enumerate(prompts)]

    def _reply(self, prompt, index):
        title = prompt.split("Issue: ")[1].split("\n")[0]
        texts = {
            "good": f"Here it is: {json.dumps(GOOD)}",
            "no": json.dumps({**GOOD, "is_qa": False, "reason": "a bug"}),
            "prose": "I would say yes.",
            "equal": json.dumps({**GOOD, "wrong": ["a", "a", "b"]}),
            "three": json.dumps({**GOOD, "wrong": ["a", "b"]}),
            "list": "[1]",
        }
        if title == "down":
            return Completion.failure("no server", weight_version=0, prompt_index=index)
        reason = "length" if title == "long" else "stop"
        return Completion(texts.get(title, texts["good"]), (), (), reason, 0, index)


def dump(tmp_path, titles):
    rows = [{"number": n, "title": t, "body": None, "comments": []} for n, t in enumerate(titles)]
    path = tmp_path / "issues.json"
    path.write_text(json.dumps(rows))
    return read_issues(path)


def test_questions_are_made_and_failures_are_told_apart(tmp_path):
    titles = ["good"] * 9 + ["no", "prose", "equal", "three", "list", "down", "long"]
    engine = Scripted()
    made, failed = write_why(dump(tmp_path, titles), TREE, engine)
    assert engine.schema == SCHEMA
    assert len(made) == 9
    for item in made:
        assert item.options[item.answer] == GOOD["correct"]
        assert set(item.options) == {GOOD["correct"], *GOOD["wrong"]}
        assert item.kind == "why"
        assert item.origin.licence == "MIT"
    counts = [sum(item.answer == n for item in made) for n in range(4)]
    assert max(counts) - min(counts) == 1
    assert [one.reason for one in failed] == [
        "not a question", *["malformed reply"] * 4, "no reply", "cut"
    ]  # fmt: skip
    assert failed[0].detail == "a bug"


def test_a_dump_is_read_with_its_comments(tmp_path):
    path = tmp_path / "issues.json"
    path.write_text(json.dumps([{"title": " t ", "body": "b", "comments": ["c", {"body": "d"}]}]))
    [issue] = read_issues(path)
    assert (issue.id, issue.title, issue.text) == ("0", "t", "b\n\nc\n\nd")


@pytest.mark.parametrize("text", ["no json", "{}", "[1]", '[{"body": "x"}]'])
def test_what_is_no_dump_is_refused(tmp_path, text):
    path = tmp_path / "issues.json"
    path.write_text(text)
    with pytest.raises(UserError, match="no dump of issues"):
        read_issues(path)
