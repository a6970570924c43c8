"""Ladders: the same question with more and more code, evidence where it is wanted, nothing cut."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode import Origin, RepairItem, SourceTree, Span
from lit_research.methods.longcode.counters import Characters, FolderTokenizer
from lit_research.methods.longcode.ladder_settings import LadderSettings
from lit_research.methods.longcode.ladders import Ladder
from lit_research.methods.longcode.prompts import PromptStyle
from lit_research.methods.longcode.rungs import CONTEXT, ask_question, ask_repair
from tests.methods.longcode.releases import limit_question, repository

BUCKETS = (400, 800, 1600, 3200)
COUNTER = Characters()
TREES = {
    tree.name: tree
    for tree in (repository("shop", 12), repository("bank", 20), repository("zoo", 3))
}
SHOP = TREES["shop-1.0"]
ITEM = limit_question(SHOP, 5)
WANTED = "shop/part005.py"


def rungs(item=ITEM, trees=TREES, style=None, counter=COUNTER, **changes):
    given_settings = LadderSettings(**{"buckets": BUCKETS, "ranking": "random", **changes})
    return Ladder(trees, counter, given_settings, style).rungs(item)


def test_every_rung_fits_and_has_the_same_question_at_its_end():
    found = rungs()
    assert [rung.bucket for rung in found] == list(BUCKETS)
    for rung in found:
        prompt = rung.context + rung.rests[0]
        assert rung.tokens[0] == COUNTER.count([prompt])[0] <= rung.bucket
        assert prompt.endswith("What is shop_limit_5?\n\nA) 8\nB) 5\nC) 6\nD) 7")
        assert rung.refusal is None
        assert rung.cut == 0
        assert WANTED in rung.files


def test_longer_prompts_hold_the_files_of_shorter_ones_and_are_full():
    found = rungs()
    for shorter, longer in pairwise(found):
        assert set(shorter.files) < set(longer.files)
    smallest = min(COUNTER.count([text])[0] for text in SHOP.files.values())
    for rung in found:
        assert rung.is_exhausted or rung.tokens[0] > rung.bucket - smallest - 40


def test_all_files_are_whole():
    for rung in rungs():
        for name in rung.files:
            path = name.removeprefix("bank-1.0/").removeprefix("zoo-1.0/")
            tree = TREES[f"{path.split('/')[0]}-1.0"]
            assert f"[start of {name}]\n{tree.files[path]}\n[end of {name}]\n" in rung.context


def test_files_of_other_packages_follow_those_of_the_same_one():
    first, *_, last = rungs()
    assert {name.split("/")[0] for name in first.files} == {"shop"}
    assert {name for name in last.files if name.startswith("shop/")} == set(SHOP.files)
    assert {name.split("/")[0] for name in last.files} > {"shop", "bank-1.0"}


def test_distractors_may_be_of_one_source_only():
    same = rungs(distractors="same")[-1]
    assert set(same.files) == set(SHOP.files)
    assert same.is_exhausted
    other = rungs(distractors="other")[-1]
    assert [name for name in other.files if name.startswith("shop/")] == [WANTED]
    assert len(other.files) > 10


def test_another_release_of_the_same_package_is_no_distractor():
    newer = SourceTree(
        "shop-2.0", {"shop/part005.py": "shop_limit_5 = 99\n"}, Origin("shop", "2.0")
    )
    last = rungs(trees={**TREES, newer.name: newer})[-1]
    assert not [name for name in last.files if name.startswith("shop-2.0")]


@pytest.mark.parametrize(
    ("position", "low", "high"), [("first", 0, 0.1), ("middle", 0.4, 0.6), ("last", 0.9, 1)]
)
def test_the_evidence_stands_where_it_is_wanted(position, low, high):
    last = rungs(position=position)[-1]
    assert low <= last.depth <= high
    before = last.context.index("shop_limit_5 = 5")
    code = last.context.removeprefix("Repository:\n").removesuffix("\n")
    assert last.depth == pytest.approx((before - len("Repository:\n")) / len(code))


def test_sorted_is_the_order_of_the_paths():
    for rung in rungs(position="sorted"):
        assert list(rung.files) == sorted(rung.files)


def test_uniform_positions_cover_the_code_and_stay_at_all_lengths():
    items = [limit_question(repository("bank", 20), n) for n in range(20)]
    depths = [[rung.depth for rung in rungs(item, position="uniform")] for item in items]
    ends = [of_item[-1] for of_item in depths]
    assert min(ends) < 0.2
    assert max(ends) > 0.8
    # A file of the shortest prompts is a fifth of them.
    assert max(abs(of_item[1] - of_item[-1]) for of_item in depths) < 0.25
    assert depths == [[rung.depth for rung in rungs(i, position="uniform")] for i in items]


def test_a_prompt_that_cannot_fit_is_refused_and_not_cut():
    first, second, *_ = rungs(buckets=(60, 100, 800))
    assert first.refusal == second.refusal == CONTEXT
    assert first.tokens[0] > 60
    assert first.context.count("[end of") == 1
    assert first.cut == 0


def test_a_cut_is_in_the_middle_of_the_code_and_labelled():
    long = SourceTree(
        "long-1", {"a.py": "\n".join(f"v{n} = {n}" for n in range(500))}, Origin("long")
    )
    item = replace(ITEM, tree="long-1", evidence=(Span("a.py", 3, 3),))
    trees = {**TREES, "long-1": long}
    tiny, short, whole = rungs(item, trees, buckets=(60, 400, 3200), too_long="cut")
    assert tiny.refusal == CONTEXT
    assert short.refusal is None
    assert COUNTER.count([short.context + short.rests[0]]) == [short.tokens[0]]
    assert 390 < short.tokens[0] <= 400
    assert f"[{short.cut} characters are left out here]" in short.context
    assert short.context.startswith("Repository:\n[start of a.py]\nv0 = 0")
    assert short.context.endswith("v499 = 499\n[end of a.py]\n")
    assert short.rests == whole.rests
    assert 0 < short.depth < 0.1
    assert whole.cut == 0
    middle = replace(item, evidence=(Span("a.py", 250, 250),))
    assert rungs(middle, trees, buckets=(400,), too_long="cut")[0].depth is None
    late = replace(item, evidence=(Span("a.py", 498, 498),))
    assert rungs(late, trees, buckets=(400,), too_long="cut")[0].depth > 0.9


def test_rotations_cost_what_they_are_counted_for(tmp_path):
    counter = FolderTokenizer("bytes")
    item = replace(ITEM, options=("é", "long option", "x", "yy"))
    for style in (None, PromptStyle(questions="pre"), PromptStyle(goal="final_answer")):
        for rung in rungs(item, style=style, counter=counter, buckets=(2000, 4000)):
            for rotation, asked in enumerate(ask_question(item, rung, range(4))):
                assert asked.tokens == counter.count([asked.prompt])[0] <= rung.bucket
                assert asked.options[asked.correct] == "long option"
                assert f"{asked.letter}) long option" in asked.prompt
                assert asked.step.rotation == rotation
            assert len({asked.prompt for asked in ask_question(item, rung, range(4))}) == 4


def test_seeds_of_samples_follow_from_their_step_alone():
    rung = rungs()[0]
    asked = ask_question(ITEM, rung, (0, 2), repeats=2, seed=3)
    assert len({one.seed for one in asked}) == 4
    assert asked == ask_question(ITEM, rung, (0, 2), repeats=2, seed=3)
    assert asked[2:] == ask_question(ITEM, rung, (2,), repeats=2, seed=3)


def test_a_repair_shows_numbered_lines_for_a_diff_only():
    item = RepairItem(
        "r", "mutation", "shop_limit_5 is wrong", SHOP.name, "", "", ("t",), (), SHOP.origin,
        (Span(WANTED, 7, 7),),
    )  # fmt: skip
    for answer, line in (
        ("diff", "\n7 shop_limit_5 = 5\n"),
        ("whole-file", "\nshop_limit_5 = 5\n"),
    ):
        rung = rungs(item, style=PromptStyle(repairs=answer), buckets=(2000,))[0]
        assert line in rung.context
        [asked] = ask_repair(item, SHOP, rung)
        assert asked.prompt == rung.context + rung.rests[0]
        assert asked.tree is SHOP
        code = asked.prompt[asked.prompt.index("<code>\n\n") + 8 : asked.prompt.index("\n</code>")]
        assert asked.depth == pytest.approx(code.index(line[1:]) / len(code))


def test_evidence_in_a_file_that_is_not_shown_is_refused():
    tree = SourceTree("x-1", {"a.py": "", "tests/test_a.py": "x = 1\n"}, Origin("x"))
    item = replace(ITEM, tree="x-1", evidence=(Span("tests/test_a.py", 1, 1),))
    with pytest.raises(UserError, match=r"the evidence of 'shop-5' is in 'tests/test_a.py'"):
        rungs(item, {"x-1": tree})


def test_without_known_evidence_the_whole_tree_is_shown_or_refused():
    found = rungs(replace(ITEM, evidence=()), distractors="same", buckets=(400, 600, 1600))
    assert [rung.refusal for rung in found] == [CONTEXT, CONTEXT, None]
    assert set(found[-1].files) == set(SHOP.files)
    assert found[-1].depth is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position": "midle"}, "position is 'midle', in LadderSettings; did you mean middle"),
        ({"buckets": (8, 4)}, "must be ascending"),
        ({"buckets": ()}, "must be ascending"),
        ({"buckets": (0, 4)}, "buckets is 0"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        LadderSettings(**changes)


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.sampled_from(["sorted", "first", "middle", "last", "uniform"]),
    st.lists(st.integers(50, 3000), min_size=1, max_size=4, unique=True),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_any_ladder_fits_is_nested_and_holds_the_evidence(sizes, position, buckets, seed):
    files = {f"f{n}.py": f"# {n}\n" * size for n, size in enumerate(sizes)}
    trees = {"t-1": SourceTree("t-1", files, Origin("t"))}
    item = replace(ITEM, tree="t-1", evidence=(Span("f0.py", 1, 1),))
    before: set[str] = set()
    for rung in rungs(item, trees, buckets=sorted(buckets), position=position, seed=seed):
        assert "f0.py" in rung.files
        assert before <= set(rung.files)
        before = set(rung.files)
        assert (rung.refusal is None) == (rung.tokens[0] <= rung.bucket)
        assert 0 <= rung.depth <= 1


def test_bm25_puts_files_first_that_share_rare_words():
    files = {"a.py": "x = 1\n", "b.py": "shop_limit_5 = other\n", "c.py": "limit = 2\n"}
    trees = {"t-1": SourceTree("t-1", {**files, "e.py": "y\n"}, Origin("t"))}
    item = replace(ITEM, tree="t-1", evidence=(Span("e.py", 1, 1),))
    shown = rungs(item, trees, buckets=(98,), ranking="bm25")[0].files
    assert shown == ("b.py", "e.py")


def test_others_are_ranked_too():
    zoo = {"a.py": "x = 1\n", "b.py": "shop_limit_5 = other\n"}
    trees = {
        "t-1": SourceTree("t-1", {"e.py": "y\n"}, Origin("t")),
        "zoo-1": SourceTree("zoo-1", zoo, Origin("zoo")),
    }
    item = replace(ITEM, tree="t-1", evidence=(Span("e.py", 1, 1),))
    short, long = rungs(item, trees, buckets=(98, 120), ranking="bm25")
    assert short.files == ("e.py", "zoo-1/b.py")
    assert long.files == ("e.py", "zoo-1/a.py", "zoo-1/b.py")
