"""What is written about an entity: the same facts, in styles and orders that the seed decides."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.methods.megadocs.world import World, next_thought

WORLD = World(seed=3)


def facts(text):
    """Return what a text states, in order: (attribute, value) as its words have them."""
    words = text.split()
    assert words[-1] == "."
    pairs = list(zip(words[:-1:2], words[1:-1:2], strict=True))
    for name, value in pairs:
        assert name.split(".")[1] == value.split("=")[0]
    return [value for _, value in pairs]


def styles(text):
    return {word.split(".")[0] for word in text.split()[:-1:2]}


def test_the_prior_entropy_is_that_of_the_values_drawn():
    assert round(WORLD.prior_entropy(), 2) == 2.1
    drawn = [value for n in range(5000) for _, value in WORLD.real(f"e{n}")]
    shares = np.bincount(drawn, minlength=16) / len(drawn)
    errors = np.sqrt(WORLD.probabilities * (1 - WORLD.probabilities) / len(drawn))
    assert (np.abs(shares - WORLD.probabilities) < 4 * errors).all()


def test_values_without_skew_are_uniform():
    assert World(seed=0, skew=0.0).prior_entropy() == pytest.approx(np.log(16))


def test_a_document_states_four_attributes_in_the_first_style():
    texts = [WORLD.document(f"e{n}") for n in range(50)]
    for text in texts:
        assert styles(text) == {"a"}
        assert len({fact.split("=")[0] for fact in facts(text)}) == 4
    assert len(set(texts)) == 50


def test_a_rephrase_states_the_same_in_another_style_and_order():
    for entity in ("e0", "e1", "e2"):
        real = facts(WORLD.document(entity))
        made = [WORLD.rephrase(entity, number) for number in range(10)]
        for text in made:
            assert set(facts(text)) == set(real)
            assert facts(text) != real
        # Five other styles: each once in five rephrases.
        for block in (made[:5], made[5:]):
            assert set.union(*map(styles, block)) == set("bcdef")


def test_a_passage_ends_in_the_style_asked_for_and_repeats_none():
    for last in "abcdef":
        texts = WORLD.passage("e7", last, 4)
        names = [style for text in texts for style in styles(text)]
        assert len(set(names)) == len(names) == 4
        assert names[-1] == last
        assert len({frozenset(facts(text)) for text in texts}) == 1


def test_every_word_is_in_the_vocabulary_once():
    words = WORLD.vocabulary()
    assert len(set(words)) == len(words) == 4 + 6 + 36 + 96
    texts = [WORLD.document("e1"), *WORLD.passage("e2", "f", 6), WORLD.rephrase("e3", 4)]
    assert {word for text in texts for word in text.split()} <= set(words)


def test_a_world_is_a_function_of_its_seed():
    texts = [World(seed=seed).passage("e1", "a", 3) for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("rest", "thought"),
    [("a.3 3=0 a.1 1=2 .", "3"), (".", "end"), ("", "end")],
)
def test_a_thought_names_the_attribute_that_comes_next(rest, thought):
    assert next_thought(rest.split()) == thought
    assert thought in WORLD.vocabulary()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"facts": 7}, "facts is 7, in init_args of Records; must be from 2 to 6"),
        ({"values": 1}, "values is 1"),
        ({"styles": 1}, "styles is 1"),
        ({"skew": -1.0}, "skew is -1.0"),
    ],
)
def test_worlds_that_cannot_be_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        World(seed=0, **options)
