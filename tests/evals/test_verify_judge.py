"""A judge that is asked in both orders; the judges are programs, and a real tiny model."""

import json
import re

import pytest

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.evals import JUDGE_PROMPTS, JUDGE_SCHEMA, JudgeVerifier, Verifier
from lit_research.lm.engines import Completion, Engine, TransformersEngine
from tests.evals.attempts import attempt
from tests.lm.models import bytes_tokenizer, tiny_lm


class Program(Engine):
    """Reads the two answers in a prompt, and replies as a way of judging says."""

    def __init__(self, way: str = "value", reads: str = "letter") -> None:
        self.way, self.reads = way, reads
        self.seeds: dict[str, int] = {}

    def card(self):
        return {"way": self.way}

    def complete(self, prompts, sampling):
        self.seeds |= dict(zip(prompts, sampling.seed, strict=True))
        return [[self.reply(prompt, index)] for index, prompt in enumerate(prompts)]

    def reply(self, prompt, index):
        [(first, second)] = re.findall(r"First answer:\n(.*)\n\nSecond answer:\n(.*)\n", prompt)
        said = {
            "value": lambda: float(first) == float(second),
            "first": lambda: len(first) < len(second),
            "unclear": lambda: None,
        }.get(self.way, lambda: True)()
        if self.way == "fail":
            return Completion.failure("no server", weight_version=0, prompt_index=index)
        if self.way == "mumble":
            text = "I would say so, verdict pending."
        elif self.reads == "json":
            same = {True: "yes", False: "no", None: "unclear"}[said]
            text = f"Here: {json.dumps({'reasoning': 'seen', 'same': same})}"
        else:
            text = f"Verdict: C, or rather\n**Verdict:** {'C' if said is None else 'BA'[said]}"
        return Completion(text, (), (), "length" if self.way == "cut" else "stop", 0, index)


RIGHT, WRONG = attempt("0.50", ".5"), attempt("0.75", ".5")


def reasons(verifier, *attempts):
    return [verdict.reason.partition(":")[0] for verdict in verifier.verify(attempts)]


@pytest.mark.parametrize("reads", ["letter", "json"])
def test_both_orders_are_asked_and_must_agree(reads):
    engine = Program(reads=reads)
    verdicts = JudgeVerifier(engine, reads).verify([RIGHT, WRONG, attempt("x", "x", name="r")])
    assert [verdict.outcome for verdict in verdicts] == ["right", "wrong", "right"]
    assert len(engine.seeds) == 4  # two orders of two; equal texts are right without a question
    biased = JudgeVerifier(Program("first", reads), reads)
    assert reasons(biased, RIGHT, WRONG) == ["order", "order"]
    assert reasons(JudgeVerifier(Program("unclear", reads), reads), RIGHT) == ["undecided"]


def test_what_cannot_be_read_is_not_wrong():
    for way, reason in {"mumble": "unreadable", "cut": "truncated", "fail": "no reply"}.items():
        assert reasons(JudgeVerifier(Program(way)), RIGHT, WRONG) == [reason, reason]
    assert reasons(JudgeVerifier(Program(), "json"), RIGHT) == ["unreadable"]
    judge = JudgeVerifier(Program(), max_characters=4)
    assert reasons(judge, attempt("1", "12345"), attempt("1", " "), attempt("", "1")) == [
        "key",
        "key",
        "no final answer",
    ]
    assert judge.verify([]) == []


def test_the_final_answer_in_a_text_is_shown_or_else_its_end():
    engine = Program("same")
    given = [
        attempt(key="1", text=r"thoughts \boxed{2}"),
        attempt(key="1", text="in the end it must be two"),
    ]
    JudgeVerifier(engine, max_characters=11).verify(given)
    shown = {re.findall(r"First answer:\n(.*)\n", prompt)[0] for prompt in engine.seeds}
    assert shown == {"1", "2", "must be two"}
    assert all("What is it?" in prompt for prompt in engine.seeds)


def test_a_verdict_does_not_depend_on_the_attempts_beside_it():
    alone, together = Program(), Program()
    JudgeVerifier(alone).verify([WRONG])
    JudgeVerifier(together).verify([RIGHT, WRONG])
    assert alone.seeds.items() <= together.seeds.items()
    other = Program()
    JudgeVerifier(other, seed=1).verify([WRONG])
    assert not set(other.seeds.values()) & set(alone.seeds.values())


def test_a_real_model_that_talks_nonsense_cannot_tell():
    engine = TransformersEngine(tiny_lm(), bytes_tokenizer())
    judge = JudgeVerifier(engine, prompt="{question}{first}{second}", max_new_tokens=4)
    assert {verdict.outcome for verdict in judge.verify([RIGHT, WRONG])} == {"cannot tell"}


def test_a_config_names_it_with_its_engine_and_prompt():
    prompt = "{question} {{same?}}\n\nFirst answer:\n{first}\n\nSecond answer:\n{second}\n"
    engine = {"class_path": f"{__name__}.Program", "init_args": {"way": "value"}}
    config = {
        "class_path": "lit_research.evals.JudgeVerifier",
        "init_args": {"engine": engine, "prompt": prompt, "max_new_tokens": 8},
    }
    judge = make_object(Verifier, config)
    assert judge.card() == {
        "name": "JudgeVerifier",
        "engine": {"way": "value"},
        "reads": "letter",
        "prompt": prompt,
        "max_new_tokens": 8,
        "temperature": 0.0,
        "seed": 0,
        "max_characters": 8000,
    }
    assert judge.verify([RIGHT])[0].is_right
    assert "{same?}" in next(iter(judge.engine.seeds))
    judge.check_keys([RIGHT, WRONG])


def test_mistakes_are_refused():
    for prompt, message in {
        "{question} {first}": r"prompt has the fields \['first', 'question'\], of JudgeVerifier",
        JUDGE_PROMPTS["letter"] + "{x}": "must have question, first, second in braces",
        "{question": "prompt is no template",
    }.items():
        with pytest.raises(UserError, match=message):
            JudgeVerifier(Program(), prompt=prompt)
    with pytest.raises(UserError, match="reads is 'xml', of JudgeVerifier; must be letter or json"):
        JudgeVerifier(Program(), "xml")
    with pytest.raises(UserError, match="key of 'q' is 5, of JudgeVerifier; must be a text"):
        JudgeVerifier(Program()).verify([attempt("5", 5)])
    assert JUDGE_SCHEMA["properties"]["same"]["enum"] == ["yes", "no", "unclear"]
