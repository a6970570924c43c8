"""Questions with planted duplicates and leaks, whose truth is known; the same ones for a seed.

Questions are word problems in a closed vocabulary whose words, punctuation included, are separated
by spaces, so that a word is a token of the tokenizer ``words``. Each has a paraphrase that says the
same in other words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_NAMES = """
ada boris chen dina emil fatou goran hanna ivan jana karim lena marco nadia omar petra
quinn rosa samir tara ugo vera wim xenia yusuf zoe anton bella carlos divya elif felix
gita hugo ines jonas kofi luisa milan noor
"""
_THINGS = """
apples lanterns bicycles carpets violins pebbles tickets feathers candles baskets marbles
postcards umbrellas kettles blankets coins ribbons shells bottles notebooks pencils
mirrors buttons ladders helmets melons pumpkins clocks anchors paddles trumpets cushions
statues tiles magnets compasses thimbles saddles whistles goblets
"""
_PLACES = """
harbour market library orchard station museum bakery garden castle workshop theatre meadow
lighthouse school mill quarry stable chapel factory island tavern bridge monastery
vineyard observatory greenhouse shipyard hospital courthouse aquarium
"""
_QUALITIES = """
red heavy broken wooden golden ancient tiny striped silver hollow crooked polished foreign
rusty painted smooth dusty fragile bright narrow woven gilded faded carved square round
shallow precious common curious
"""
_DEEDS = """
counted collected painted carried traded stored repaired wrapped borrowed shipped sorted
delivered measured inspected rented donated packed unloaded labelled weighed
"""
NAMES, THINGS, PLACES, QUALITIES, DEEDS = (
    words.split() for words in (_NAMES, _THINGS, _PLACES, _QUALITIES, _DEEDS)
)
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

# What is said, and the same in other words.
FACTS = [
    (
        "{name} {deed} {number} {quality} {things} at the {place} .",
        "at the {place} , {number} {quality} {things} were {deed} by {name} .",
    ),
    (
        "on {day} the {place} received {number} crates of {quality} {things} .",
        "{number} crates with {things} , all {quality} , reached the {place} on {day} .",
    ),
    (
        "each of the {number} {things} beside the {place} weighs {other} grams .",
        "by the {place} there are {number} {things} of {other} grams apiece .",
    ),
    (
        "a {quality} box holds {number} {things} , and {name} owns {other} boxes .",
        "{name} has {other} {quality} boxes , every one with {number} {things} inside .",
    ),
    (
        "{number} visitors of the {place} {deed} {other} {things} before {day} .",
        "before {day} came , {other} {things} were {deed} by {number} visitors to the {place} .",
    ),
    (
        "later {name} gave {number} {things} to a {quality} friend from the {place} .",
        "a {quality} friend out of the {place} then got {number} {things} from {name} .",
    ),
    (
        "the price of {things} rose by {number} percent when {name} left the {place} .",
        "when {name} went away from the {place} , {things} became {number} percent dearer .",
    ),
    (
        "it takes {number} minutes to walk from the {place} to {name} .",
        "a walk of {number} minutes leads to {name} if one starts at the {place} .",
    ),
    (
        "no {quality} {things} were left after {day} , although {number} had arrived .",
        "{number} {quality} {things} had come , yet none remained once {day} was over .",
    ),
    (
        "mix {number} litres of {quality} paint with {other} litres of water for the {place} .",
        "for painting the {place} , add {other} litres of water to {number} of {quality} paint .",
    ),
    (
        "suppose that {name} reads {number} pages every {day} and skips {other} of them .",
        "every {day} there are {number} pages for {name} to read , minus {other} skipped ones .",
    ),
    (
        "between the {place} and its gate stand {number} {quality} trees in {other} rows .",
        "{other} rows with {number} {quality} trees fill the way up to the gate of the {place} .",
    ),
    (
        "half are {quality} , {other} belong to {name} , and {number} are lost .",
        "{name} owns {other} , {number} cannot be found , and {quality} is every second one .",
    ),
    (
        "tickets cost {number} coins for adults but only {other} for pupils of the {place} .",
        "pupils of the {place} pay {other} coins , while grown people pay {number} .",
    ),
    (
        "{name} forgot {number} {things} , so the trip to the {place} was delayed until {day} .",
        "until {day} nobody went to the {place} , because {number} {things} were forgotten .",
    ),
    (
        "a train of {number} wagons passes {other} {quality} {things} without stopping .",
        "without a halt , {other} {quality} {things} are passed by {number} wagons of a train .",
    ),
    (
        "only {number} out of {other} guests liked the {quality} soup which {name} served .",
        "{name} served a {quality} soup to {other} guests , and {number} of these enjoyed it .",
    ),
    (
        "two brothers split {number} {things} so that the elder gets {other} more .",
        "of {number} {things} the older brother receives {other} more than the younger .",
    ),
    (
        "water fills the {quality} tank in {number} hours unless {name} opens a tap .",
        "unless a tap is opened by {name} , {number} hours are enough for the {quality} tank .",
    ),
    (
        "by {day} , profits from {things} had grown {other} times to {number} coins .",
        "{number} coins is what {things} earned by {day} , which is {other} times as much .",
    ),
    (
        "whoever enters the {place} first wins {number} {quality} {things} .",
        "{number} {quality} {things} go to the first one inside the {place} .",
    ),
]
ASKED = [
    ("how many {things} does {name} have left ?", "what number of {things} remains with {name} ?"),
    ("what do the {things} weigh ?", "how heavy are the {things} together ?"),
    ("find how much {name} pays for the {things} .", "which sum do the {things} cost {name} ?"),
    ("when is the {place} empty ?", "how long until nothing is left in the {place} ?"),
    ("calculate the share of {name} .", "what part belongs to {name} ?"),
    ("who has more {things} by {day} ?", "on {day} , which person owns most {things} ?"),
    ("answer in coins for the {place} .", "give it in coins , for the {place} ."),
]

GRADES = ("exact", "spacing", "1%", "3%", "8%", "number", "paraphrase")
LEAKS = ("whole", "inside", "12", "13", "14")


def vocabulary() -> list[str]:
    """Return all words that normalised questions consist of."""
    said = " ".join(text for pair in (*FACTS, *ASKED) for text in pair)
    fixed = {word for word in said.split() if not word.startswith("{")}
    lists = (NAMES, THINGS, PLACES, QUALITIES, DEEDS, DAYS)
    return sorted({*fixed, *(word for words in lists for word in words), *map(str, range(1000))})


@dataclass(frozen=True)
class Question:
    """A word problem, and the same one in other words."""

    text: str
    paraphrase: str


def questions(count: int, seed: int) -> list[Question]:
    """Return word problems of four to six sentences, all different."""
    rng = np.random.default_rng([seed, 1])
    found = dict[str, Question]()
    while len(found) < count:
        facts = [FACTS[place] for place in rng.choice(len(FACTS), rng.integers(3, 6), False)]
        pairs = [*facts, ASKED[rng.integers(len(ASKED))]]
        said = [_filled(pair, rng) for pair in pairs]
        others = [said[place][1] for place in rng.permutation(len(said) - 1)]
        text = " ".join(first for first, _ in said)
        found[text] = Question(text, " ".join([*others, said[-1][1]]))
    return list(found.values())


def _filled(pair: tuple[str, str], rng: np.random.Generator) -> tuple[str, str]:
    lists = {
        "name": NAMES, "things": THINGS, "place": PLACES, "quality": QUALITIES, "deed": DEEDS,
        "day": DAYS,
    }  # fmt: skip
    slots = {slot: words[rng.integers(len(words))] for slot, words in lists.items()}
    slots.update(number=str(rng.integers(2, 1000)), other=str(rng.integers(2, 1000)))
    return pair[0].format(**slots), pair[1].format(**slots)


def respaced(text: str, rng: np.random.Generator) -> str:
    """Return a text with other case and white space."""
    words = [word.upper() if rng.random() < 0.3 else word.capitalize() for word in text.split(" ")]
    kinds = [" ", "  ", "\n", "\t ", "\u00a0"]
    spaces = [kinds[kind] for kind in rng.integers(len(kinds), size=len(words))]
    return " " + "".join(word + space for word, space in zip(words, spaces, strict=True))


def edited(text: str, share: float, rng: np.random.Generator) -> str:
    """Return a text in which a share of the characters, at least one, are other letters.

    Letters are replaced by letters: numbers and spaces stay.
    """
    characters = list(text)
    letters = [place for place, character in enumerate(text) if character.isalpha()]
    for place in rng.choice(letters, max(1, round(share * len(text))), replace=False):
        others = [x for x in "abcdefghijklmnopqrstuvwxyz" if x != characters[place].lower()]
        characters[place] = str(rng.choice(others))
    return "".join(characters)


def renumbered(text: str, rng: np.random.Generator) -> str:
    """Return a text of which one number is another one of as many digits."""
    places = list(re.finditer(r"\d+", text))
    place = places[rng.integers(len(places))]
    low = 10 ** (len(place[0]) - 1)
    others = [n for n in range(max(2, low), 10 * low) if n != int(place[0])]
    return f"{text[: place.start()]}{rng.choice(others)}{text[place.end() :]}"


def planted_duplicates(each: int, clean: int, seed: int):
    """Return rows (id, question) with one copy of some questions, in a random order.

    Args:
        each: copies of each grade of ``GRADES``, each of another question.
        clean: questions without a copy.
        seed: of all.

    Returns:
        the rows; and of each copy its id: the grade, and the id of what it copies. ``number`` and
        ``paraphrase`` are no duplicates by characters.
    """
    rng = np.random.default_rng(seed)
    pool = questions(each * len(GRADES) + clean, seed)
    rows = [(f"q{number}", question.text) for number, question in enumerate(pool)]
    truth: dict[str, tuple[str, str]] = {}
    shares = {"1%": 0.01, "3%": 0.03, "8%": 0.08}
    for number, question in enumerate(pool[: each * len(GRADES)]):
        grade, text = GRADES[number // each], question.text
        if grade == "spacing":
            text = respaced(text, rng)
        elif grade in shares:
            text = edited(text, shares[grade], rng)
        elif grade == "number":
            text = renumbered(text, rng)
        elif grade == "paraphrase":
            text = question.paraphrase
        rows.append((f"copy{number}", text))
        truth[f"copy{number}"] = (grade, f"q{number}")
    return [rows[place] for place in rng.permutation(len(rows))], truth


def planted_leaks(items: int, each: int, clean: int, seed: int):
    """Return evaluation items, and rows (id, question) of which some repeat one of them.

    Args:
        items: of the evaluation.
        each: rows of each kind of ``LEAKS``: an item with other case and spacing; an item between
            other questions; a question with so many consecutive words of an item.
        clean: questions that repeat none.
        seed: of all.

    Returns:
        the items; the rows, in a random order; and of each leak its id: the kind, and the item.
    """
    rng = np.random.default_rng(seed)
    pool = [question.text for question in questions(items + 4 * each * len(LEAKS) + clean, seed)]
    evaluation, rest = pool[:items], pool[items:]
    rows, truth = [], {}
    for number in range(each * len(LEAKS)):
        kind, item = LEAKS[number // each], int(rng.integers(items))
        filler = [rest.pop() for _ in range(4)]
        text = respaced(evaluation[item], rng)
        if kind == "inside":
            text = " ".join([*filler[:2], text, *filler[2:]])
        elif kind != "whole":
            text = sharing(evaluation[item], int(kind), filler[0], rng)
        rows.append((f"leak{number}", text))
        truth[f"leak{number}"] = (kind, item)
    rows += [(f"clean{number}", text) for number, text in enumerate(rest[:clean])]
    return evaluation, [rows[place] for place in rng.permutation(len(rows))], truth


def sharing(item: str, count: int, filler: str, rng: np.random.Generator) -> str:
    """Return the filler with a run of just ``count`` words of an item inside."""
    words, others = item.split(), filler.split()
    while True:
        start, cut = rng.integers(len(words) - count + 1), rng.integers(1, len(others))
        stop = start + count
        before = start > 0 and words[start - 1] == others[cut - 1]
        if not before and (stop == len(words) or words[stop] != others[cut]):
            return " ".join([*others[:cut], *words[start:stop], *others[cut:]])
