"""Judges in both orders, the Swiss tournament, and duplicates among ideas."""

from collections import Counter

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine
from lit_research.methods.idea_study import (
    EngineJudge,
    Idea,
    PairJudge,
    distinct_ideas,
    judge_pairs,
    position,
    swiss,
)

IDEAS = [Idea(f"i{k}", "AI", f"text {k}") for k in range(16)]


def quality(text):
    return int(text.split()[-1])


class Honest(PairJudge):
    """Prefers the better text; counts what it was asked."""

    asked = 0

    def choose(self, pairs):
        self.asked += len(pairs)
        return ["first" if quality(a) > quality(b) else "second" for a, b in pairs]


class Lazy(PairJudge):
    """Always prefers the first text."""

    def choose(self, pairs):
        return ["first"] * len(pairs)


class Short(PairJudge):
    def choose(self, pairs):
        return ["first"]


def test_an_honest_judge_has_no_position_and_a_lazy_one_nothing_else():
    pairs = list(zip(IDEAS[:8], IDEAS[8:], strict=True))
    honest = judge_pairs(Honest(), pairs)
    assert {one.score for one in honest} == {0.0}
    found = position(honest)
    assert (found.first, found.consistent, found.unreadable) == (0.5, 1.0, 0.0)
    lazy = judge_pairs(Lazy(), pairs)
    assert {one.score for one in lazy} == {0.5}
    found = position(lazy)
    assert (found.first, found.consistent) == (1.0, 0.0)
    assert found.interval[0] > 0.5
    with pytest.raises(UserError, match="1 choices for 16"):
        judge_pairs(Short(), pairs)


@pytest.mark.parametrize("count", [16, 15])
def test_a_tournament_pairs_by_points_and_nobody_twice(count):
    judge = Honest()
    found = swiss(IDEAS[:count], judge, rounds=4, seed=1)
    assert judge.asked == 2 * 4 * (count // 2)
    met = Counter(frozenset((one.a, one.b)) for part in found.judgements for one in part)
    assert set(met.values()) == {1}
    # The best of 16 wins every round; points add up to one a pair and one a rest.
    best = f"i{count - 1}"
    assert next(iter(found.scores)) == best
    assert found.scores[best] == 4
    assert sum(found.scores.values()) == 4 * (count // 2 + count % 2)
    assert swiss(IDEAS[:count], judge, rounds=4, seed=1) == found


def test_a_tournament_of_an_honest_judge_ranks_by_quality():
    ranks = [list(swiss(IDEAS, Honest(), rounds=5, seed=seed).scores) for seed in range(20)]
    order = np.array([[quality(f"text {name[1:]}") for name in rank] for rank in ranks])
    correlations = [-np.corrcoef(np.arange(16), row)[0, 1] for row in order]
    assert np.mean(correlations) > 0.9
    lazy = [list(swiss(IDEAS, Lazy(), rounds=5, seed=seed).scores) for seed in range(20)]
    order = np.array([[quality(f"text {name[1:]}") for name in rank] for rank in lazy])
    assert abs(np.mean([np.corrcoef(np.arange(16), row)[0, 1] for row in order])) < 0.2


def test_too_few_ideas_for_the_rounds_are_refused():
    with pytest.raises(UserError, match="5 ideas and 5 rounds"):
        swiss(IDEAS[:5], Honest())


class Scripted(Engine):
    """Answers by the first text that it is shown."""

    def card(self):
        return {}

    def complete(self, prompts, sampling):
        found = []
        for index, prompt in enumerate(prompts):
            first = prompt.split("First idea:\n")[1].split("\n")[0]
            text, reason = {
                "a": ("It may be better: second.\nBetter: first", "stop"),
                "b": ("**Better:** second", "stop"),
                "c": ("I cannot say.", "stop"),
                "d": ("Better: first", "length"),
            }[first]
            found.append([Completion(text, (), (), reason, 0, index)])
        return found


def test_a_model_is_read_by_its_last_line_and_cut_replies_are_unreadable():
    pairs = [(name, "{first} x {second}") for name in "abcd"]
    assert EngineJudge(Scripted()).choose(pairs) == ["first", "second", "unreadable", "unreadable"]
    with pytest.raises(UserError, match=r"no \{second\}"):
        EngineJudge(Scripted(), prompt="{first}")


def test_an_idea_that_is_near_a_kept_one_is_a_duplicate():
    texts = {
        "a": "anneal the learning rate of the last layers slowly",
        "b": "anneal the learning rate of the last layers slowly!",
        "c": "mask rare tokens in long documents",
        "d": "Anneal the learning rate of the last layers slowly today",
    }
    ideas = [Idea(name, "AI", text) for name, text in texts.items()]
    encoder = {"class_path": "tfidf", "init_args": {"unit": "character"}}
    kept, duplicates = distinct_ideas(ideas, encoder, 0.8)
    assert [idea.id for idea in kept] == ["a", "c"]
    assert {one.id: one.of for one in duplicates} == {"b": "a", "d": "a"}
    assert all(0.8 <= one.similarity <= 1 for one in duplicates)
    assert len(distinct_ideas(ideas, encoder, 1.0)[0]) == 4
    with pytest.raises(UserError, match="'e' has the vector 0"):
        distinct_ideas([*ideas, Idea("e", "AI", " ")], "tfidf")
    with pytest.raises(UserError, match="threshold is 2"):
        distinct_ideas(ideas, "tfidf", 2)


def test_minilm_tells_paraphrases_from_other_ideas():
    ideas = [
        Idea("a", "AI", "Ask the model to check each step of its reasoning before it answers."),
        Idea("b", "AI", "Before it answers, have the model verify every step of its reasoning."),
        Idea("c", "AI", "Translate rare languages through a related language with more data."),
    ]
    try:
        kept, duplicates = distinct_ideas(ideas)
    except UserError as error:
        pytest.skip(f"MiniLM is not here: {error}")
    assert [idea.id for idea in kept] == ["a", "c"]
    assert duplicates[0].of == "a"
