"""Whatever the recipe: rows reconcile from step to step, and each one's origin is known."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.openthoughts import (
    Annotate,
    ExactDuplicates,
    LongestAnswers,
    Mix,
    NearDuplicates,
    NoAnswerFilter,
    RandomAnswers,
    Recipe,
)
from lit_research.methods.openthoughts.core import on_both_sides
from lit_research.methods.openthoughts.teachers import Taught, Teacher
from lit_research.seeds import derive_seed
from lit_research.stages import Pipeline, Source, Step
from lit_research.stages.sources import Rows

DEDUP = {"exact": ExactDuplicates(), "near": NearDuplicates(numbers_must_match=True)}


class Unsteady(Teacher):
    """Fails for a share of the answers, so that a question may keep some of its own."""

    def __init__(self, failing: float):
        self.failing = failing

    def card(self):
        return {"failing": self.failing, "licence": "none"}

    def answer(self, questions, n, seed):
        return [[self._taught(seed, row["id"], k) for k in range(n)] for row in questions]

    def _taught(self, *key):
        drawn = derive_seed(*key)
        failed = drawn % 1000 < 1000 * self.failing
        return Taught(failed="down") if failed else Taught("x" * (drawn % 7), "y", 1)


def pool(name: str, size: int, per_shard: int) -> Rows:
    """Return questions; of five, one is no question and one repeats that before it."""
    texts = [f"{name} asks what {k - (k % 5 == 3)} and {k // 5} are" for k in range(size)]
    rows = [
        {"id": f"{name}{k}", "question": None if k % 5 == 1 else text}
        for k, text in enumerate(texts)
    ]
    return Rows(rows, name=name, rows_per_shard=per_shard)


@st.composite
def recipes(draw):
    """Draw recipes that no step starves: there are more rows than are lost."""
    sources = draw(st.integers(1, 2))
    answers = draw(st.sampled_from([1, 2, 3]))
    dedup = draw(st.lists(st.sampled_from([*DEDUP]), unique=True))
    per_shard = draw(st.sampled_from([25, 60]))
    return Recipe(
        {name: pool(name, 60, per_shard) for name in "ab"[:sources]},
        Unsteady(draw(st.sampled_from([0.0, 0.2]))),
        n=answers * draw(st.integers(3, 5)),
        m=draw(st.integers(1, sources)),
        dedup={name: DEDUP[name] for name in dedup},
        answers=answers,
        answer_filter=draw(st.sampled_from([RandomAnswers(), LongestAnswers(), NoAnswerFilter()])),
        pool=2.0,
        kept=2.0,
        spare=3.0,
    )


def inputs(steps):
    """Return the names of the inputs of each step, in their order."""
    names, found = [*steps], {}
    for before, name in pairwise([None, *names]):
        step = steps[name]
        if isinstance(step, Step) and step.inputs is not None:
            found[name] = step.inputs
        else:
            found[name] = () if isinstance(step, Source) else (before,)
    return found


@given(recipes(), st.integers(0, 3))
@settings(max_examples=8, deadline=None)
def test_no_row_of_a_recipe_is_lost_and_each_has_an_origin(tmp_path_factory, recipe, seed):
    pipeline = recipe.pipeline(tmp_path_factory.mktemp("recipe"), seed)
    result = pipeline.run(shown=False)
    steps, before = recipe.steps(), inputs(recipe.steps())
    tables = {name: pipeline.run(name, shown=False).outcome for name in steps}
    rows = {name: outcome.table().to_pylist() for name, outcome in tables.items()}
    for name, names in before.items():
        counts = result.counts[name]
        assert counts["out"] == len(rows[name]) == len({row["id"] for row in rows[name]})
        stage = steps[name].stage if isinstance(steps[name], Step) else steps[name]
        assert counts["in"] == (sum(len(rows[other]) for other in names) or len(rows[name]))
        # Each input row is kept, rejected or the parent of a row: once, or once an answer.
        answers = recipe.answers if isinstance(stage, Annotate) else 1
        gone = Counter(record["row"]["id"] for record in tables[name].rejected())
        if names:
            kept = Counter(
                row["parents"][0] if answers > 1 or isinstance(stage, Annotate) else row["id"]
                for row in rows[name]
            )
            came = {row["id"] for other in names for row in rows[other]}
            assert gone + kept == Counter(dict.fromkeys(came, answers))
        assert sum(counts["rejected"].values()) == gone.total()
        assert counts["in"] * answers == counts["out"] + gone.total()
    last = rows[[*steps][-1]]
    assert len(last) == recipe.n
    sources = {row["id"]: row for name in recipe.sources for row in rows.get(f"source-{name}", ())}
    for row in last:
        (parent,) = row["parents"]
        assert parent == row["question_id"]
        assert sources[parent]["question"] == row["question"]
        assert parent.startswith(row["source"])
        assert row["config"] == pipeline.hashes[row["stage"]]


@given(st.integers(1, 5), st.integers(1, 30), st.lists(st.integers(1, 12), min_size=5, max_size=5))
@settings(max_examples=15, deadline=None)
def test_a_mix_takes_n_over_m_of_each_or_says_which_has_too_few(tmp_path_factory, m, n, sizes):
    if m > n:
        with pytest.raises(UserError, match="at least a row of each source"):
            Mix(n, m)
        return
    names = "abcde"
    steps: dict[str, Rows | Step] = {
        name: Rows([{"id": f"{name}{k}"} for k in range(size)], name=name, rows_per_shard=8)
        for name, size in zip(names, sizes, strict=True)
    }
    steps["mixed"] = Step(Mix(n, m), tuple(names))
    pipeline = Pipeline(steps, tmp_path_factory.mktemp("mix"))
    wanted = [n // m + (place < n % m) for place in range(m)]
    if short := [place for place in range(m) if sizes[place] < wanted[place]]:
        place = short[0]
        message = f"{sizes[place]} rows of source {place} where {wanted[place]} are needed"
        with pytest.raises(UserError, match=message):
            pipeline.run(shown=False)
        return
    result = pipeline.run(shown=False)
    taken = Counter(one[0] for one in result.outcome.table()["id"].to_pylist())
    assert [taken[name] for name in names] == [*wanted, *[0] * (len(names) - m)]
    rejected = result.counts["mixed"]["rejected"]
    assert rejected.get("of a source that is not used", 0) == sum(sizes[m:])
    assert rejected.get("not drawn", 0) == sum(sizes[:m]) - n


WORDS = st.sampled_from(["Why", "WHY", "why", "how", "2", "3"])
ASKED = st.lists(WORDS, min_size=1, max_size=2)


@given(st.lists(ASKED, max_size=12), st.lists(ASKED, max_size=4), st.integers(1, 3))
def test_all_answers_to_a_question_are_on_the_side_of_the_question(asked, held_out, answers):
    rows = [
        {"id": f"{number}-{k}", "question": " \n".join(words)}
        for number, words in enumerate(asked)
        for k in range(answers)
    ]
    items = [{"id": f"i{k}", "question": " ".join(words)} for k, words in enumerate(held_out)]
    same = [[word.lower() for word in words] for words in held_out]
    expected = {
        f"{number}-{k}"
        for number, words in enumerate(asked)
        for k in range(answers)
        if [word.lower() for word in words] in same
    }
    found = on_both_sides(rows, items)
    assert {row for row, _ in found} == expected
    for row, item in found:
        words = [word.lower() for word in asked[int(row.partition("-")[0])]]
        assert same[int(item[1:])] == words
