"""Recipes: six steps that end in exactly n examples, each of known origin."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine
from lit_research.methods.openthoughts.choosing import Keep, Mix
from lit_research.methods.openthoughts.question_rows import Questions
from lit_research.methods.openthoughts.question_scores import (
    AskLLM,
    Difficulty,
    EmbeddingDistance,
    FastText,
    ResponseLength,
)
from lit_research.methods.openthoughts.recipe import Recipe
from lit_research.methods.openthoughts.strategies import (
    AllAnswers,
    EnglishAnswers,
    LongestAnswers,
    RandomAnswers,
    ShortestAnswers,
    TopQuestions,
    is_english,
)
from lit_research.methods.openthoughts.teachers import (
    Annotate,
    EngineTeacher,
    Taught,
    Teacher,
    split_thoughts,
)
from lit_research.seeds import derive_seed
from lit_research.stages import Pipeline, Step
from lit_research.stages.sources import Rows


class Scripted(Engine):
    """Answers by a rule."""

    def __init__(self, rule):
        self.rule = rule

    def card(self):
        return {"rule": self.rule.__name__}

    def complete(self, prompts, sampling):
        seeds = sampling.seed if not isinstance(sampling.seed, int) else [0] * len(prompts)
        return [
            [self.rule(prompt, seed, sample) for sample in range(sampling.n)]
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]


def said(text: str, tokens: int | None = None) -> Completion:
    return Completion(text, (), (), "stop", 0, 0, new_tokens=tokens)


def failed(reason: str) -> Completion:
    return Completion.failure(reason, weight_version=0, prompt_index=0)


class Program(Teacher):
    """Writes a trace of a random length; fails for some."""

    def __init__(self, failing: str = "none"):
        self.failing = failing

    def card(self):
        return {"failing": self.failing, "licence": "none"}

    def answer(self, questions, n, seed):
        return [
            [
                Taught(failed="down")
                if row["id"].endswith(self.failing)
                else Taught("x" * (derive_seed(seed, row["id"], k) % 50), "y", 3)
                for k in range(n)
            ]
            for row in questions
        ]


def questions(size: int, name: str = "q") -> Rows:
    rows = [{"id": f"{name}{k}", "question": f"{name} asks {k}"} for k in range(size)]
    return Rows(rows, name=name, rows_per_shard=16)


def made(recipe: Recipe, folder):
    result = recipe.pipeline(folder).run(shown=False)
    return result, result.outcome.table().to_pylist()


@given(
    n=st.integers(1, 12).map(lambda k: 4 * k),
    a=st.sampled_from([1, 2, 4]),
    m=st.integers(1, 3),
    pool=st.floats(1, 2),
)
@settings(max_examples=15, deadline=None)
def test_n_is_questions_times_answers(tmp_path_factory, n, a, m, pool):
    sources = {name: questions(100, name) for name in "bca"}
    m = min(m, n // a)
    recipe = Recipe(sources, Program(), n, m=m, answers=a, pool=pool)
    _, rows = made(recipe, tmp_path_factory.mktemp("recipe"))
    assert len(rows) == n
    assert len({row["question_id"] for row in rows}) == n // a
    assert {row["source"] for row in rows} <= set("bca"[:m])
    for row in rows:
        assert row["parents"] == [row["question_id"]]
        assert row["stage"] == "answered"


@pytest.mark.parametrize("m", [1, 2, 4, 8, 16])
def test_a_mix_takes_the_same_of_each_source(tmp_path, m):
    names = [f"s{k:02}" for k in range(16)]
    steps = {name: Rows([{"id": f"{name}-{k}"} for k in range(20)], name=name) for name in names}
    steps["mixed"] = Step(Mix(20, m), tuple(names))
    rows = Pipeline(steps, tmp_path).run(shown=False).outcome.table()["id"].to_pylist()
    counts = [sum(one.startswith(name) for one in rows) for name in names]
    assert sum(counts) == 20
    assert counts[:m] == Mix(20, m).quotas()
    assert not any(counts[m:])


@pytest.mark.parametrize(
    ("answer_filter", "size"),
    [(RandomAnswers(), 20), (LongestAnswers(), 20), (ShortestAnswers(), 20), (AllAnswers(), 40)],
)
def test_answer_filters_cut_two_n_to_n(tmp_path, answer_filter, size):
    recipe = Recipe({"q": questions(60)}, Program(), 20, answer_filter=answer_filter)
    _, rows = made(recipe, tmp_path)
    assert len(rows) == size
    assert recipe.compute_controlled == (size == 20)
    everything = recipe.pipeline(tmp_path).run("answered", shown=False).outcome.table()
    lengths = sorted(len(trace) for trace in everything["trace"].to_pylist())
    found = sorted(len(row["trace"]) for row in rows)
    if isinstance(answer_filter, LongestAnswers):
        assert found == lengths[20:]
    if isinstance(answer_filter, ShortestAnswers):
        assert found == lengths[:20]


def test_recipes_share_what_they_have_in_common(tmp_path):
    one = Recipe({"q": questions(60)}, Program(), 20, answer_filter=LongestAnswers())
    other = Recipe({"q": questions(60)}, Program(), 20, answer_filter=RandomAnswers())
    first, second = one.pipeline(tmp_path), other.pipeline(tmp_path)
    assert first.hashes["answered"] == second.hashes["answered"]
    assert first.hashes["examples"] != second.hashes["examples"]


def test_a_pool_that_is_too_small_names_the_step_that_lost_most(tmp_path):
    rows = [{"id": str(k), "question": "a" if k % 2 else None} for k in range(40)]
    recipe = Recipe({"q": Rows(rows)}, Program(), 30)
    with pytest.raises(UserError, match=r"20 rows of source 0 where 30 are needed.*'questions-q'"):
        recipe.pipeline(tmp_path).run(shown=False)


def test_a_teacher_that_fails_on_most_rows_is_stopped_and_what_came_is_kept(tmp_path):
    def down(prompt, seed, sample):
        return failed("the server is down")

    teacher = EngineTeacher(Scripted(down), licence="none")
    recipe = Recipe({"q": questions(600)}, teacher, 600)
    pipeline = recipe.pipeline(tmp_path)
    with pytest.raises(UserError, match=r"rows are rejected \(mostly: no answer\)"):
        pipeline.run(shown=False)
    assert pipeline.files("answered").has(0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": 10, "answers": 3}, "n is 10 and answers 3"),
        ({"n": 10, "m": 2}, "m is 2.*must be at most the 1 sources"),
        ({"n": 10, "kept": 2.0}, "pool is 1 and kept 2"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Recipe({"q": questions(5)}, Program(), **arguments)


@pytest.mark.parametrize("name", ["asked", "answered", "examples", "mixed", "questions-q"])
def test_two_steps_of_one_name_are_refused(tmp_path, name):
    recipe = Recipe({"q": questions(5)}, Program(), 5, dedup={name: Keep(3)})
    with pytest.raises(UserError, match=f"two steps of a recipe are named '{name}'"):
        recipe.pipeline(tmp_path)


def test_malformed_questions_have_reasons(tmp_path):
    given = ["fine", None, "  ", "x" * 100_001]
    rows = [{"id": str(k), "question": text} for k, text in enumerate(given)]
    pipeline = Pipeline({"rows": Rows(rows), "questions": Questions("s", "d")}, tmp_path)
    result = pipeline.run(shown=False)
    assert result.counts["questions"]["rejected"] == {
        "no question": 1,
        "the question is empty": 1,
        "the question is too long": 1,
    }
    row = result.dataset()[0]
    assert (row["question_id"], row["source"], row["domain"]) == ("0", "s", "d")
    numbers = Pipeline(
        {"rows": Rows([{"id": "0", "question": 7}]), "questions": Questions()}, tmp_path
    )
    (record,) = numbers.run(shown=False).outcome.rejected()
    assert (record["reason"], record["detail"]) == ("the question is no text", "int: 7")


def scored(score, folder, size=12):
    steps = {"rows": questions(size), "questions": Questions(), "score": score}
    result = Pipeline(steps, folder).run(shown=False)
    return result, {row["id"]: row[score.column] for row in result.outcome.table().to_pylist()}


def test_scores_come_from_what_the_engine_says(tmp_path):
    def rates(prompt, seed, sample):
        number = int(prompt.split()[-1]) if prompt.split()[-1].isdigit() else 0
        return said("I cannot say") if number == 11 else said(f"Rating: {number or 10}/10")

    result, found = scored(Difficulty(Scripted(rates)), tmp_path / "a")
    assert found["q3"] == 3
    assert result.counts["score"]["rejected"] == {"no difficulty": 1}

    def writes(prompt, seed, sample):
        return said("...", tokens=10 * int(prompt.split()[-1]) + sample or None)

    result, found = scored(ResponseLength(Scripted(writes), n=2), tmp_path / "b")
    assert found["q3"] == 30.5
    assert found["q0"] == 1  # of one answer the length is not known

    def doubts(prompt, seed, sample):
        return said("Yes." if sample < int(prompt.split()[-1]) else "No, it would not.")

    _, found = scored(AskLLM(Scripted(doubts), n=4), tmp_path / "c")
    assert [found[f"q{k}"] for k in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]


def test_fasttext_tells_questions_by_chosen_examples(tmp_path):
    pytest.importorskip("fasttext")
    good = [f"prove that the sum of {k} odd numbers is odd" for k in range(40)]
    other = [f"which city is the capital of country {k}" for k in range(40)]
    score = FastText(good, other, epochs=50)
    rows = [
        {"id": "a", "question": "prove that the sum is odd"},
        {"id": "b", "question": "which city is it"},
    ]
    steps = {"rows": Rows(rows), "questions": Questions(), "score": score}
    found = Pipeline(steps, tmp_path).run(shown=False).outcome.table()["fasttext"].to_pylist()
    assert found[0] > 0.9 > 0.1 > found[1]
    again = FastText(good, other, epochs=50).scores(rows, 0)
    assert again == found
    with pytest.raises(UserError, match="there are 0 positives"):
        FastText([], other)


def test_distance_is_nil_for_an_example(tmp_path):
    _, found = scored(EmbeddingDistance(["q asks 3", "other words here"]), tmp_path)
    assert found["q3"] == pytest.approx(0, abs=1e-6)
    assert min(found, key=found.__getitem__) == "q3"


def test_the_hardest_questions_are_kept(tmp_path):
    def rates(prompt, seed, sample):
        return said(str(int(prompt.split()[-1]) % 10 + 1))

    recipe = Recipe(
        {"q": questions(40)},
        Program(),
        8,
        question_filter=TopQuestions(Difficulty(Scripted(rates), "{question}")),
        pool=5,
    )
    _, rows = made(recipe, tmp_path)
    assert all(row["difficulty"] >= 9 for row in rows)


def test_equal_values_are_kept_at_random(tmp_path):
    rows = [{"id": f"{k:03}", "value": 1.0, "text": "abc"} for k in range(200)]
    for by in ("value", "text", None):
        pipeline = Pipeline({"rows": Rows(rows), "kept": Keep(50, by)}, tmp_path)
        kept = [int(one) for one in pipeline.run(shown=False).outcome.table()["id"].to_pylist()]
        assert kept == sorted(kept)
        assert 60 < sum(kept) / len(kept) < 140
    with pytest.raises(UserError, match="rows have no column 'nothing'"):
        Pipeline({"rows": Rows(rows), "kept": Keep(5, "nothing")}, tmp_path).run(shown=False)


def test_an_engine_teaches_with_its_thoughts_apart(tmp_path):
    def thinks(prompt, seed, sample):
        if prompt.endswith("1?"):
            return failed("bad")
        return said(f"<think>\nhm {seed % 7}\n</think>\n\nit is 4", tokens=5)

    rows = [{"id": str(k), "question": f"what is {k}?"} for k in range(4)]
    steps = {
        "rows": Rows(rows),
        "questions": Questions(),
        "answered": Annotate(EngineTeacher(Scripted(thinks), licence="MIT"), 2),
    }
    result = Pipeline(steps, tmp_path).run(shown=False)
    assert result.counts["answered"] == {"in": 4, "out": 6, "rejected": {"no answer": 2}}
    row = result.dataset()[0]
    assert row["trace"].startswith("hm ")
    assert (row["final"], row["teacher_tokens"], row["id"]) == ("it is 4", 5, "0-0")
    assert result.cards["answered"]["stage"]["teacher"]["licence"] == "MIT"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<think>a</think>b", ("a", "b")),
        ("a</think> b", ("a", "b")),
        ("b", ("", "b")),
        ("<think>a", ("", "<think>a")),
    ],
)
def test_thoughts_end_at_their_closing(text, parts):
    assert split_thoughts(text, "<think>", "</think>") == parts


def test_english_is_told_from_other_languages():
    english = (
        "We are asked for the sum of two numbers. First, we add the ones, and then we carry the "
        "ten, so that the sum is forty two. Hence the answer is 42."
    )
    german = (
        "Gesucht ist die Summe zweier Zahlen. Zuerst addieren wir die Einer, dann wird der Zehner "
        "mitgenommen, womit das Ergebnis zweiundvierzig lautet. Also lautet die Antwort 42."
    )
    assert is_english(english)
    assert is_english("x = 3, y = 4, x + y = 7")
    assert not is_english(german)
    assert not is_english("我们需要求两个数的和。" * 5)
    random.seed(0)
    assert EnglishAnswers().stages(3).keys() == {"english", "english-answers"}
