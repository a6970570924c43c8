"""The table of a corpus whose faults were put there."""

import numpy as np
import pytest

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine
from lit_research.methods.sbp import TwoFormats
from lit_research.methods.sbp.quality import EngineJudge, Pair, Quality, Rate, rates
from lit_research.stats import wilson
from lit_research.text import Tfidf, load_tokenizer
from tests.methods.sbp.test_writing import args
from tests.methods.sbp.test_writing import whole as whole  # a fixture
from tests.methods.sbp.worlds import TINY

WORLD = TwoFormats(**TINY)


class SaysYesToCats(Engine):
    """Answers yes where the prompt has cats."""

    def card(self):
        return {"engine": "SaysYesToCats"}

    def complete(self, prompts, sampling):
        texts = ["Yes." if "cats after" in prompt else "no" for prompt in prompts]
        return [[Completion(t, (1,), (), "stop", 0, n)] for n, t in enumerate(texts)]


def test_each_fault_is_found_as_often_as_it_was_put_in():
    seeds, texts = ([*part["text"]] for part in WORLD.sibling_pairs(5, what="quality"))
    tokenizer = load_tokenizer("words", vocabulary=WORLD.vocabulary())
    texts[0] = texts[1]  # a duplicate, and not its sibling
    texts[2] = seeds[2]  # a copy
    texts[3] = " ".join([*texts[3].split()[:4], *["b0 b1"] * 10])  # a repetition
    encoder = Tfidf()
    encoder.fit([*seeds, *texts])
    pairs = [Pair(text, seed) for text, seed in zip(texts, seeds, strict=True)]
    found = rates(pairs, tokenizer, encoder=encoder, judge=WORLD)
    counts = {name: rate.count for name, rate in found.items()}
    assert counts["repetition"] == counts["copied"] == counts["duplicates at 20"] == 1
    assert counts["no document"] == 1
    assert counts["words unlike the sibling"] == 3
    assert counts["anchors unlike the sibling"] == 1
    assert counts["topic unlike the sibling"] == 1  # the copy is in the format of its d1
    assert counts["irrelevant"] <= 2
    assert 4 <= counts["irrelevant, shuffled"] <= 16
    assert {rate.of for rate in found.values()} == {20}


def test_the_documents_of_the_world_are_true_and_others_are_not():
    texts = [*WORLD.splits()["train"]["text"]]
    found = WORLD.faults([""] * len(texts), texts)
    assert not any(map(any, found.values()))
    assert {*found} == {"no document", "words that cannot follow"}
    random = np.random.default_rng(0)
    wrong = [" ".join([*t.split()[:4], *random.permutation(t.split()[4:])]) for t in texts]
    assert sum(WORLD.faults([""] * len(wrong), wrong)["words that cannot follow"]) > 20
    strange = ["", "A", "A t9 n1 n2 a1 a2 a3 a0", "B t1 n1 n2 a1 a2 a3 a0"]
    assert WORLD.faults([""] * 4, strange)["no document"] == [True] * 4


def test_the_table_shows_intervals_and_what_was_not_measured():
    quality = Quality(notes=["a note"])
    quality.add("synthetic", {"repetition": Rate(2, 50), "copied": Rate(0, 0)})
    quality.add("real", {"repetition": Rate(0, 50)})
    low, high = (100 * end for end in wilson(2, 50))
    head, repetition, copied, note = quality.table().splitlines()
    assert head.split("  ")[0] == "lower is better"
    assert f"4.0% [{low:.1f}, {high:.1f}]" in repetition
    assert copied.split() == ["copied", "-"]
    assert note == "a note"
    assert quality.metrics("real") == {"repetition": 0.0}


def test_a_judge_is_an_engine_that_says_yes_or_no():
    engine = {"class_path": "tests.methods.sbp.test_quality.SaysYesToCats"}
    judge = EngineJudge(engine, {"cats": "Is {d2} after {d1} about cats?"})
    assert judge.faults(["a", "b"], ["cats", "dogs"]) == {"cats": [True, False]}
    with pytest.raises(UserError, match="where the text goes"):
        EngineJudge(engine, {"cats": "Is it?"})


def test_the_verb_prints_and_logs_the_table(whole, tmp_path):
    folder = whole.parent
    cli = main({"subcommand": "test", "test": args(folder)})
    found = {name: float(v) for name, v in cli.trainer.callback_metrics.items()}
    assert found["test/repetition"] == found["test/copied"] == found["test/duplicates"] == 0
    assert 0 <= found["test/irrelevant"] < 0.5
    with pytest.raises(UserError, match="there is no synthetic corpus in"):
        main({"subcommand": "test", "test": args(tmp_path)})
