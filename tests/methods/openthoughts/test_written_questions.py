"""Questions written about topics and found in documents, by engines of which a schema is asked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, OpenAIEngine, StoredEngine
from lit_research.methods.openthoughts import ExtractQuestions, Questions, Recipe, WriteQuestions
from lit_research.methods.openthoughts.question_replies import QUESTIONS_SCHEMA, read_questions
from lit_research.stages import Pipeline
from lit_research.stages.sources import Rows
from tests.lm.engines.servers import serving
from tests.methods.openthoughts.test_recipe import Program, Scripted, failed, said

TOPICS = ["tides", "primes", "rust", "fenced", "words", "shape", "down", "cut", "none", None]


def listed(*pairs):
    return json.dumps({"questions": [{"question": q, "answer": a} for q, a in pairs]})


def writes(prompt, seed, sample):
    topic = prompt.rpartition(" ")[2]
    text = listed((f"Why {topic}?", "so"), (f"When {topic}?", None))
    return {
        "fenced": said(f"```json\n{text}\n```"),
        "words": said("Here are some questions."),
        "shape": said('{"questions": [{"question": 7, "answer": null}]}'),
        "down": failed("down"),
        "cut": Completion(text[:20], (), (), "length", 0, 0),
        "none": said('{"questions": []}'),
    }.get(topic, said(text))


def run(stage, rows, folder):
    steps = {"rows": Rows(rows), "written": stage, "questions": Questions("s", "d")}
    return Pipeline(steps, folder).run(shown=False)


def test_questions_are_written_and_what_is_malformed_has_a_reason(tmp_path):
    rows = [{"id": f"t{k}", "topic": topic} for k, topic in enumerate(TOPICS)]
    result = run(WriteQuestions(Scripted(writes), licence="MIT", count=2), rows, tmp_path)
    made = result.outcome.table().to_pylist()
    assert [row["question"] for row in made[:2]] == ["Why tides?", "When tides?"]
    assert [(row["id"], row["answer"]) for row in made[:2]] == [("t0-0-0", "so"), ("t0-0-1", None)]
    assert {row["parents"][0] for row in made} == {"t0", "t1", "t2", "t3"}
    assert result.counts["written"]["rejected"] == {
        "malformed reply": 2,
        "no reply": 2,
        "no questions": 1,
        "no topic": 1,
    }
    assert result.cards["written"]["stage"]["licence"] == "MIT"


def test_a_server_is_asked_for_the_schema(tmp_path):
    rows = [{"id": "a", "topic": "tides"}, {"id": "b", "topic": "words"}]
    with serving(Scripted(writes)) as server:
        engine = OpenAIEngine(server.url, "tiny", chat=True, down_s=0.0)
        stored = StoredEngine(engine, str(tmp_path / "answers.sqlite"))
        result = run(WriteQuestions(stored, licence="none", n=2), rows, tmp_path / "rows")
        assert len(server.requests) == 2
        for request in server.requests:
            assert request["response_format"]["json_schema"]["schema"] == QUESTIONS_SCHEMA
            assert "Write 5 difficult problems" in request["messages"][0]["content"]
        assert engine.json_schema is None  # others may use it
    assert result.counts["written"] == {"in": 2, "out": 4, "rejected": {"malformed reply": 2}}
    assert "json_schema" in result.cards["written"]["stage"]["engine"]


def test_questions_are_found_in_documents(tmp_path):
    document = "Chapter 1.\nWhat is the  mass of the electron?\nIt is small."

    def reads(prompt, seed, sample):
        if "Chapter 2" in prompt:
            return said(listed())
        return said(listed(("what is the mass of the electron?", None), ("Who was Bohr?", "-")))

    rows = [{"id": "a", "text": document}, {"id": "b", "text": "Chapter 2. No more."}]
    stage = ExtractQuestions(Scripted(reads), licence="none", verbatim=True)
    result = run(stage, rows, tmp_path)
    assert result.outcome.table()["question"].to_pylist() == ["what is the mass of the electron?"]
    assert result.counts["written"]["rejected"] == {"no questions": 1, "not in the document": 1}


def test_a_recipe_has_its_questions_written(tmp_path):
    topics = Rows([{"id": f"t{k}", "topic": f"topic{k}"} for k in range(6)], name="topics")
    writer = WriteQuestions(Scripted(writes), licence="none")
    recipe = Recipe({"t": topics}, Program(), 12, writers={"t": writer})
    result = recipe.pipeline(tmp_path).run(shown=False)
    rows = result.outcome.table().to_pylist()
    assert len({row["question"] for row in rows}) == 12
    assert {row["source"] for row in rows} == {"t"}
    with pytest.raises(UserError, match="a writer of the source 'u'"):
        Recipe({"t": topics}, Program(), 12, writers={"u": writer})


def test_a_prompt_must_name_a_column():
    with pytest.raises(UserError, match="names no column in braces, in WriteQuestions"):
        WriteQuestions(Scripted(writes), licence="none", prompt="Write {count} questions")
    with pytest.raises(UserError, match="count is 0"):
        WriteQuestions(Scripted(writes), licence="none", count=0)


@given(st.recursive(st.none() | st.text(max_size=3), lambda one: st.lists(one, max_size=3)
       | st.dictionaries(st.sampled_from(["questions", "question", "answer"]), one)))  # fmt: skip
def test_any_reply_is_read_or_refused(content):
    try:
        found = read_questions(json.dumps(content))
    except ValueError:
        return
    assert all(isinstance(question, str) for question, _ in found)


@given(st.lists(st.tuples(st.text(max_size=20), st.none() | st.text(min_size=1, max_size=20))))
def test_what_was_listed_is_read(pairs):
    assert read_questions(f"Sure:\n{listed(*pairs)}\n") == pairs
